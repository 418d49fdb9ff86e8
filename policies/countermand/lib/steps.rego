# METADATA
# title: The steps of the plan, sorted by what they may do
# description: >-
#   Computed once for all rules. Every step that is proposed is in exactly one of the three lists; what is
#   not proven a read is a write. A change that stands (request.purpose: rollback, renew, keep) proposes
#   nothing: its steps are in `standing` alone, and rules/standing decides about them.
package countermand.lib.steps

# Rules name these lists by their whole path: through an imported alias regorus computes the whole package for every
# body that asks, which was more than half of an evaluation.

proposed := [step | not input.request.purpose; some step in input.steps]

standing := [step | input.request.purpose; some step in input.steps]

# Steps whose only effect is a plain read.
reads := [step | some step in proposed; step.effect == ["read"]]

# Steps that only read, but read something sensitive.
sensitive_reads := [step |
	some step in proposed
	_only_reads(step)
	step.effect != ["read"]
]

# All other steps, also those of an unknown or missing effect.
writes := [step | some step in proposed; not _only_reads(step)]

_only_reads(step) if {
	count(step.effect) > 0
	every effect in step.effect {
		effect in {"read", "read_sensitive"}
	}
}

# Effects from worst to mildest; the gateway's order (DESIGN 3).
_severity := [
	"unknown",
	"session",
	"privilege",
	"boundary",
	"egress",
	"destructive",
	"write",
	"local",
	"read_sensitive",
	"read",
]

_rank := {effect: rank | some rank, effect in _severity}

# The worst effect of a step; no effect at all is unknown.
worst_effect(step) := _severity[min([_rank[effect] | some effect in step.effect])] if {
	count(step.effect) > 0
} else := "unknown"
