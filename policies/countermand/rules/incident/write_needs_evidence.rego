package countermand.rules.incident

import data.countermand.config

# METADATA
# title: A write needs an incident and evidence
# description: >-
#   A change is made for an incident that a trusted source opened, and after the agent has read what it
#   is about to change. config/incident says which read covers which target when it is not the target
#   itself (reading pg_stat_activity covers the sessions of that database). What is to be made cannot be read:
#   a list of its kind, where it is to stand, shows that it is not there.
# custom:
#   codes:
#     WRITE_WITHOUT_INCIDENT:
#       message: "a change needs an open incident from a trusted source"
#       remedy: "open the incident by its alert or by a human, then propose the change again under it"
#     WRITE_WITHOUT_EVIDENCE:
#       message: "nothing was read about {target} in this incident lately"
#       remedy: "read {target} first (it must succeed; of what is to be made, list its kind), then propose the change again"
#     INCIDENT_STALE:
#       message: "the alert behind this incident is too old to act on it without a human"
#       remedy: "ask for approval, or act under a newer alert"
findings contains {"code": "WRITE_WITHOUT_INCIDENT", "limit": "deny", "step": step.i, "args": {}} if {
	some step in _governed
	not _trusted(input)
}

findings contains {
	"code": "WRITE_WITHOUT_EVIDENCE",
	"limit": "deny",
	"step": step.i,
	"args": {"target": step.target.id},
} if {
	some step in _governed
	not _evidenced(input, step)
}

findings contains {"code": "INCIDENT_STALE", "limit": "approve", "step": step.i, "args": {}} if {
	some step in _governed
	input.incident != null # without an incident there is no alert to be old: WRITE_WITHOUT_INCIDENT says it
	not _fresh(input)
}

# Writes outside the environments that need no incident.
_governed := [step |
	some step in data.countermand.lib.steps.writes
	not _exempt(step)
]

_exempt(step) if step.environment.name in config.incident.exempt_environments

_trusted(document) if document.incident.source in config.incident.trusted_sources

_fresh(document) if document.now_ms - document.incident.alert_ms <= config.incident.alert_max_age_ms

_evidenced(document, step) if {
	some read in document.incident.reads
	read.outcome == "succeeded"
	document.now_ms - read.at_ms <= config.incident.evidence_max_age_ms
	_covers(read, step)
}

_covers(read, step) if step.target.id in read.targets

_covers(read, step) if {
	endswith(step.operation, ".create")
	concat("/", [trim_suffix(step.target.id, concat("", ["/", step.target.names[0]])), "*"]) in read.targets
}

_covers(read, step) if {
	some template in config.incident.covers[step.tool][step.operation]
	scoped := replace(template, "{scope}", step.target.scope)
	placed := replace(scoped, "{region}", object.get(step.target, "region", "-"))
	replace(placed, "{namespace}", object.get(step.target, "namespace", "-")) in read.targets
}
