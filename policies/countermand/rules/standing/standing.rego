package countermand.rules.standing

import data.countermand.config

# METADATA
# title: What may be done with a change that stands
# description: >-
#   Asked again with the revision in force: a rollback inside the undo window, the renewal of a lease, the
#   keeping of a lease for good. Where a human is needed, one who may approve the change decides by asking.
#   An undo that verification or the end of a lease calls for is never asked about: it was granted with the
#   change.
# custom:
#   codes:
#     ROLLBACK:
#       message: "what was changed may be taken back inside its undo window"
#     ROLLBACK_IN_FREEZE:
#       message: "{environment} is frozen ({window}), so a human decides what is taken back"
#       remedy: "let an approver roll it back"
#     RENEW:
#       message: "a lease may be renewed while its incident is open"
#     RENEW_WITHOUT_INCIDENT:
#       message: "the incident of this lease is over, so a human renews it"
#       remedy: "let the lease end, or let an approver renew it"
#     RENEW_IN_FREEZE:
#       message: "{environment} is frozen ({window}), so nothing is renewed"
#       remedy: "let the lease end, or let an approver keep the change"
#     KEEP:
#       message: "an approver may keep a change for good"
#       remedy: "let an approver keep it"
findings contains {"code": "ROLLBACK", "permit": "allow", "step": step.i, "args": {}} if {
	some step in _asked.rollback
}

findings contains {
	"code": "ROLLBACK_IN_FREEZE",
	"limit": "approve",
	"step": step.i,
	"args": {"environment": step.environment.name, "window": window},
} if {
	some step in _asked.rollback
	some window in _frozen(step)
}

findings contains {"code": "RENEW", "permit": "allow", "step": step.i, "args": {}} if {
	some step in _asked.renew
	input.incident.id
}

findings contains {"code": "RENEW_WITHOUT_INCIDENT", "permit": "approve", "step": step.i, "args": {}} if {
	some step in _asked.renew
	not input.incident.id
}

findings contains {
	"code": "RENEW_IN_FREEZE",
	"limit": "deny",
	"step": step.i,
	"args": {"environment": step.environment.name, "window": window},
} if {
	some step in _asked.renew
	some window in _frozen(step)
}

findings contains {"code": "KEEP", "permit": "approve", "step": step.i, "args": {}} if {
	some step in _asked.keep
}

_asked := {purpose: data.countermand.lib.steps.standing | some purpose in {"rollback", "renew", "keep"}; purpose == input.request.purpose}

_frozen(step) := {window.name |
	now_ns := input.now_ms * 1000000
	some window in config.freeze.windows
	window.limit == "deny"
	step.environment.name in window.environments
	now_ns >= time.parse_rfc3339_ns(window.from)
	now_ns < time.parse_rfc3339_ns(window.until)
}
