package countermand.lib.operations_test

import data.countermand.lib.operations

_table := {"*.patch": "any", "services.patch": "own"}

test_a_name_wins_over_the_star if operations.listed(_table, "services.patch", "none") == "own"

test_a_star_stands_for_every_other_kind if {
	operations.listed(_table, "configmaps.patch", "none") == "any"
	operations.listed(_table, "gateways.networking.istio.io.patch", "none") == "any"
}

test_what_is_not_listed_is_the_default if operations.listed(_table, "pods.delete", "none") == "none"
