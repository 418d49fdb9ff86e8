package countermand.rules.aws_test

import data.countermand.lib.example_test as example
import data.countermand.rules.aws

_sized(desired, settings) := example.codes(found) if {
	found := aws.findings with input as example.document({
		"tool": "aws",
		"operation": "autoscaling.SetDesiredCapacity",
		"params": {"DesiredCapacity": desired},
		"facts": example.known({"settings": settings}),
	})
}

_group := {"MinSize": 1, "MaxSize": 10, "DesiredCapacity": 2}

test_growing_within_the_factor_is_in_the_envelope if _sized(4, _group) == {"AWS_CAPACITY_IN_ENVELOPE"}

test_growing_beyond_the_factor_is_not if _sized(5, _group) == set()

test_shrinking_is_not if _sized(1, _group) == set()

test_more_than_the_maximum_is_denied if _sized(11, _group) == {"AWS_CAPACITY_OUT_OF_BOUNDS"}

test_unknown_bounds_are_denied if _sized(4, {}) == {"AWS_CAPACITY_OUT_OF_BOUNDS"}
