# METADATA
# title: Findings and obligations of all domains
# description: >-
#   The one entry point. The verdict is folded in the gateway, never here: nothing permitted means denied.
#   A document of another schema version gets no findings, so it is denied.
package countermand.main

# METADATA
# entrypoint: true
decision := {"schema": "countermand.decision/1", "findings": findings, "obligations": obligations}

findings contains finding if {
	input.schema == "countermand.input/1"
	some domain
	some finding in data.countermand.rules[domain].findings
}

obligations contains obligation if {
	input.schema == "countermand.input/1"
	some domain
	some obligation in data.countermand.rules[domain].obligations
}
