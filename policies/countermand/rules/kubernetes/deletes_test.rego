package countermand.rules.kubernetes_test

import data.countermand.lib.example_test as example
import data.countermand.rules.kubernetes

_deleted(operation, params) := _deleted_with(operation, params, {})

_deleted_with(operation, params, value) := found & {"K8S_DELETE_OF_KEPT_KIND", "K8S_FORCED_DELETE", "K8S_DELETE_OF_SERVING"} if {
	document := example.document({"operation": operation, "params": params, "facts": example.known(value)})
	found := example.codes(kubernetes.findings) with input as document
}

test_a_pod_may_be_deleted if _deleted("pods.delete", {}) == set()

test_a_namespace_may_not if _deleted("namespaces.delete", {}) == {"K8S_DELETE_OF_KEPT_KIND"}

test_nothing_is_deleted_by_force if _deleted("pods.delete", {"force": true}) == {"K8S_FORCED_DELETE"}

test_nothing_is_deleted_without_grace if _deleted("pods.delete", {"grace_period_seconds": 0}) == {"K8S_FORCED_DELETE"}

test_a_delete_with_grace_is_not_limited if _deleted("pods.delete", {"grace_period_seconds": 30}) == set()

test_a_deployment_behind_a_service_is_repaired if {
	_deleted_with("deployments.delete", {}, {"services": ["web"]}) == {"K8S_DELETE_OF_SERVING"}
}

test_a_deployment_that_serves_nobody_may_be_deleted if {
	_deleted_with("deployments.delete", {}, {"services": []}) == set()
}

test_a_pod_behind_a_service_may_be_deleted if _deleted_with("pods.delete", {}, {"services": ["web"]}) == set()
