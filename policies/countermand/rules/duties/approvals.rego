package countermand.rules.duties

import data.countermand.config

# METADATA
# title: Who approves
# description: >-
#   Everything but a plain read names the people who would have to approve it: by the criticality of the
#   environment, and two people for effects and operations listed in config/approvals. It binds only when
#   the folded verdict is approve.
# custom:
#   codes:
#     APPROVERS:
#       message: "approval is given by the on-call group of the environment"
#     TWO_PERSON_RULE:
#       message: "approval is given by two people"
obligations contains {"code": "APPROVERS", "step": step.i, "approvals": [approval]} if {
	some step in array.concat(data.countermand.lib.steps.writes, data.countermand.lib.steps.sensitive_reads)
	approval := object.get(config.approvals.by_criticality, step.environment.criticality, config.approvals.two_person)
}

obligations contains {"code": "TWO_PERSON_RULE", "step": step.i, "approvals": [config.approvals.two_person]} if {
	some step in data.countermand.lib.steps.writes
	_grave(step)
}

_grave(step) if {
	some effect in step.effect
	effect in config.approvals.two_person_effects[step.environment.name][step.tool]
}

_grave(step) if step.operation in config.approvals.two_person_operations[step.environment.name][step.tool]
