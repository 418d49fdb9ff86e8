# METADATA
# title: Tables by operation
# description: >-
#   An operation is looked up by its name, then as `*.verb`, which stands for every kind that is not listed
#   with that verb.
package countermand.lib.operations

# What a table says about an operation, or the default.
listed(table, operation, default_value) := object.get(
	table,
	operation,
	object.get(table, _star(operation), default_value),
)

# The verb of `gateways.networking.istio.io.patch` is what follows the last dot.
_star(operation) := concat("", ["*.", parts[count(parts) - 1]]) if {
	parts := split(operation, ".")
}
