package countermand.rules.blast_test

import data.countermand.lib.example_test as example
import data.countermand.rules.blast

_lists := {
	"denied": {
		"namespaces": ["kube-public"],
		"kinds": ["ClusterRole"],
		"names": {"kubernetes": ["gateway"]},
		"prefixes": ["k8s:management/"],
	},
	"guarded": {"namespaces": ["kube-system"], "kinds": [], "names": {}, "prefixes": []},
}

_guard(changes) := example.codes(found) - {"STATE_UNKNOWN"} if {
	found := blast.findings with input as example.document({"target": _target(changes)})
		with data.countermand.config.protected as _lists
}

test_an_ordinary_target_is_not_limited if _guard({}) == set()

test_a_protected_namespace_is_denied if _guard({"namespace": "kube-public"}) == {"TARGET_PROTECTED"}

test_a_protected_kind_is_denied if _guard({"kind": "ClusterRole"}) == {"TARGET_PROTECTED"}

test_a_protected_name_is_denied_among_others if {
	"TARGET_PROTECTED" in _guard({"names": ["web", "gateway"]})
}

test_everything_below_a_prefix_is_denied if _guard({"id": "k8s:management/a/b/c"}) == {"TARGET_PROTECTED"}

test_a_longer_name_is_not_below_a_prefix if _guard({"id": "k8s:management-2/a/b/c"}) == set()

test_a_guarded_namespace_needs_two_people if _guard({"namespace": "kube-system"}) == {"TARGET_GUARDED"}

_people(changes) := {approval.n |
	some duty in blast.obligations with input as example.document(object.union(changes, {"target": _target({"namespace": "kube-system"})}))
		with data.countermand.config.protected as _lists
	some approval in duty.approvals
}

test_two_people_change_a_setting_of_it if _people({}) == {2}

test_a_restart_of_it_takes_one if _people({"operation": "deployments.restart", "undo": {"class": "neutral"}}) == set()
