"""The proof: the log verifies as it is, and does not with one flipped byte."""

from gateway.cli.demo.expect import Expectations
from gateway.cli.demo.result import Result
from gateway.cli.demo.story import Story
from gateway.cli.demo.world import World


def prove(world: World, story: Story, expect: Expectations, result: Result) -> None:
    """Verify."""
