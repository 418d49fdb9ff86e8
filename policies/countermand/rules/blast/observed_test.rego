package countermand.rules.blast_test

import data.countermand.lib.example_test as example
import data.countermand.rules.blast

_seen := {"facts": example.known({"exists": true})}

_observed(document) := example.codes(found) if {
	found := blast.findings with input as document
}

test_an_observed_target_is_not_limited if _observed(example.document(_seen)) == set()

test_an_unknown_state_needs_a_human if _observed(example.document({"facts": []})) == {"STATE_UNKNOWN"}

test_a_failed_trial_is_denied if {
	_observed(example.document(object.union(_seen, {"preflight": {"status": "failed"}}))) == {"PREFLIGHT_NOT_PASSED"}
}

test_a_target_that_cannot_be_tried_is_not_limited if {
	_observed(example.document(object.union(_seen, {"preflight": {"status": "not_available"}}))) == set()
}

test_nothing_is_missed_before_the_observation if {
	early := object.union(example.document({}), {"stage": "admit"})
	_observed(json.remove(early, ["steps/0/preflight"])) == set()
}
