package countermand.rules.postgres_test

import data.countermand.lib.example_test as example
import data.countermand.rules.postgres

_limited(limit, lease_s, fact) := example.codes(found) if {
	asked := example.document({
		"tool": "postgres",
		"operation": "roles.connection_limit",
		"params": {"role": "orders_api", "limit": limit},
		"facts": example.known(fact),
	})
	found := postgres.findings with input as object.union(asked, {"request": {"lease_s": lease_s}})
}

_role := {"connection_limit": -1, "superuser": false}

test_a_leased_limit_is_in_the_envelope if _limited(10, 900, _role) == {"PG_CONNECTION_LIMIT_IN_ENVELOPE"}

test_a_limit_for_good_is_not if _limited(10, null, _role) == set()

test_a_lifted_limit_is_not if _limited(-1, 900, _role) == set()

test_a_lock_out_is_denied if _limited(0, 900, _role) == {"PG_CONNECTION_LIMIT_TOO_LOW"}

test_a_limit_in_text_is_not_in_the_envelope if _limited("10", 900, _role) == set()

test_a_superuser_is_denied if "PG_ROLE_PRIVILEGED" in _limited(10, 900, {"superuser": true})

test_an_unknown_role_is_denied if "PG_ROLE_PRIVILEGED" in _limited(10, 900, {})
