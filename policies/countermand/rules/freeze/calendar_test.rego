package countermand.rules.freeze_test

import data.countermand.lib.example_test as example
import data.countermand.rules.freeze

_windows(limit) := [{
	"name": "w",
	"from": "2025-11-24T16:00:00Z",
	"until": "2025-11-24T17:00:00Z",
	"environments": ["prod"],
	"limit": limit,
}]

_found(limit, later_ms, effect) := example.codes(found) if {
	asked := object.union(example.document({"effect": effect}), {"now_ms": example.now_ms + later_ms})
	found := freeze.findings with input as asked with data.countermand.config.freeze.windows as _windows(limit)
}

test_a_write_at_the_first_instant_is_denied if _found("deny", 0, ["write"]) == {"CHANGE_FREEZE"}

test_a_write_just_before_is_not_limited if _found("deny", -1, ["write"]) == set()

test_a_write_at_the_last_instant_is_denied if _found("deny", 3599999, ["write"]) == {"CHANGE_FREEZE"}

test_a_write_at_the_end_is_not_limited if _found("deny", 3600000, ["write"]) == set()

test_a_restricted_window_needs_a_human if _found("approve", 0, ["write"]) == {"CHANGE_RESTRICTED"}

test_reads_go_on if _found("deny", 0, ["read"]) == set()

test_another_environment_is_not_frozen if {
	found := freeze.findings with input as example.document({"environment": {"name": "dev"}})
		with data.countermand.config.freeze.windows as _windows("deny")
	found == set()
}
