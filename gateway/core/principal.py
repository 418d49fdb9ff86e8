"""Who calls, as established by the gateway: never taken from the content of a request (DESIGN §1.8)."""

from dataclasses import dataclass
from typing import Literal

Door = Literal["agent", "approver", "executor", "http", "cli"]
Assurance = Literal["socket", "token", "mtls"]


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller."""

    id: str
    owner: str
    """The person or team that answers for the caller; may not approve its actions."""
    groups: tuple[str, ...]
    door: Door
    assurance: Assurance
    """How the identity was shown: a private Unix socket, a bearer token, a client certificate."""
    model_tier: str = "unknown"
