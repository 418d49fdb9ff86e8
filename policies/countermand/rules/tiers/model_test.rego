package countermand.rules.tiers_test

import data.countermand.lib.example_test as example
import data.countermand.rules.tiers

_model(tier, effect) := example.codes(found) if {
	asked := object.union(example.document({"effect": effect}), {"agent": {"model_tier": tier}})
	found := tiers.findings with input as asked
}

test_a_large_model_may_act if _model("large", ["write"]) == set()

test_a_small_model_needs_a_human if _model("small", ["write"]) == {"MODEL_TIER_LOW"}

test_a_small_model_may_read if _model("small", ["read"]) == set()

test_an_unknown_model_needs_a_human if {
	asked := json.remove(example.document({}), ["agent/model_tier"])
	found := tiers.findings with input as asked
	example.codes(found) == {"MODEL_TIER_LOW"}
}
