package countermand.rules.tiers_test

import data.countermand.lib.example_test as example
import data.countermand.rules.tiers

_tier(tier) := {"sre-agents": {"prod": {"write": tier}}, "trainees": {"prod": {"write": "shadow"}}}

_found(tier, groups) := example.codes(found) if {
	asked := object.union(example.document({}), {"agent": {"groups": groups}})
	found := tiers.findings with input as asked with data.countermand.config.tiers.ceilings as _tier(tier)
}

test_an_autonomous_agent_is_not_limited if _found("autonomous", ["sre-agents"]) == set()

test_an_agent_under_approval_is_limited if _found("approval", ["sre-agents"]) == {"TIER_APPROVAL"}

test_an_agent_on_trial_only_suggests if _found("shadow", ["sre-agents"]) == {"TIER_SHADOW"}

test_the_highest_tier_of_several_groups_counts if _found("autonomous", ["trainees", "sre-agents"]) == set()

test_an_agent_without_tier_is_denied if _found("autonomous", ["strangers"]) == {"TIER_UNDEFINED"}

test_a_tier_that_is_no_tier_is_denied if _found("root", ["sre-agents"]) == {"TIER_UNDEFINED"}

test_a_session_has_no_tier if {
	found := tiers.findings with input as example.document({"effect": ["session", "write"]})
	example.codes(found) == {"TIER_UNDEFINED"}
}
