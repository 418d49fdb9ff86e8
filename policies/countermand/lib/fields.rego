# METADATA
# title: Fields of an object that a step would change
# description: >-
#   The preflight lists them by path. A path names the elements of lists by key (`containers[name=web]`) or
#   by position; a rule is about the field, whichever element it is in.
package countermand.lib.fields

# The changes that the dry run showed; undefined when there was none.
changes(step) := found if {
	found := step.preflight.changes
	is_array(found)
}

# A path without the elements of lists: `/spec/containers[name=web]/image` and `/spec/containers/0/image` are one field.
field(path) := concat("/", [name |
	some part in split(path, "/")
	name := split(part, "[")[0]
	not _position(name)
])

# True if a field is `prefix` or below it.
below(path, prefix) if field(path) == prefix

below(path, prefix) if startswith(field(path), concat("", [prefix, "/"]))

_position(name) if {
	name != ""
	trim(name, "0123456789") == ""
}

_position(name) if name == "-"
