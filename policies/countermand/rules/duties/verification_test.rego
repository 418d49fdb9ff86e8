package countermand.rules.duties_test

import data.countermand.lib.example_test as example
import data.countermand.rules.duties

_profiles(changes) := {duty.verify.profile |
	some duty in duties.obligations with input as example.document(changes)
	duty.code == "VERIFY"
}

test_a_scaling_is_verified_by_the_workload if _profiles({}) == {"workload-health"}

test_a_custom_resource_is_verified_by_its_presence if _profiles({"operation": "tidbclusters.patch"}) == {"object-kept"}

test_what_a_selector_matched_is_verified_by_its_namespace if {
	target := object.union(example.step({}).target, {"fanout": "selector", "names": []})
	_profiles({"target": target}) == {"namespace-health"}
}

test_what_is_not_listed_is_verified_by_default if {
	_profiles({"operation": "services.rename"}) == {"default"}
	_profiles({"tool": "http", "operation": "things.put"}) == {"default"}
	_profiles({"tool": "aws", "operation": "rds.ModifyDBInstance", "target": object.union(example.step({}).target, {"fanout": "all"})}) == {"default"}
}

test_a_read_is_not_verified if _profiles({"effect": ["read"]}) == set()
