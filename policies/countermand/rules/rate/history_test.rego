package countermand.rules.rate_test

import data.countermand.lib.example_test as example
import data.countermand.rules.rate

_limits := {
	"agent": {"applied": {"approve": 5, "deny": 9}, "undone": {"approve": 2}},
	"target": {"applied": {"approve": 2}, "undone": {"approve": 1, "deny": 3}},
}

_found(agent, target) := example.codes(found) if {
	found := rate.findings with input as example.document({"history": {"agent": agent, "target": target}})
		with data.countermand.config.rate as _limits
}

_none := {"applied": 0, "undone": 0}

test_a_quiet_history_is_not_limited if _found({"applied": 4, "undone": 1}, {"applied": 1, "undone": 0}) == set()

test_a_busy_agent_needs_a_human if _found({"applied": 5, "undone": 0}, _none) == {"AGENT_RATE_HIGH"}

test_an_agent_at_the_limit_is_stopped if {
	_found({"applied": 9, "undone": 0}, _none) == {"AGENT_RATE_HIGH", "AGENT_RATE_EXCEEDED"}
}

test_an_agent_that_was_undone_needs_a_human if _found({"applied": 0, "undone": 2}, _none) == {"AGENT_UNDONE"}

test_a_target_that_was_changed_cools_down if _found(_none, {"applied": 2, "undone": 0}) == {"TARGET_COOLDOWN"}

test_a_target_that_was_restored_cools_down if _found(_none, {"applied": 0, "undone": 1}) == {"TARGET_COOLDOWN"}

test_a_flapping_target_is_left_alone if {
	_found(_none, {"applied": 0, "undone": 3}) == {"TARGET_COOLDOWN", "TARGET_FLAPPING"}
}

test_an_unknown_history_needs_a_human if {
	found := rate.findings with input as json.remove(example.document({}), ["steps/0/history"])
	example.codes(found) == {"HISTORY_UNKNOWN"}
}
