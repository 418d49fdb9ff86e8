package countermand.rules.incident_test

import data.countermand.lib.example_test as example
import data.countermand.rules.incident

_found(changes) := example.codes(found) if {
	found := incident.findings with input as object.union(example.document({}), changes)
}

_read(targets, age_ms, outcome) := {"incident": {"reads": [{
	"targets": targets,
	"at_ms": example.now_ms - age_ms,
	"outcome": outcome,
}]}}

_web := "k8s:prod-eu/prod/deployments.apps/web"

test_a_write_with_evidence_is_not_limited if _found({}) == set()

test_a_write_without_incident_is_denied if {
	_found({"incident": null}) == {"WRITE_WITHOUT_INCIDENT", "WRITE_WITHOUT_EVIDENCE"}
}

test_an_incident_whose_alert_time_is_unknown_needs_a_human if {
	opened := object.remove(example.document({}).incident, ["alert_ms"])
	asked := object.union(object.remove(example.document({}), ["incident"]), {"incident": opened})
	found := incident.findings with input as asked
	example.codes(found) == {"INCIDENT_STALE"}
}

test_an_incident_of_an_agent_is_not_trusted if {
	_found({"incident": {"source": "agent"}}) == {"WRITE_WITHOUT_INCIDENT"}
}

test_a_read_of_something_else_is_no_evidence if {
	_found(_read(["k8s:prod-eu/prod/deployments.apps/api"], 1000, "succeeded")) == {"WRITE_WITHOUT_EVIDENCE"}
}

test_a_list_of_the_kind_is_evidence if {
	_found(_read(["k8s:prod-eu/prod/deployments.apps/*"], 1000, "succeeded")) == set()
}

test_a_list_of_another_namespace_is_no_evidence if {
	_found(_read(["k8s:prod-eu/dev/deployments.apps/*"], 1000, "succeeded")) == {"WRITE_WITHOUT_EVIDENCE"}
}

test_a_failed_read_is_no_evidence if _found(_read([_web], 1000, "failed")) == {"WRITE_WITHOUT_EVIDENCE"}

test_an_old_read_is_no_evidence if _found(_read([_web], 1800001, "succeeded")) == {"WRITE_WITHOUT_EVIDENCE"}

test_a_read_of_exactly_the_greatest_age_is_evidence if _found(_read([_web], 1800000, "succeeded")) == set()

test_an_old_alert_needs_a_human if {
	_found({"incident": {"alert_ms": example.now_ms - 86400001}}) == {"INCIDENT_STALE"}
}

test_a_read_needs_no_incident if {
	looked := object.union(example.document({"effect": ["read"]}), {"incident": null})
	found := incident.findings with input as looked
	found == set()
}

test_dev_needs_no_incident if {
	asked := object.union(example.document({"environment": {"name": "dev"}}), {"incident": null})
	found := incident.findings with input as asked
	found == set()
}

_made(targets) := {
	"steps": [object.union(example.document({}).steps[0], {
		"operation": "configmaps.create",
		"target": {
			"id": "k8s:prod-eu/prod/configmaps/flags",
			"scope": "prod-eu",
			"namespace": "prod",
			"kind": "ConfigMap",
			"names": ["flags"],
			"fanout": "one",
		},
	})],
	"incident": {"reads": [{"targets": targets, "at_ms": example.now_ms - 1000, "outcome": "succeeded"}]},
}

test_a_list_of_its_kind_is_evidence_for_what_is_to_be_made if {
	_found(_made(["k8s:prod-eu/prod/configmaps/*"])) == set()
}

test_a_list_of_another_kind_is_no_evidence_for_what_is_to_be_made if {
	_found(_made(["k8s:prod-eu/prod/secrets/*"])) == {"WRITE_WITHOUT_EVIDENCE"}
	_found(_made(["k8s:prod-eu/dev/configmaps/*"])) == {"WRITE_WITHOUT_EVIDENCE"}
}
