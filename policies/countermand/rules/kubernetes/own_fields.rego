package countermand.rules.kubernetes

import data.countermand.config
import data.countermand.lib.fields
import data.countermand.lib.permits

# METADATA
# title: Fields that an agent may change by itself
# description: >-
#   config/kubernetes lists fields per resource and how far each may be changed. A patch or set that touches
#   nothing else, by the dry run, is autonomous where the operation is permitted with approval. An image, an
#   environment variable, a volume, an identity is not listed and needs a human.
# custom:
#   codes:
#     K8S_OWN_FIELDS:
#       message: "the {count} changed fields are ones that an agent may change by itself"
findings contains {"code": "K8S_OWN_FIELDS", "permit": "allow", "step": step.i, "args": {"count": count(changed)}} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "kubernetes"
	permits.raisable(input.agent, step)
	parts := split(step.operation, ".")
	parts[count(parts) - 1] in config.kubernetes.own_field_verbs
	listed := config.kubernetes.own_fields[parts[0]]
	changed := fields.changes(step)
	count(changed) > 0
	not _pinned(step)
	every change in changed {
		_own(step, listed, change)
	}
}

_own(step, listed, change) if {
	some name, how in listed
	fields.below(change.path, name)
	_fits(how, step, change)
}

_fits(how, _, _) if how == "any"

_fits("gone", _, change) if _removed(change)

_fits("kept", _, change) if {
	not _removed(change)
	not _runs_or_calls(change)
}

_fits("program", _, change) if _starts_no_interpreter(change.to)

_fits("replicas", step, change) if {
	is_number(change.to)
	change.to >= 1
	change.to <= config.kubernetes.scale[step.environment.name].max
}

_fits("bounded", step, change) if {
	limits := config.kubernetes.resources[step.environment.name]
	parts := split(fields.field(change.path), "/")
	most := limits[parts[count(parts) - 1]]
	is_string(change.to)
	_quantity(change.to) <= _quantity(most)
	_within(change, limits.factor)
}

_fits("tested", step, change) if {
	is_array(step.params.patch)
	some operation in step.params.patch
	operation.op == "test"
	is_string(operation.path)
	fields.field(operation.path) == fields.field(change.path)
}

_removed(change) if object.get(change, "to", null) == null

# Nothing was there: only `max` bounds it.
_within(change, _) if object.get(change, "from", null) == null

_within(change, factor) if {
	is_string(change.from)
	_quantity(change.to) <= _quantity(change.from) * factor
}

# A quantity in thousandths, as the API writes it; undefined for any other text.
_quantity(text) := to_number(digits) * factor if {
	digits := trim_right(text, "mkMGTPEi")
	factor := _thousandths[trim_prefix(text, digits)]
	parts := split(digits, ".")
	count(parts) <= 2
	every part in parts {
		part != ""
		trim(part, "0123456789") == ""
	}
	not _padded(digits)
}

_padded(digits) if {
	startswith(digits, "0")
	not startswith(digits, "0.")
	digits != "0"
}

_thousandths := {
	"m": 1,
	"": 1000,
	"k": 1000000,
	"M": 1000000000,
	"G": 1000000000000,
	"T": 1000000000000000,
	"Ki": 1024000,
	"Mi": 1048576000,
	"Gi": 1073741824000,
	"Ti": 1099511627776000,
}

_starts_no_interpreter(words) if {
	is_array(words)
	count(words) == 1
	_plain_word(words[0])
}

# A probe that runs a command in the container, or that calls another host.
_runs_or_calls(change) if {
	some name in split(change.path, "/")
	name in {"exec", "host", "httpHeaders"}
}

_runs_or_calls(change) if contains(change.path, "httpHeaders[")

_plain_word(word) if {
	is_string(word)
	parts := split(word, "/")
	name := parts[count(parts) - 1]
	not _interprets(name)
}

_interprets(name) if name in config.kubernetes.interpreters

# An autoscaler whose bounds are equal scales nothing.
_pinned(step) if {
	low := {change.to | some change in fields.changes(step); fields.field(change.path) == "/spec/minReplicas"}
	high := {change.to | some change in fields.changes(step); fields.field(change.path) == "/spec/maxReplicas"}
	count(low & high) > 0
}
