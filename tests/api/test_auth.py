"""Who calls is told by the transport."""

import pytest

from gateway.api.auth import Shown
from gateway.errors import CallerError, Forbidden
from tests.fakes.doors import AGENT, BOB_SPIFFE, OTHER_AGENT, OTHER_APPROVER, authenticator

AUTH = authenticator()


def test_a_caller_on_a_doors_own_socket_is_its_default() -> None:
    assert AUTH.principal("agent", Shown("unix")) == AGENT


def test_a_token_on_a_socket_names_another_caller_with_the_assurance_of_the_socket() -> None:
    principal = AUTH.principal("agent", Shown("unix", "Bearer agent-b-token"))
    assert (principal.id, principal.assurance) == (OTHER_AGENT.id, "socket")


def test_a_token_over_tcp_has_the_assurance_of_a_token() -> None:
    principal = AUTH.principal("approver", Shown("tcp", "bearer bob-token"))
    assert (principal.id, principal.assurance) == ("bob", "token")


def test_a_certificate_has_the_assurance_of_mtls() -> None:
    principal = AUTH.principal("approver", Shown("tcp", certificate=BOB_SPIFFE))
    assert (principal.id, principal.assurance) == (OTHER_APPROVER.id, "mtls")


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (Shown("tcp"), "IDENTITY_REQUIRED"),
        (Shown("unix", "Bearer wrong"), "TOKEN_UNKNOWN"),
        (Shown("unix", "Bearer "), "AUTHORIZATION_MALFORMED"),
        (Shown("unix", ""), "AUTHORIZATION_MALFORMED"),
        (Shown("unix", "Basic bob-token"), "AUTHORIZATION_MALFORMED"),
        (Shown("unix", "Bearer bob-token"), "IDENTITY_NOT_FOR_THIS_DOOR"),
        (Shown("tcp", certificate="spiffe://acme.test/eve"), "CERTIFICATE_UNKNOWN"),
        (Shown("tcp", certificate=BOB_SPIFFE), "IDENTITY_NOT_FOR_THIS_DOOR"),
        (Shown("tcp", "Bearer wrong", BOB_SPIFFE), "TOKEN_UNKNOWN"),
    ],
)
def test_what_is_not_known_at_the_agent_door_is_refused_with_its_own_reason(shown: Shown, code: str) -> None:
    with pytest.raises(CallerError) as caught:
        AUTH.principal("agent", shown)
    assert caught.value.code == code
    assert caught.value.args_["remedy"]


def test_a_bearer_token_alone_does_not_vote() -> None:
    with pytest.raises(Forbidden, match="does not vote"):
        AUTH.require_vote(AUTH.principal("approver", Shown("tcp", "Bearer bob-token")))


def test_a_token_votes_on_the_socket_by_certificate_and_where_it_is_the_local_default() -> None:
    AUTH.require_vote(AUTH.principal("approver", Shown("unix", "Bearer bob-token")))
    AUTH.require_vote(AUTH.principal("approver", Shown("tcp", certificate=BOB_SPIFFE)))
    local = authenticator(tokens_may_vote=True)
    local.require_vote(local.principal("approver", Shown("tcp", "Bearer bob-token")))
