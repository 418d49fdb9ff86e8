package countermand.rules.kubernetes_test

import data.countermand.lib.example_test as example
import data.countermand.rules.kubernetes

_image := [{"path": "/spec/template/spec/containers[name=web]/image", "from": "a", "to": "b"}]

_change(changes, extra) := object.union(
	{
		"operation": "deployments.set_image",
		"facts": example.known({"iac": {"tool": "argocd"}, "health": "failing"}),
		"preflight": {"status": "ok", "targets": 1, "changes": changes},
	},
	extra,
)

_drifts(document) if {
	found := kubernetes.findings with input as document
	"K8S_OWNED_BY_CODE" in example.codes(found)
}

_with_lease(document) := object.union(document, {"request": object.union(document.request, {"lease_s": 900})})

test_without_a_lease_a_human_accepts_the_drift if _drifts(example.document(_change(_image, {})))

test_a_lease_ends_it if not _drifts(_with_lease(example.document(_change(_image, {}))))

test_replicas_alone_are_moved_by_autoscalers_too if {
	not _drifts(example.document(_change([{"path": "/spec/replicas", "from": 2, "to": 3}], {})))
}

test_a_restart_sets_nothing if not _drifts(example.document(_change(_image, {"undo": {"class": "neutral"}})))

test_what_helm_installed_is_nobodys if {
	not _drifts(example.document(_change(_image, {"facts": example.known({"iac": {"tool": "helm"}})})))
}

test_the_lease_is_bounded if {
	duties := kubernetes.obligations with input as example.document(_change(_image, {}))
	{"code": "K8S_OWNED_BY_CODE", "step": 0, "lease": {"max_ttl_s": 3600}} in duties
}
