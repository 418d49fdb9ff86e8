package countermand.rules.postgres_test

import data.countermand.lib.example_test as example
import data.countermand.rules.postgres

_ended(facts) := example.codes(found) if {
	found := postgres.findings with input as example.document({
		"tool": "postgres",
		"operation": "sessions.terminate",
		"facts": facts,
	})
}

_client := {"status": "known", "value": {"backend_type": "client backend", "user": "orders_api"}}

test_a_client_may_be_ended if _ended([_client]) == set()

test_a_walsender_may_not if {
	_ended([{"status": "known", "value": {"backend_type": "walsender", "user": "x"}}]) == {"PG_SESSION_NOT_CLIENT"}
}

test_one_unknown_session_spoils_all if _ended([_client, {"status": "unknown"}]) == {"PG_SESSION_NOT_CLIENT"}

test_no_facts_are_no_proof if _ended([]) == {"PG_SESSION_NOT_CLIENT"}

test_a_protected_user_may_not_be_ended if {
	_ended([object.union(_client, {"value": {"user": "postgres"}})]) == {"PG_SESSION_OF_PROTECTED_USER"}
}
