package countermand.rules.aws

import data.countermand.config

# METADATA
# title: Networks are not opened wide
# description: >-
#   Every CIDR in an ingress rule must be proven narrow: its prefix length is listed in config/aws. So
#   0.0.0.0/0 and ::/0 are refused, and so is every way of writing them, or half of them.
# custom:
#   codes:
#     AWS_CIDR_TOO_WIDE:
#       message: "{cidr} is too wide for an ingress rule"
#       remedy: "name the smallest network that needs access, for example a single host (/32 or /128)"
findings contains {"code": "AWS_CIDR_TOO_WIDE", "limit": "deny", "step": step.i, "args": {"cidr": cidr}} if {
	some step in data.countermand.lib.steps.writes
	step.tool == "aws"
	some cidr in _cidrs(step.params)
	not _narrow(cidr)
}

_cidrs(params) := array.concat(
	[params.CidrIp | params.CidrIp],
	array.concat(
		[range.CidrIp | some permission in _list(params, "IpPermissions"); some range in _list(permission, "IpRanges")],
		[range.CidrIpv6 |
			some permission in _list(params, "IpPermissions")
			some range in _list(permission, "Ipv6Ranges")
		],
	),
)

_list(from, name) := found if {
	found := from[name]
	is_array(found)
}

_narrow(cidr) if {
	is_string(cidr)
	parts := split(cidr, "/")
	count(parts) == 2
	not contains(cidr, ":")
	parts[1] in config.aws.narrow_ipv4_prefixes
}

_narrow(cidr) if {
	is_string(cidr)
	parts := split(cidr, "/")
	count(parts) == 2
	contains(cidr, ":")
	parts[1] in config.aws.narrow_ipv6_prefixes
}
