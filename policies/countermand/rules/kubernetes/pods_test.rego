package countermand.rules.kubernetes_test

import data.countermand.lib.example_test as example
import data.countermand.rules.kubernetes

_pod(operation, value) := found & {"K8S_POD_RECREATED", "K8S_DISRUPTION_NOT_ALLOWED"} if {
	document := example.document({"operation": operation, "facts": example.known(value)})
	all := kubernetes.findings with input as document
		with data.countermand.config.permits.operations as {"sre-agents": {"prod": {"kubernetes": {"*.delete": "approve"}}}}
	found := example.codes(all)
}

_of(kind) := {"owners": [{"kind": kind, "name": "x"}], "health": "failing"}

test_a_pod_of_a_replica_set_comes_back if _pod("pods.delete", _of("ReplicaSet")) == {"K8S_POD_RECREATED"}

test_a_pod_of_a_stateful_set_has_an_identity if _pod("pods.delete", _of("StatefulSet")) == set()

test_a_naked_pod_does_not if _pod("pods.delete", {"owners": [], "health": "failing"}) == set()

test_a_healthy_pod_is_kept_by_its_budget if {
	_pod("pods.delete", {"health": "healthy", "pdbs": [{"name": "web", "allowed": 0}]}) == {"K8S_DISRUPTION_NOT_ALLOWED"}
	_pod("pods.delete", {"health": "healthy", "pdbs": [{"name": "web", "allowed": 1}]}) == set()
}

test_a_pod_that_is_down_is_no_disruption if {
	_pod("pods.delete", {"health": "failing", "pdbs": [{"name": "web", "allowed": 0}]}) == set()
}

test_a_drain_waits_for_its_budgets if {
	_pod("nodes.drain", {"health": "failing", "pdbs": [{"name": "web", "allowed": 0}]}) == {"K8S_DISRUPTION_NOT_ALLOWED"}
}
