package countermand.rules.postgres

import data.countermand.config

# METADATA
# title: Ending sessions
# description: >-
#   Only sessions that are proven clients are ended: never replication, never a background process, never
#   a protected user's.
# custom:
#   codes:
#     PG_SESSION_NOT_CLIENT:
#       message: "a session to end is not proven a client's"
#       remedy: "read pg_stat_activity and name sessions whose backend_type is client backend"
#     PG_SESSION_OF_PROTECTED_USER:
#       message: "a session to end belongs to a protected user"
#       remedy: "name sessions of the service that causes the incident"
findings contains {"code": "PG_SESSION_NOT_CLIENT", "limit": "deny", "step": step.i, "args": {}} if {
	input.stage == "decide"
	some step in _endings
	not _clients(step)
}

findings contains {"code": "PG_SESSION_OF_PROTECTED_USER", "limit": "deny", "step": step.i, "args": {}} if {
	some step in _endings
	some seen in step.facts
	seen.value.user in config.postgres.protected_users
}

_endings := [step |
	some step in data.countermand.lib.steps.writes
	step.tool == "postgres"
	step.operation in {"sessions.terminate", "sessions.cancel"}
]

_clients(step) if {
	count(step.facts) > 0
	every seen in step.facts {
		seen.status == "known"
		seen.value.backend_type == "client backend"
	}
}
