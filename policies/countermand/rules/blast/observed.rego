package countermand.rules.blast

import data.countermand.lib.fact

# METADATA
# title: The target was observed
# description: >-
#   When it is decided for good, the executor has looked at the target and tried the change where the
#   target can be tried. A step whose target is unknown is not autonomous; one that failed its trial
#   does not run.
# custom:
#   codes:
#     STATE_UNKNOWN:
#       message: "the state of {target} is not known"
#       remedy: "read {target} again, or ask for approval"
#     PREFLIGHT_NOT_PASSED:
#       message: "the trial run of the step against {target} did not pass"
#       remedy: "read the target and propose a step that it would accept"
findings contains {"code": "STATE_UNKNOWN", "limit": "approve", "step": step.i, "args": {"target": step.target.id}} if {
	input.stage == "decide"
	some step in data.countermand.lib.steps.writes
	not fact.all_known(step)
}

findings contains {
	"code": "PREFLIGHT_NOT_PASSED",
	"limit": "deny",
	"step": step.i,
	"args": {"target": step.target.id},
} if {
	input.stage == "decide"
	some step in data.countermand.lib.steps.writes
	not _passed(step)
}

_passed(step) if step.preflight.status in {"ok", "not_available"}
