package countermand.rules.aws_test

import data.countermand.lib.example_test as example
import data.countermand.rules.aws

_patched(path, value) := {"patchOperations": [{"op": "replace", "path": path, "value": value}]}

_throttled(params, lease_s, fact) := example.codes(found) if {
	asked := example.document({
		"tool": "aws",
		"operation": "apigateway.UpdateUsagePlan",
		"params": params,
		"facts": example.known(fact),
	})
	found := aws.findings with input as object.union(asked, {"request": {"lease_s": lease_s}})
}

_plan := {"throttle": {"rateLimit": 100, "burstLimit": 200}, "keys": 1}

test_a_leased_throttle_is_in_the_envelope if {
	_throttled(_patched("/throttle/rateLimit", "5"), 900, _plan) == {"AWS_THROTTLE_IN_ENVELOPE"}
}

test_a_throttle_of_an_unthrottled_plan_is if {
	_throttled(_patched("/throttle/burstLimit", "5"), 900, {"throttle": null, "keys": 1}) == {"AWS_THROTTLE_IN_ENVELOPE"}
}

test_a_throttle_for_good_is_not if _throttled(_patched("/throttle/rateLimit", "5"), null, _plan) == set()

test_a_throttle_for_too_long_is_not if _throttled(_patched("/throttle/rateLimit", "5"), 3601, _plan) == set()

test_a_throttle_to_zero_is_not if _throttled(_patched("/throttle/rateLimit", "0"), 900, _plan) == set()

test_a_raised_throttle_is_not if _throttled(_patched("/throttle/rateLimit", "101"), 900, _plan) == set()

test_a_number_in_another_form_is_not if {
	every text in ["1e2", "0x5", "", ".", "5.", "-5", "5 ", "NaN", "1.2.3"] {
		_throttled(_patched("/throttle/rateLimit", text), 900, _plan) == set()
	}
}

test_another_path_is_not if _throttled(_patched("/quota/limit", "5"), 900, _plan) == set()

test_one_foreign_patch_spoils_all if {
	mixed := array.concat(
		_patched("/throttle/rateLimit", "5").patchOperations,
		[{"op": "remove", "path": "/apiStages", "value": "a:prod"}],
	)
	_throttled({"patchOperations": mixed}, 900, _plan) == set()
}

test_no_patch_is_not if _throttled({"patchOperations": []}, 900, _plan) == set()

test_a_shared_plan_needs_a_human if {
	"AWS_PLAN_SHARED" in _throttled(_patched("/throttle/rateLimit", "5"), 900, object.union(_plan, {"keys": 2}))
}
