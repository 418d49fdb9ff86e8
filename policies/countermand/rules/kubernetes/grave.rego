package countermand.rules.kubernetes

import data.countermand.config
import data.countermand.lib.fields

# METADATA
# title: Changes that take two people or are never made
# description: >-
#   Removing a finalizer or an owner skips a clean-up, a forced drain loses what pods keep, forced ownership
#   of fields takes them from their owner, and evicting by taint is a drain without budgets: two people. A
#   binding to a role of config/kubernetes' denied_roles is never made.
# custom:
#   codes:
#     K8S_CLEANUP_SKIPPED:
#       message: "changing the finalizers or owners of {target} skips a clean-up for good"
#       remedy: "repair the controller that should finish the clean-up, or ask for approval by two people"
#     K8S_DRAIN_LOSES:
#       message: "the drain of {target} loses what its pods keep, or ignores their budgets"
#       remedy: "drain without --force, --delete-emptydir-data and --disable-eviction, or ask for approval by two people"
#     K8S_EVICTS_BY_TAINT:
#       message: "a NoExecute taint evicts every pod of {target} without regard to budgets"
#       remedy: "use the effect NoSchedule, or kubectl drain, which respects budgets"
#     K8S_TAKES_FIELDS:
#       message: "the change takes fields of {target} from their owner"
#       remedy: "apply without --force-conflicts and propose the change to the owner of the fields"
#     K8S_ROLE_TOO_POWERFUL:
#       message: "the binding would give {role}"
#       remedy: "bind a Role that has the missing verbs only"
findings contains {
	"code": "K8S_CLEANUP_SKIPPED",
	"limit": "approve",
	"step": step.i,
	"args": {"target": step.target.id},
} if {
	some step in data.countermand.lib.steps.writes
	_skips_cleanup(step)
}

findings contains {
	"code": "K8S_DRAIN_LOSES",
	"limit": "approve",
	"step": step.i,
	"args": {"target": step.target.id},
} if {
	some step in data.countermand.lib.steps.writes
	_drains_by_force(step)
}

findings contains {
	"code": "K8S_EVICTS_BY_TAINT",
	"limit": "approve",
	"step": step.i,
	"args": {"target": step.target.id},
} if {
	some step in data.countermand.lib.steps.writes
	_evicts_by_taint(step)
}

findings contains {
	"code": "K8S_TAKES_FIELDS",
	"limit": "approve",
	"step": step.i,
	"args": {"target": step.target.id},
} if {
	some step in data.countermand.lib.steps.writes
	_takes_fields(step)
}

findings contains {"code": "K8S_ROLE_TOO_POWERFUL", "limit": "deny", "step": step.i, "args": {"role": role}} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "kubernetes"
	some role in _roles(step)
	role in config.kubernetes.denied_roles
}

obligations contains {"code": "K8S_CLEANUP_SKIPPED", "step": step.i, "approvals": [config.approvals.two_person]} if {
	some step in data.countermand.lib.steps.writes
	_skips_cleanup(step)
}

obligations contains {"code": "K8S_DRAIN_LOSES", "step": step.i, "approvals": [config.approvals.two_person]} if {
	some step in data.countermand.lib.steps.writes
	_drains_by_force(step)
}

obligations contains {"code": "K8S_EVICTS_BY_TAINT", "step": step.i, "approvals": [config.approvals.two_person]} if {
	some step in data.countermand.lib.steps.writes
	_evicts_by_taint(step)
}

obligations contains {"code": "K8S_TAKES_FIELDS", "step": step.i, "approvals": [config.approvals.two_person]} if {
	some step in data.countermand.lib.steps.writes
	_takes_fields(step)
}

_skips_cleanup(step) if {
	step.tool == "kubernetes"
	some path in _touched(step)
	some name in ["/metadata/finalizers", "/metadata/ownerReferences", "/spec/finalizers"]
	fields.below(path, name)
}

# What the dry run showed, and what a patch says before there was one.
_touched(step) := {change.path | some change in fields.changes(step)} | _said(step.params)

_said(params) := {operation.path | some operation in params.patch; is_string(operation.path)} if is_array(params.patch)

else := {concat("/", ["", part, name]) |
	some part in ["metadata", "spec"]
	is_object(params.patch[part])
	some name, _ in params.patch[part]
} if {
	is_object(params.patch)
}

else := set()

_drains_by_force(step) if {
	step.operation == "nodes.drain"
	some flag in ["force", "delete_emptydir_data", "disable_eviction"]
	step.params[flag] == true
}

_evicts_by_taint(step) if {
	step.operation == "nodes.taint"
	is_array(step.params.add)
	some taint in step.params.add
	taint.effect == "NoExecute"
}

_takes_fields(step) if {
	step.tool == "kubernetes"
	step.params.force_conflicts == true
}

_roles(step) := union({
	{name | name := step.params.object.roleRef.name},
	{name | name := step.params.patch.roleRef.name},
	{name | is_array(step.params.object.subjects); some subject in step.params.object.subjects; name := subject.name},
	{name | is_array(step.params.groups); some name in step.params.groups},
})
