package countermand.rules.kubernetes

import data.countermand.config
import data.countermand.lib.fields

# METADATA
# title: What infrastructure as code owns
# description: >-
#   A change of an object that code owns drifts from it. As a lease it ends when the code should win again;
#   without one a human accepts the drift, which the ledger keeps until it is closed. Replicas alone are
#   moved by autoscalers too and do not wait for a human.
# custom:
#   codes:
#     K8S_OWNED_BY_CODE:
#       message: "{tool} owns {target}; without a lease the change drifts from the code"
#       remedy: "ask for a lease of at most {most} s (lease_s), or propose the change in the code's repository"
findings contains {
	"code": "K8S_OWNED_BY_CODE",
	"limit": "approve",
	"step": step.i,
	"args": {"tool": owner, "target": step.target.id, "most": config.kubernetes.iac.lease_s},
} if {
	some step in data.countermand.lib.steps.writes
	some owner in _owners(step)
	not _leased(input)
	not _sets_nothing(step)
	not _only_replicas(step)
}

obligations contains {
	"code": "K8S_OWNED_BY_CODE",
	"step": step.i,
	"lease": {"max_ttl_s": config.kubernetes.iac.lease_s},
} if {
	some step in data.countermand.lib.steps.writes
	count(_owners(step)) > 0
	not _scales(step)
}

# rules/kubernetes/scale gives the lease of these.
_scales(step) if step.operation in config.kubernetes.scale_operations

# The tools that own what the step changes.
_owners(step) := {seen.value.iac.tool |
	step.tool == "kubernetes"
	some seen in step.facts
	seen.value.iac.tool in config.kubernetes.iac.needs_lease
}

_leased(document) if document.request.lease_s > 0

_sets_nothing(step) if step.undo.class == "neutral"

_only_replicas(step) if {
	changed := fields.changes(step)
	every change in changed {
		change.path == "/spec/replicas"
	}
}
