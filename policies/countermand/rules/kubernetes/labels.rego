package countermand.rules.kubernetes

import data.countermand.config
import data.countermand.lib.fields
import data.countermand.lib.permits

# METADATA
# title: Labels and annotations
# description: >-
#   A label that is only added, and that neither selectors commonly use nor the cluster or a controller reads, may
#   be set by itself. Annotations are notes, unless their domain is one that controllers obey.
# custom:
#   codes:
#     K8S_LABEL_ADDED:
#       message: "the label is new on {target} and moves neither traffic nor pods"
#     K8S_STEERING_ANNOTATION:
#       message: "the annotation {key} steers a controller"
#       remedy: "ask for approval"
findings contains {"code": "K8S_LABEL_ADDED", "permit": "allow", "step": step.i, "args": {"target": step.target.id}} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "kubernetes"
	step.operation in config.kubernetes.label_operations
	permits.raisable(input.agent, step)
	changed := fields.changes(step)
	count(changed) > 0
	every change in changed {
		object.get(change, "from", null) == null
		is_string(change.to)
	}
	is_object(step.params.labels)
	operation := step.operation
	every key, value in step.params.labels {
		not _reserved(operation, key, value)
	}
}

findings contains {
	"code": "K8S_STEERING_ANNOTATION",
	"limit": "approve",
	"step": step.i,
	"args": {"key": key},
} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "kubernetes"
	endswith(step.operation, ".annotate")
	is_object(step.params.annotations)
	some key, _ in step.params.annotations
	_steering(key)
}

_reserved(operation, key, value) if {
	_obeyed(key)
	not _open(operation, key, value)
}

_obeyed(key) if _selecting(key)

_obeyed(key) if _steering(key)

_open(operation, key, value) if config.kubernetes.open_labels[operation][key] == value

_selecting(key) if key in config.kubernetes.selector_labels

_selecting(key) if {
	some prefix in config.kubernetes.selector_labels
	endswith(prefix, "/")
	startswith(key, prefix)
}

_steering(key) if {
	parts := split(key, "/")
	count(parts) > 1
	some domain in config.kubernetes.steering_domains
	_of_domain(parts[0], domain)
}

_of_domain(name, domain) if name == domain

_of_domain(name, domain) if endswith(name, concat("", [".", domain]))
