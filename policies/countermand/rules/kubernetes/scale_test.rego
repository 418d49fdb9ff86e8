package countermand.rules.kubernetes_test

import data.countermand.lib.example_test as example
import data.countermand.rules.kubernetes

_value(changes) := object.union({"replicas": {"desired": 2}, "health": "degraded"}, changes)

_scaled(replicas, changes) := example.codes(found) if {
	facts := example.known(_value(changes))
	found := kubernetes.findings with input as example.document({"params": {"replicas": replicas}, "facts": facts})
		with data.countermand.config.kubernetes.scale as {"prod": {"max": 10, "factor": 2}}
}

_hpa := {"controllers": [{"kind": "HorizontalPodAutoscaler", "min": 2, "max": 3}]}

test_scaling_within_the_factor_is_in_the_envelope if _scaled(4, {}) == {"K8S_SCALE", "K8S_SCALE_IN_ENVELOPE"}

test_scaling_beyond_the_factor_is_not if _scaled(5, {}) == {"K8S_SCALE"}

test_scaling_beyond_the_maximum_is_not if _scaled(11, {"replicas": {"desired": 8}}) == {"K8S_SCALE"}

test_scaling_to_zero_is_not if _scaled(0, {}) == {"K8S_SCALE"}

test_scaling_up_from_zero_is_in_the_envelope if {
	_scaled(1, {"replicas": {"desired": 0}}) == {"K8S_SCALE", "K8S_SCALE_IN_ENVELOPE"}
}

test_scaling_within_the_autoscaler_is_in_the_envelope if _scaled(3, _hpa) == {"K8S_SCALE", "K8S_SCALE_IN_ENVELOPE"}

test_scaling_against_the_autoscaler_is_denied if "K8S_OUTSIDE_AUTOSCALER" in _scaled(4, _hpa)

test_a_number_of_another_type_is_not_in_the_envelope if _scaled("3", {}) == {"K8S_SCALE"}

test_what_code_owns_is_changed_as_a_lease if {
	facts := example.known(_value({"iac": {"tool": "argocd"}}))
	duties := kubernetes.obligations with input as example.document({"facts": facts})
	duties == {{"code": "K8S_SCALE", "step": 0, "lease": {"max_ttl_s": 3600}}}
}

test_what_no_code_owns_is_not if {
	duties := kubernetes.obligations with input as example.document({"facts": example.known(_value({}))})
	duties == set()
}

test_a_store_is_not_in_the_envelope if {
	_scaled(3, {"stateful": true}) == {"K8S_SCALE"}
	document := example.document({"operation": "statefulsets.scale", "facts": example.known(_value({}))})
	found := kubernetes.findings with input as document
	not "K8S_SCALE_IN_ENVELOPE" in example.codes(found)
}
