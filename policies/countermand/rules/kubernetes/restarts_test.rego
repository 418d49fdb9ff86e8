package countermand.rules.kubernetes_test

import data.countermand.lib.example_test as example
import data.countermand.rules.kubernetes

_restarts(value, name) if {
	target := object.union(example.step({}).target, {"names": [name]})
	step := {"operation": "deployments.restart", "target": target, "facts": example.known(value)}
	found := kubernetes.findings with input as example.document(step)
	"K8S_RESTART_OF_STATE" in example.codes(found)
}

test_a_stateless_workload_may_restart if not _restarts({"stateful": false}, "web")

test_a_stateful_one_needs_a_human if _restarts({"stateful": true}, "web")

test_what_is_not_known_to_be_stateless_needs_a_human if _restarts({}, "web")

test_a_store_that_runs_as_a_deployment_needs_a_human if _restarts({"stateful": false}, "mongodb-geo")
