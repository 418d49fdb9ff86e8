package countermand.rules.aws

import data.countermand.config
import data.countermand.lib.fact

# METADATA
# title: Databases are not lost, shrunk or opened
# custom:
#   codes:
#     AWS_NO_FINAL_SNAPSHOT:
#       message: "{operation} without a final snapshot loses the data"
#       remedy: "stop or resize the instance instead; a human deletes a database outside the gateway, with a final snapshot"
#     AWS_DELETION_PROTECTION_OFF:
#       message: "{operation} would switch deletion protection off"
#       remedy: "leave deletion protection on"
#     AWS_STORAGE_SHRUNK:
#       message: "the storage is not proven to stay at least as large as it is"
#       remedy: "read the instance (describe-db-instances) and ask for as much storage or more"
#     AWS_PUBLIC_ACCESS:
#       message: "{operation} would make {target} reachable from the internet"
#       remedy: "leave PubliclyAccessible off and connect from inside the network"
#     AWS_PASSWORD_CHANGED:
#       message: "{operation} would change a master password"
#       remedy: "leave the password out; a human rotates it in the secret store"
findings contains {
	"code": "AWS_NO_FINAL_SNAPSHOT",
	"limit": "deny",
	"step": step.i,
	"args": {"operation": step.operation},
} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "aws"
	config.aws.final_snapshots[step.operation]
	not _keeps_snapshot(step)
}

findings contains {
	"code": "AWS_DELETION_PROTECTION_OFF",
	"limit": "deny",
	"step": step.i,
	"args": {"operation": step.operation},
} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "aws"
	_unprotects(step.params)
}

findings contains {"code": "AWS_STORAGE_SHRUNK", "limit": "deny", "step": step.i, "args": {}} if {
	input.stage == "decide"
	some step in data.countermand.lib.steps.writes
	step.tool == "aws"
	object.get(step.params, "AllocatedStorage", null) != null
	not _grows(step)
}

findings contains {
	"code": "AWS_PUBLIC_ACCESS",
	"limit": "deny",
	"step": step.i,
	"args": {"operation": step.operation, "target": step.target.id},
} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "aws"
	step.params.PubliclyAccessible == true
}

findings contains {
	"code": "AWS_PASSWORD_CHANGED",
	"limit": "deny",
	"step": step.i,
	"args": {"operation": step.operation},
} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "aws"
	some param in config.aws.password_params
	object.get(step.params, param, null) != null
}

_keeps_snapshot(step) if {
	wanted := config.aws.final_snapshots[step.operation]
	is_string(step.params[wanted.name])
	step.params[wanted.name] != ""
	object.get(step.params, wanted.skip, false) == false
}

_unprotects(params) if params.DeletionProtection == false

_unprotects(params) if params.DisableApiTermination.Value == false

_grows(step) if {
	is_number(step.params.AllocatedStorage)
	is_number(fact.sole(step).settings.AllocatedStorage)
	step.params.AllocatedStorage >= fact.sole(step).settings.AllocatedStorage
}
