package countermand.rules.blast

import data.countermand.config
import data.countermand.lib.fact
import data.countermand.lib.fields

# METADATA
# title: Blast radius
# description: How many targets one step reaches, and whether it switches them off.
# custom:
#   codes:
#     BLAST_ALL:
#       message: "the step reaches every {kind} of its scope"
#       remedy: "name the targets"
#     BLAST_ROLLING:
#       message: "{operation} replaces every {kind} of its namespace bit by bit"
#       remedy: "name the targets, or ask for approval"
#     BLAST_SELECTOR:
#       message: "the step reaches whatever the selector matches"
#       remedy: "name the targets, or ask for approval"
#     BLAST_MANY_TARGETS:
#       message: "the step reaches {targets} targets; more than {limit} need a human"
#       remedy: "ask for approval, or propose fewer targets"
#     BLAST_TOO_MANY_TARGETS:
#       message: "the step reaches {targets} targets; the limit in {environment} is {limit}"
#       remedy: "propose at most {limit} targets"
#     BLAST_UNCOUNTED:
#       message: "how many targets the step reaches is not known"
#       remedy: "name the targets"
#     BLAST_SWITCHED_OFF:
#       message: "{operation} to zero switches {target} off"
#       remedy: "keep at least one, or ask for approval (by two people, unless no service leads to it)"
findings contains {"code": "BLAST_ALL", "limit": "deny", "step": step.i, "args": {"kind": step.target.kind}} if {
	some step in data.countermand.lib.steps.writes
	step.target.fanout == "all"
	not _rolling(step)
}

findings contains {
	"code": "BLAST_ROLLING",
	"limit": "approve",
	"step": step.i,
	"args": {"kind": step.target.kind, "operation": step.operation},
} if {
	some step in data.countermand.lib.steps.writes
	step.target.fanout == "all"
	_rolling(step)
}

findings contains {"code": "BLAST_SELECTOR", "limit": "approve", "step": step.i, "args": {}} if {
	some step in data.countermand.lib.steps.writes
	step.target.fanout == "selector"
}

findings contains {
	"code": "BLAST_MANY_TARGETS",
	"limit": "approve",
	"step": step.i,
	"args": {"targets": targets, "limit": limit},
} if {
	some step in data.countermand.lib.steps.writes
	targets := _reached(step)
	limit := _limits(step).autonomous
	targets > limit
}

findings contains {
	"code": "BLAST_TOO_MANY_TARGETS",
	"limit": "deny",
	"step": step.i,
	"args": {"targets": targets, "limit": limit, "environment": step.environment.name},
} if {
	some step in data.countermand.lib.steps.writes
	targets := _reached(step)
	limit := _limits(step).most
	targets > limit
}

# Only a named target is counted before the preflight has run.
findings contains {"code": "BLAST_UNCOUNTED", "limit": "deny", "step": step.i, "args": {}} if {
	input.stage == "decide"
	some step in data.countermand.lib.steps.writes
	not _named(step)
	not _counted(step)
}

findings contains {
	"code": "BLAST_SWITCHED_OFF",
	"limit": "approve",
	"step": step.i,
	"args": {"operation": step.operation, "target": step.target.id},
} if {
	some step in data.countermand.lib.steps.writes
	_switches_off(step)
}

obligations contains {
	"code": "BLAST_SWITCHED_OFF",
	"step": step.i,
	"approvals": [config.approvals.two_person],
} if {
	some step in data.countermand.lib.steps.writes
	_switches_off(step)
	not _serves_nobody(step)
}

# Proven: no service leads to the workload.
_serves_nobody(step) if fact.sole(step).services == []

_named(step) if step.target.fanout in {"one", "listed"}

_counted(step) if step.preflight.targets >= 0

_switches_off(step) if {
	param := config.blast.zero[step.tool][step.operation]
	step.params[param] == 0
}

# A patch may do the same by another door.
_switches_off(step) if {
	step.tool == "kubernetes"
	some change in fields.changes(step)
	endswith(change.path, "/spec/replicas")
	change.to == 0
}

_reached(step) := max([count(step.target.names), object.get(step, ["preflight", "targets"], 0)])

_limits(step) := object.get(config.blast.targets_of, [step.tool, step.operation], _usual(step))

_usual(step) := object.get(config.blast.targets, step.environment.name, config.blast.targets_elsewhere)

# Everything of a kind, but within one namespace.
_rolling(step) if {
	step.operation in config.blast.rolling[step.tool]
	is_string(step.target.namespace)
}
