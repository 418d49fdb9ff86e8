package countermand.rules.aws_test

import data.countermand.lib.example_test as example
import data.countermand.rules.aws

_ingress(params) := example.codes(found) if {
	found := aws.findings with input as example.document({
		"tool": "aws",
		"operation": "ec2.AuthorizeSecurityGroupIngress",
		"params": params,
	})
}

test_a_host_may_be_let_in if _ingress({"CidrIp": "192.0.2.7/32"}) == set()

test_a_host_may_be_let_in_over_ipv6 if {
	_ingress({"IpPermissions": [{"Ipv6Ranges": [{"CidrIpv6": "2001:db8::7/128"}]}]}) == set()
}

test_the_world_may_not if {
	every cidr in ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "0.0.0.0/00", "0.0.0.0", "10.0.0.0/8/32", "::/0", "/32x", ""] {
		_ingress({"IpPermissions": [{"IpRanges": [{"CidrIp": cidr}]}]}) == {"AWS_CIDR_TOO_WIDE"}
	}
}

test_one_wide_range_among_narrow_ones_is_denied if {
	ranges := [{"CidrIp": "192.0.2.7/32"}, {"CidrIp": "0.0.0.0/0"}]
	_ingress({"IpPermissions": [{"IpRanges": ranges}]}) == {"AWS_CIDR_TOO_WIDE"}
}

test_what_is_no_text_is_denied if _ingress({"CidrIp": 7}) == {"AWS_CIDR_TOO_WIDE"}
