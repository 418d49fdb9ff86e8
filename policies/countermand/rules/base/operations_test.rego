package countermand.rules.base_test

import data.countermand.lib.example_test as example
import data.countermand.rules.base

_operation(level) := {"sre-agents": {"prod": {"kubernetes": {"deployments.scale": level}}}}

_found(level) := example.codes(found) if {
	found := base.findings with input as example.document({})
		with data.countermand.config.permits.operations as _operation(level)
}

test_an_allowed_operation_is_permitted if _found("allow") == {"OPERATION_PERMITTED"}

test_an_operation_with_approval_is_permitted_to_be_approved if _found("approve") == {"OPERATION_WITH_APPROVAL"}

test_an_operation_on_trial_is_suggested if _found("shadow") == {"OPERATION_SUGGESTED"}

test_an_operation_that_is_not_listed_is_denied if {
	found := base.findings with input as example.document({"operation": "namespaces.finalize"})
	example.codes(found) == {"NOT_PERMITTED"}
}

test_a_listed_operation_of_another_environment_is_denied if {
	found := base.findings with input as example.document({"environment": {"name": "elsewhere"}})
	example.codes(found) == {"NOT_PERMITTED"}
}
