"""How sure the gateway is that a vote comes from the person it names."""

from collections.abc import Iterable
from enum import StrEnum


class Assurance(StrEnum):
    """How a person proved who they are; the order of members is from weakest to strongest."""

    TOKEN = "token"  # noqa: S105  # the name of a method, not a secret
    """A bearer token alone; never approves outside the local default."""
    SOCKET = "socket"
    """A private Unix socket of this machine."""
    OIDC = "oidc"
    """An interactive sign-in at an identity provider."""
    MTLS = "mtls"
    """A client certificate."""
    PASSKEY = "passkey"
    """A WebAuthn assertion over what is approved."""


_RANK = {assurance: rank for rank, assurance in enumerate(Assurance)}


def strongest(found: Iterable[Assurance]) -> Assurance:
    """Return the strongest assurance; none at all is a bare token."""
    return max(found, key=_RANK.__getitem__, default=Assurance.TOKEN)


def at_least(have: Assurance, need: Assurance) -> bool:
    """Tell whether what a person has shown is as strong as what is needed."""
    return _RANK[have] >= _RANK[need]
