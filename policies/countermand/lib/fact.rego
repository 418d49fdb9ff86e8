# METADATA
# title: Facts about a step's targets
# description: >-
#   A fact counts only while its status is known. Rules that limit negate a proof built here, so a
#   missing, unknown or stale fact limits.
package countermand.lib.fact

# The one known fact about a step that has exactly one target; undefined otherwise.
sole(step) := step.facts[0].value if {
	count(step.facts) == 1
	step.facts[0].status == "known"
}

# True if there is a fact about every target and all of them are known.
all_known(step) if {
	count(step.facts) > 0
	every fact in step.facts {
		fact.status == "known"
	}
}
