package countermand.rules.kubernetes_test

import data.countermand.lib.example_test as example
import data.countermand.rules.kubernetes

_restarted(facts) := example.codes(found) if {
	found := kubernetes.findings with input as example.document({"operation": "deployments.restart", "facts": facts})
}

test_a_failing_workload_is_not_limited if _restarted(example.known({"health": "failing"})) == set()

test_a_healthy_workload_needs_a_human if {
	_restarted(example.known({"health": "healthy"})) == {"TARGET_NOT_PROVEN_UNHEALTHY"}
}

test_an_unknown_workload_needs_a_human if _restarted([]) == {"TARGET_NOT_PROVEN_UNHEALTHY"}
