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

_signals(profile, namespace) := {
	"profiles": {"service-signals": {"window_s": 300, "interval_s": 15, "on_ineffective": "undo", "on_inconclusive": "undo"}},
	"added": {"kubernetes": [{"profile": profile, "operations": ["*.scale"], "namespaces": [namespace]}]},
}

_of_shop := _signals("service-signals", "shop")

_profiles_with(signals, changes) := {duty.verify.profile |
	some duty in duties.obligations with input as example.document(changes)
		with data.countermand.config.signals as signals
	duty.code == "VERIFY"
}

_in(namespace) := object.union(example.step({}).target, {"namespace": namespace})

test_what_users_see_is_added_where_a_site_measures_it if {
	_profiles_with(_of_shop, {"target": _in("shop")}) == {"workload-health", "service-signals"}
	_profiles_with(_of_shop, {"target": _in("other")}) == {"workload-health"}
	_profiles_with(_of_shop, {"target": _in("shop"), "operation": "deployments.set_image"}) == {"workload-health"}
	_profiles_with(_signals("service-signals", "*"), {"target": _in("other")}) == {"workload-health", "service-signals"}
}

test_what_users_see_is_not_added_where_no_target_is_named if {
	target := object.union(_in("shop"), {"fanout": "selector", "names": []})
	_profiles_with(_of_shop, {"target": target}) == {"namespace-health"}
}

test_a_profile_that_nobody_has_written_has_no_terms if {
	some duty in duties.obligations with input as example.document({"target": _in("shop")})
		with data.countermand.config.signals as _signals("nobodys", "shop")
	duty.verify == {"profile": "nobodys"}
}

test_a_profile_of_signals_does_not_replace_one_of_the_same_name if {
	weak := {
		"profiles": {"workload-health": {"window_s": 1, "interval_s": 1, "on_ineffective": "commit_flagged", "on_inconclusive": "undo"}},
		"added": {"kubernetes": []},
	}
	some duty in duties.obligations with input as example.document({"target": _in("shop")})
		with data.countermand.config.signals as weak
	duty.verify.profile == "workload-health"
	duty.verify.window_s > 1
}
