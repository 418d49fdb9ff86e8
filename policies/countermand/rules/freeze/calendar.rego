package countermand.rules.freeze

import data.countermand.config

# METADATA
# title: Freeze calendar
# description: >-
#   While a window of config/freeze is open, changes in its environments are denied or need a human.
#   Windows are RFC 3339; the end is exclusive.
# custom:
#   codes:
#     CHANGE_FREEZE:
#       message: "{environment} is frozen: {window}"
#       remedy: "propose reads only, or wait until {until}"
#     CHANGE_RESTRICTED:
#       message: "changes in {environment} need a human: {window}"
#       remedy: "ask for approval, or wait until {until}"
findings contains {
	"code": "CHANGE_FREEZE",
	"limit": "deny",
	"step": step.i,
	"args": {"environment": step.environment.name, "window": window.name, "until": window.until},
} if {
	some step in data.countermand.lib.steps.writes
	some window in _open_windows
	step.environment.name in window.environments
	window.limit == "deny"
}

findings contains {
	"code": "CHANGE_RESTRICTED",
	"limit": "approve",
	"step": step.i,
	"args": {"environment": step.environment.name, "window": window.name, "until": window.until},
} if {
	some step in data.countermand.lib.steps.writes
	some window in _open_windows
	step.environment.name in window.environments
	window.limit == "approve"
}

# Evaluated only when there is a write to judge: parsing times is the costly part.
_open_windows := [window |
	now_ns := input.now_ms * 1000000
	some window in config.freeze.windows
	now_ns >= time.parse_rfc3339_ns(window.from)
	now_ns < time.parse_rfc3339_ns(window.until)
]
