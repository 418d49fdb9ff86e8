package countermand.lib.permits_test

import data.countermand.lib.example_test as example
import data.countermand.lib.permits

_table := {"sre-agents": {"prod": {"kubernetes": {"*.patch": "approve", "services.patch": "shadow", "deployments.scale": "allow"}}}}

_levels(operation) := found if {
	step := example.step({"operation": operation})
	found := permits.levels({"groups": ["sre-agents"]}, step) with data.countermand.config.permits.operations as _table
}

test_a_listed_operation_has_its_level if _levels("deployments.scale") == {"allow"}

test_a_star_stands_for_every_other_kind if {
	_levels("configmaps.patch") == {"approve"}
	_levels("gateways.networking.istio.io.patch") == {"approve"}
}

test_a_listed_name_wins_over_the_star if _levels("services.patch") == {"shadow"}

test_nothing_listed_is_no_level if _levels("pods.delete") == set()

test_a_star_of_another_verb_is_no_level if _levels("deployments.apps") == set()

test_what_is_listed_as_approve_may_be_raised if {
	permits.raisable({"groups": ["sre-agents"]}, example.step({"operation": "pods.patch"})) with data.countermand.config.permits.operations as _table
	not permits.raisable({"groups": ["sre-agents"]}, example.step({"operation": "services.patch"})) with data.countermand.config.permits.operations as _table
	not permits.raisable({"groups": ["strangers"]}, example.step({})) with data.countermand.config.permits.operations as _table
}
