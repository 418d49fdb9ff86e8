package countermand.rules.blast_test

import data.countermand.lib.example_test as example
import data.countermand.rules.blast

_target(changes) := object.union(example.step({}).target, changes)

_radius(changes) := example.codes(found) - {"STATE_UNKNOWN"} if {
	found := blast.findings with input as example.document(changes)
		with data.countermand.config.blast.targets as {"prod": {"autonomous": 2, "most": 4}}
}

_names(n) := [sprintf("n%d", [i]) | some i in numbers.range(1, n)]

test_one_named_target_is_not_limited if _radius({}) == set()

test_everything_is_denied if "BLAST_ALL" in _radius({"target": _target({"fanout": "all"})})

test_a_selector_needs_a_human if _radius({"target": _target({"fanout": "selector"})}) == {"BLAST_SELECTOR"}

test_a_selector_that_was_not_counted_is_denied if {
	_radius({"target": _target({"fanout": "selector"}), "preflight": {"status": "ok", "targets": null}}) == {
		"BLAST_SELECTOR",
		"BLAST_UNCOUNTED",
	}
}

test_as_many_as_allowed_are_not_limited if _radius({"target": _target({"fanout": "listed", "names": _names(2)})}) == set()

test_more_need_a_human if {
	_radius({"target": _target({"fanout": "listed", "names": _names(3)})}) == {"BLAST_MANY_TARGETS"}
}

test_too_many_are_denied if {
	_radius({"target": _target({"fanout": "listed", "names": _names(5)})}) == {
		"BLAST_MANY_TARGETS",
		"BLAST_TOO_MANY_TARGETS",
	}
}

test_the_preflight_counts_too if {
	_radius({"preflight": {"status": "ok", "targets": 5}}) == {"BLAST_MANY_TARGETS", "BLAST_TOO_MANY_TARGETS"}
}

test_scaling_to_zero_needs_two_people if {
	_radius({"params": {"replicas": 0}}) == {"BLAST_SWITCHED_OFF"}
	some duty in blast.obligations with input as example.document({"params": {"replicas": 0}})
	duty.approvals[0].n == 2
}

test_scaling_to_zero_what_serves_nobody_needs_one if {
	off := {"params": {"replicas": 0}, "facts": example.known({"services": []})}
	_radius(off) == {"BLAST_SWITCHED_OFF"}
	blast.obligations == set() with input as example.document(off)
}

test_all_of_a_namespace_may_be_restarted_by_a_human if {
	all := {"target": _target({"fanout": "all", "names": []}), "operation": "deployments.restart"}
	_radius(all) == {"BLAST_ROLLING"}
}

test_all_of_all_namespaces_may_not if {
	all := _target({"fanout": "all", "names": [], "namespace": null})
	_radius({"target": all, "operation": "deployments.restart"}) == {"BLAST_ALL"}
}

test_a_drain_may_reach_more_pods if {
	seen := {"operation": "nodes.drain", "preflight": {"status": "ok", "targets": 30}}
	_radius(seen) == {"BLAST_MANY_TARGETS"}
}

test_a_patch_to_zero_needs_two_people_too if {
	off := {
		"operation": "deployments.patch",
		"params": {},
		"preflight": {"status": "ok", "targets": 1, "changes": [{"path": "/spec/replicas", "from": 2, "to": 0}]},
	}
	_radius(off) == {"BLAST_SWITCHED_OFF"}
	some duty in blast.obligations with input as example.document(off)
	duty.approvals[0].n == 2
}
