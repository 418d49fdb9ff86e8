package countermand.rules.kubernetes_test

import data.countermand.lib.example_test as example
import data.countermand.rules.kubernetes

_own(operation, changes) if _own_with(operation, changes, {})

_own_with(operation, changes, params) if {
	step := {"operation": operation, "params": params, "preflight": {"status": "ok", "targets": 1, "changes": changes}}
	found := kubernetes.findings with input as example.document(step)
		with data.countermand.config.permits.operations as {"sre-agents": {"prod": {"kubernetes": {"*.patch": "approve", "*.set_resources": "approve"}}}}
	"K8S_OWN_FIELDS" in example.codes(found)
}

_container(field) := concat("", ["/spec/template/spec/containers[name=web]/", field])

test_a_strategy_is_ones_own if {
	_own("deployments.patch", [{"path": "/spec/strategy/rollingUpdate/maxSurge", "from": 0, "to": 1}])
}

test_a_selector_of_nodes_may_be_removed if {
	_own("deployments.patch", [{"path": "/spec/template/spec/nodeSelector", "from": {"a": "b"}, "to": null}])
}

test_an_image_is_not if not _own("deployments.patch", [{"path": _container("image"), "from": "a", "to": "b"}])

test_one_foreign_field_spoils_the_rest if {
	not _own("deployments.patch", [
		{"path": "/spec/minReadySeconds", "from": 0, "to": 1},
		{"path": _container("image"), "from": "a", "to": "b"},
	])
}

test_no_change_at_all_is_not if not _own("deployments.patch", [])

test_a_probe_may_be_relaxed if {
	_own("deployments.patch", [{"path": _container("livenessProbe/periodSeconds"), "from": 1, "to": 10}])
}

test_a_probe_may_not_be_removed if {
	not _own("deployments.patch", [{"path": _container("livenessProbe/httpGet/path"), "from": "/", "to": null}])
}

test_a_probe_runs_nothing_and_calls_nobody if {
	not _own("deployments.patch", [{"path": _container("livenessProbe/exec/command"), "from": null, "to": ["ls"]}])
	not _own("deployments.patch", [{"path": _container("livenessProbe/httpGet/host"), "from": null, "to": "x"}])
	not _own("deployments.patch", [{"path": _container("livenessProbe/httpGet/httpHeaders[name=a]/value"), "from": null, "to": "x"}])
}

test_another_name_server_may_only_go if {
	_own("deployments.patch", [{"path": "/spec/template/spec/dnsConfig/nameservers", "from": ["8.8.8.8"], "to": null}])
	not _own("deployments.patch", [{"path": "/spec/template/spec/dnsConfig/nameservers", "from": null, "to": ["8.8.8.8"]}])
}

test_a_program_may_be_named if {
	_own("deployments.patch", [{"path": _container("command"), "from": ["geo"], "to": ["profile"]}])
}

test_a_shell_may_not if {
	not _own("deployments.patch", [{"path": _container("command"), "from": ["geo"], "to": ["/bin/sh", "-c", "x"]}])
	not _own("deployments.patch", [{"path": _container("command"), "from": ["geo"], "to": ["profile", "--open"]}])
	not _own("deployments.patch", [{"path": _container("args"), "from": null, "to": ["x"]}])
}

test_resources_are_bounded_by_what_was_there if {
	_own("deployments.set_resources", [{"path": _container("resources/limits/cpu"), "from": "500m", "to": "1"}])
	not _own("deployments.set_resources", [{"path": _container("resources/limits/cpu"), "from": "400m", "to": "1"}])
	_own("deployments.set_resources", [{"path": _container("resources/requests/memory"), "from": "512Gi", "to": "256Mi"}])
}

test_resources_are_bounded_by_the_maximum if {
	_own("deployments.set_resources", [{"path": _container("resources/requests/cpu"), "from": null, "to": "100m"}])
	not _own("deployments.set_resources", [{"path": _container("resources/limits/cpu"), "from": null, "to": "3"}])
	not _own("deployments.set_resources", [{"path": _container("resources/limits/example.com~1gpu"), "from": null, "to": "1"}])
}

test_a_limit_may_not_be_removed if {
	not _own("deployments.set_resources", [{"path": _container("resources/limits/cpu"), "from": "1", "to": null}])
}

test_an_autoscaler_moves_within_the_envelope if {
	_own("horizontalpodautoscalers.patch", [{"path": "/spec/maxReplicas", "from": 4, "to": 8}])
	not _own("horizontalpodautoscalers.patch", [{"path": "/spec/maxReplicas", "from": 4, "to": 80}])
	not _own("horizontalpodautoscalers.patch", [{"path": "/spec/minReplicas", "from": 4, "to": 0}])
}

test_an_autoscaler_is_not_pinned if {
	not _own("horizontalpodautoscalers.patch", [
		{"path": "/spec/maxReplicas", "from": 4, "to": 3},
		{"path": "/spec/minReplicas", "from": 2, "to": 3},
	])
}

test_a_port_is_changed_by_compare_and_set if {
	change := [{"path": "/spec/ports[port=80,protocol=TCP]/targetPort", "from": 9999, "to": 9090}]
	operations := [
		{"op": "test", "path": "/spec/ports/0/targetPort", "value": 9999},
		{"op": "replace", "path": "/spec/ports/0/targetPort", "value": 9090},
	]
	_own_with("services.patch", change, {"patch": operations})
	not _own_with("services.patch", change, {"patch": [operations[1]]})
	not _own_with("services.patch", change, {"patch": {"spec": {}}})
}

test_other_kinds_have_no_own_fields if not _own("configmaps.patch", [{"path": "/data/a", "from": "1", "to": "2"}])
