package countermand.rules.kubernetes_test

import data.countermand.lib.example_test as example
import data.countermand.rules.kubernetes

_culprit(changes) if {
	found := kubernetes.findings with input as example.document(changes)
	"TARGET_NOT_PROVEN_UNHEALTHY" in example.codes(found)
}

_restart(facts) := {"operation": "deployments.restart", "facts": facts}

test_a_failing_workload_is_not_limited if not _culprit(_restart(example.known({"health": "failing"})))

test_a_healthy_workload_needs_a_human if _culprit(_restart(example.known({"health": "healthy"})))

test_an_unknown_workload_needs_a_human if _culprit(_restart([]))

test_a_healthy_workload_may_grow if {
	not _culprit({"facts": example.known({"health": "healthy", "replicas": {"desired": 2}})})
}

test_a_healthy_workload_may_not_shrink if {
	_culprit({"facts": example.known({"health": "healthy", "replicas": {"desired": 4}})})
}

test_growth_must_be_proven if _culprit({"facts": example.known({"health": "healthy"})})

test_a_rollout_under_way_may_be_undone if {
	not _culprit({"operation": "deployments.undo", "facts": example.known({"health": "progressing"})})
	not _culprit({
		"operation": "deployments.undo",
		"facts": example.known({"health": "healthy", "replicas": {"desired": 3, "updated": 1}}),
	})
}

test_a_finished_rollout_may_not if {
	_culprit({
		"operation": "deployments.undo",
		"facts": example.known({"health": "healthy", "replicas": {"desired": 3, "updated": 3}}),
	})
}

test_a_config_map_has_no_health if not _culprit({"operation": "configmaps.patch", "facts": example.known({})})

test_a_note_disturbs_nobody if not _culprit({"operation": "deployments.annotate", "facts": example.known({"health": "healthy"})})
