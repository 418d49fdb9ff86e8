# METADATA
# title: Findings and obligations of all domains
# description: >-
#   The one entry point. The verdict is folded in the gateway, never here: nothing permitted means denied.
#   A document of another schema version gets no findings, so it is denied.
package countermand.main

# Domains are united by reference (`rules[domain].findings[finding]`), not by `some … in`: all engines, regorus'
# byte code included, agree on this form also for a domain that has no obligations.

# METADATA
# entrypoint: true
decision := {"schema": "countermand.decision/1", "findings": findings, "obligations": obligations}

findings contains finding if {
	input.schema == "countermand.input/1"
	some domain
	data.countermand.rules[domain].findings[finding]
}

obligations contains obligation if {
	input.schema == "countermand.input/1"
	some domain
	data.countermand.rules[domain].obligations[obligation]
}
