package countermand.lib.steps_test

import data.countermand.lib.example_test as example
import data.countermand.lib.steps

test_a_plain_read_is_a_read if {
	looked := example.document({"effect": ["read"]})
	count(steps.reads) == 1 with input as looked
	count(steps.writes) == 0 with input as looked
}

test_a_sensitive_read_is_no_plain_read if {
	looked := example.document({"effect": ["read", "read_sensitive"]})
	count(steps.reads) == 0 with input as looked
	count(steps.sensitive_reads) == 1 with input as looked
	count(steps.writes) == 0 with input as looked
}

test_a_step_without_effect_is_a_write if {
	count(steps.writes) == 1 with input as example.document({"effect": []})
}

test_a_read_that_also_writes_is_a_write if {
	count(steps.writes) == 1 with input as example.document({"effect": ["read", "write"]})
}

test_the_worst_effect_wins if {
	steps.worst_effect({"effect": ["write", "destructive"]}) == "destructive"
	steps.worst_effect({"effect": ["read", "unknown"]}) == "unknown"
}

test_no_effect_is_unknown if steps.worst_effect({"effect": []}) == "unknown"
