package countermand.rules.kubernetes_test

import data.countermand.lib.example_test as example
import data.countermand.rules.kubernetes

_grave_codes := {"K8S_CLEANUP_SKIPPED", "K8S_DRAIN_LOSES", "K8S_EVICTS_BY_TAINT", "K8S_TAKES_FIELDS", "K8S_ROLE_TOO_POWERFUL"}

_grave(operation, params) := found & _grave_codes if {
	all := kubernetes.findings with input as example.document({"operation": operation, "params": params})
	found := example.codes(all)
}

_two(operation, params) if {
	duties := kubernetes.obligations with input as example.document({"operation": operation, "params": params})
	some duty in duties
	duty.approvals[0].n == 2
}

test_a_removed_finalizer_skips_a_clean_up if {
	_grave("crontabs.patch", {"patch": {"metadata": {"finalizers": null}}}) == {"K8S_CLEANUP_SKIPPED"}
	_grave("crontabs.patch", {"patch": [{"op": "remove", "path": "/metadata/finalizers/0"}]}) == {"K8S_CLEANUP_SKIPPED"}
	_grave("crontabs.patch", {"patch": {"metadata": {"labels": {}}}}) == set()
	_two("crontabs.patch", {"patch": {"metadata": {"finalizers": null}}})
}

test_a_gentle_drain_takes_one if _grave("nodes.drain", {"ignore_daemonsets": true}) == set()

test_a_forced_drain_takes_two if {
	_grave("nodes.drain", {"delete_emptydir_data": true}) == {"K8S_DRAIN_LOSES"}
	_two("nodes.drain", {"force": true})
}

test_a_taint_that_evicts_takes_two if {
	_grave("nodes.taint", {"add": [{"key": "a", "effect": "NoExecute"}]}) == {"K8S_EVICTS_BY_TAINT"}
	_grave("nodes.taint", {"add": [{"key": "a", "effect": "NoSchedule"}]}) == set()
	_two("nodes.taint", {"add": [{"key": "a", "effect": "NoExecute"}]})
}

test_forced_ownership_takes_two if {
	_grave("deployments.apply", {"force_conflicts": true}) == {"K8S_TAKES_FIELDS"}
	_two("deployments.apply", {"force_conflicts": true})
}

_binding(role, subject) := {"object": {"roleRef": {"name": role}, "subjects": [{"name": subject}]}}

test_nobody_becomes_administrator if {
	_grave("rolebindings.create", _binding("cluster-admin", "web")) == {"K8S_ROLE_TOO_POWERFUL"}
	_grave("rolebindings.create", _binding("reader", "system:masters")) == {"K8S_ROLE_TOO_POWERFUL"}
	_grave("rolebindings.create", _binding("reader", "web")) == set()
}
