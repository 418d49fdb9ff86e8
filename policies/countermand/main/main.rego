# METADATA
# title: Findings and obligations of all domains
# description: >-
#   The one entry point. The verdict is folded in the gateway, never here: nothing permitted means denied.
#   A document of another schema version gets no findings, so it is denied.
package countermand.main

# Domains are named, not found by a variable: for that regorus first computes every helper of every domain, a third of
# an evaluation. A new rule of a domain is a new file; a new domain, or the first obligation of one, is named here, or
# its codes never fire and the bundle is refused when it is loaded (canary).

# METADATA
# entrypoint: true
decision := {"schema": "countermand.decision/1", "findings": findings, "obligations": obligations}

findings contains finding if {
	input.schema == "countermand.input/1"
	some domain in [
		data.countermand.rules.aws.findings,
		data.countermand.rules.base.findings,
		data.countermand.rules.blast.findings,
		data.countermand.rules.duties.findings,
		data.countermand.rules.freeze.findings,
		data.countermand.rules.incident.findings,
		data.countermand.rules.kubernetes.findings,
		data.countermand.rules.postgres.findings,
		data.countermand.rules.rate.findings,
		data.countermand.rules.standing.findings,
		data.countermand.rules.tiers.findings,
		data.countermand.rules.undo.findings,
	]
	some finding in domain
}

obligations contains obligation if {
	input.schema == "countermand.input/1"
	some domain in [
		data.countermand.rules.blast.obligations,
		data.countermand.rules.duties.obligations,
		data.countermand.rules.kubernetes.obligations,
	]
	some obligation in domain
}
