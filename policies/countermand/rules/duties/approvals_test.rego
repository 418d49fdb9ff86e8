package countermand.rules.duties_test

import data.countermand.lib.example_test as example
import data.countermand.rules.duties

_people(changes) := {approval.n |
	some duty in duties.obligations with input as example.document(changes)
	some approval in duty.approvals
}

test_one_person_approves_in_prod if _people({}) == {1}

test_two_people_approve_an_unknown_criticality if {
	_people({"environment": {"name": "prod", "criticality": "cosmic"}}) == {2}
}

test_two_people_give_a_privilege if 2 in _people({"effect": ["privilege", "write"]})

test_two_people_open_a_boundary_of_the_cloud if 2 in _people({"tool": "aws", "effect": ["boundary", "write"]})

test_one_person_changes_the_boundary_of_a_service if _people({"effect": ["boundary", "write"]}) == {1}

test_two_people_reboot_a_database if 2 in _people({"tool": "aws", "operation": "rds.RebootDBInstance"})

test_nobody_approves_a_plain_read if _people({"effect": ["read"]}) == set()

test_one_person_approves_a_sensitive_read if _people({"effect": ["read_sensitive"]}) == {1}
