package countermand.rules.kubernetes_test

import data.countermand.lib.example_test as example
import data.countermand.rules.kubernetes

_labelled(operation, labels, changes) if {
	step := {"operation": operation, "params": {"labels": labels}, "preflight": {"status": "ok", "changes": changes}}
	found := kubernetes.findings with input as example.document(step)
		with data.countermand.config.permits.operations as {"sre-agents": {"prod": {"kubernetes": {"*.label": "approve"}}}}
	"K8S_LABEL_ADDED" in example.codes(found)
}

_annotated(key) if {
	step := {"operation": "deployments.annotate", "params": {"annotations": {key: "true"}}}
	found := kubernetes.findings with input as example.document(step)
	"K8S_STEERING_ANNOTATION" in example.codes(found)
}

_added(key) := [{"path": concat("", ["/metadata/labels/", key]), "from": null, "to": "true"}]

test_a_new_label_may_be_added if _labelled("pods.label", {"quarantine": "true"}, _added("quarantine"))

test_a_label_that_was_there_may_not_change if {
	changes := [{"path": "/metadata/labels/quarantine", "from": "false", "to": "true"}]
	not _labelled("pods.label", {"quarantine": "true"}, changes)
}

test_a_label_may_not_be_removed if {
	changes := [{"path": "/metadata/labels/quarantine", "from": "true", "to": null}]
	not _labelled("pods.label", {"quarantine": null}, changes)
}

test_a_label_of_selectors_may_not_be_added if {
	not _labelled("pods.label", {"app": "web"}, _added("app"))
	not _labelled("nodes.label", {"topology.kubernetes.io/zone": "a"}, _added("topology.kubernetes.io~1zone"))
}

_path(key) := replace(key, "/", "~1")

test_a_reserved_label_of_a_node_may_not_be_added if {
	every key in [
		"node-role.kubernetes.io/control-plane",
		"node-role.kubernetes.io/worker",
		"node-role.kubernetes.io/etcd",
		"node-restriction.kubernetes.io/tenant",
		"node.kubernetes.io/exclude-from-external-load-balancers",
		"node.kubernetes.io/instance-type",
		"topology.kubernetes.io/zone",
		"kubernetes.io/hostname",
		"beta.kubernetes.io/os",
		"cluster-autoscaler.kubernetes.io/scale-down-disabled",
		"node.cluster.x-k8s.io/x",
		"scheduler.k8s.io/x",
		"eks.amazonaws.com/nodegroup",
		"cloud.google.com/gke-nodepool",
		"istio.io/rev",
		"istio-injection",
	] {
		not _labelled("nodes.label", {key: ""}, _added(_path(key)))
	}
}

test_the_master_role_that_an_upgrade_took_away_may_be_put_back if {
	role := "node-role.kubernetes.io/master"
	_labelled("nodes.label", {role: ""}, _added(_path(role)))
	not _labelled("nodes.label", {role: "x"}, _added(_path(role)))
	not _labelled("pods.label", {role: ""}, _added(_path(role)))
	not _labelled("nodes.label", {role: "", "node-role.kubernetes.io/worker": ""}, _added(_path(role)))
}

test_the_master_role_may_not_be_taken_away if {
	role := "node-role.kubernetes.io/master"
	changes := [{"path": concat("", ["/metadata/labels/", _path(role)]), "from": "", "to": null}]
	not _labelled("nodes.label", {role: null}, changes)
}

test_a_reserved_label_of_a_pod_may_not_be_added if {
	every key in ["sidecar.istio.io/inject", "security.istio.io/tlsMode", "argocd.argoproj.io/instance", "helm.sh/chart"] {
		not _labelled("pods.label", {key: "x"}, _added(_path(key)))
	}
}

test_other_kinds_are_not_labelled if not _labelled("namespaces.label", {"quarantine": "true"}, _added("quarantine"))

test_without_dry_run_nothing_is_new if not _labelled("pods.label", {"quarantine": "true"}, null)

test_a_note_is_no_steering if {
	not _annotated("human")
	not _annotated("experiment.chaos-mesh.org/pause")
	not _annotated("notkubernetes.io/x")
}

test_an_annotation_of_a_controller_is if {
	_annotated("kubernetes.io/change-cause")
	_annotated("service.beta.kubernetes.io/aws-load-balancer-internal")
	_annotated("argocd.argoproj.io/sync-options")
}
