package countermand.rules.undo_test

import data.countermand.lib.example_test as example
import data.countermand.rules.undo

_found(class) := example.codes(found) if {
	found := undo.findings with input as example.document({"undo": {"class": class}, "operation": "services.patch"})
}

test_an_exact_undo_is_not_limited if _found("exact") == set()

test_a_compensating_undo_is_not_limited if _found("compensating") == set()

test_no_undo_needs_a_human if _found("none") == {"UNDO_NONE"}

test_an_unheard_of_class_needs_a_human if _found("magic") == {"UNDO_NONE"}

test_a_neutral_undo_needs_a_human if _found("neutral") == {"UNDO_NEUTRAL"}

test_an_accepted_operation_needs_none if {
	restart := {"undo": {"class": "neutral"}, "operation": "deployments.restart"}
	found := undo.findings with input as example.document(restart)
	found == set()
}

test_a_missing_class_needs_a_human if {
	found := undo.findings with input as json.remove(example.document({}), ["steps/0/undo"])
	example.codes(found) == {"UNDO_NONE"}
}
