package countermand.rules.standing_test

import data.countermand.lib.example_test as example
import data.countermand.rules.standing

_asked(purpose) := object.union(example.document({}), {"request": {"purpose": purpose}})

_codes(document) := example.codes(found) if {
	found := standing.findings with input as document
}

_frozen := {"freeze": {"windows": [{
	"name": "drill",
	"from": "2020-01-01T00:00:00Z",
	"until": "2099-01-01T00:00:00Z",
	"environments": ["prod"],
	"limit": "deny",
}]}}

_without_incident(purpose) := object.union(_asked(purpose), {"incident": null})

test_what_is_proposed_is_not_asked_about_as_standing if {
	found := standing.findings with input as example.document({})
	found == set()
}

test_a_rollback_is_allowed if _codes(_asked("rollback")) == {"ROLLBACK"}

test_a_rollback_needs_no_incident if _codes(_without_incident("rollback")) == {"ROLLBACK"}

test_a_human_decides_about_a_rollback_in_a_freeze if {
	found := standing.findings with input as _asked("rollback") with data.countermand.config as _frozen
	example.codes(found) == {"ROLLBACK", "ROLLBACK_IN_FREEZE"}
}

test_a_lease_is_renewed_while_its_incident_is_open if _codes(_asked("renew")) == {"RENEW"}

test_a_human_renews_a_lease_whose_incident_is_over if _codes(_without_incident("renew")) == {"RENEW_WITHOUT_INCIDENT"}

test_nothing_is_renewed_in_a_freeze if {
	found := standing.findings with input as _asked("renew") with data.countermand.config as _frozen
	example.codes(found) == {"RENEW", "RENEW_IN_FREEZE"}
}

test_an_approver_keeps_a_change if _codes(_asked("keep")) == {"KEEP"}

test_an_unheard_of_purpose_is_permitted_nothing if _codes(_asked("forget")) == set()
