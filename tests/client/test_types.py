"""The client's states are the lifecycle's."""

from countermand.gateway.v1 import action_pb2

from agent_client import read
from agent_client.types import FINAL, State
from gateway.core import lifecycle


def test_the_client_knows_every_state_and_which_are_final() -> None:
    assert {s.value for s in State} - {"UNKNOWN"} == {s.value for s in lifecycle.State}
    assert {s.value for s in FINAL} == {s.value for s in lifecycle.FINAL}


def test_a_state_of_a_newer_gateway_is_unknown_not_an_error() -> None:
    assert read.action(action_pb2.Action(state=99)).state is State.UNKNOWN  # type: ignore[arg-type]  # a later number


def test_a_state_has_the_same_number_both_ways() -> None:
    for state in set(State) - {State.UNKNOWN}:
        assert read.action(action_pb2.Action(state=read.state_to_wire(state))).state is state
