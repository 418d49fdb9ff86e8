package countermand.rules.duties_test

import data.countermand.lib.example_test as example
import data.countermand.rules.duties

_throttle(lease_s) := object.union(
	example.document({"tool": "aws", "operation": "apigateway.UpdateUsagePlan"}),
	{"request": {"lease_s": lease_s}},
)

test_the_longest_lease_is_not_limited if {
	found := duties.findings with input as _throttle(3600)
	found == set()
}

test_a_longer_lease_is_denied if {
	found := duties.findings with input as _throttle(3601)
	example.codes(found) == {"LEASE_TOO_LONG"}
}

test_a_throttle_ends_by_itself if {
	some duty in duties.obligations with input as _throttle(900)
	duty.lease.max_ttl_s == 3600
}

test_other_changes_may_stay if {
	found := duties.obligations with input as example.document({})
	not "LEASE" in example.codes(found)
}
