package countermand.rules.kubernetes_test

import data.countermand.lib.example_test as example
import data.countermand.rules.kubernetes

_deleted(operation, params) := example.codes(found) - {"TARGET_NOT_PROVEN_UNHEALTHY"} if {
	found := kubernetes.findings with input as example.document({"operation": operation, "params": params})
}

test_a_pod_may_be_deleted if _deleted("pods.delete", {}) == set()

test_a_namespace_may_not if _deleted("namespaces.delete", {}) == {"K8S_DELETE_OF_KEPT_KIND"}

test_nothing_is_deleted_by_force if _deleted("pods.delete", {"force": true}) == {"K8S_FORCED_DELETE"}

test_nothing_is_deleted_without_grace if _deleted("pods.delete", {"grace_period_seconds": 0}) == {"K8S_FORCED_DELETE"}

test_a_delete_with_grace_is_not_limited if _deleted("pods.delete", {"grace_period_seconds": 30}) == set()
