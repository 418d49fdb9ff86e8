"""The shape of a change to AWS that can be taken back: how to read it, what it sets, how to set it back.

AWS has no compare-and-swap for these calls, so a fresh read guards each write: undo class `compensating`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.core.canonical import Json
from gateway.core.undo import Fields


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as it was read."""

    fields: Fields
    """Every field that the change could restore, by path."""
    value: Mapping[str, Json]
    """What policies see (`exists` included)."""
    busy: str = ""
    """Why nothing may be changed now, such as values that are pending; empty when there is no reason."""


class Change(Protocol):
    """One operation of one service."""

    @property
    def operation(self) -> str:
        """Return `<service>.<Operation>`."""
        ...

    @property
    def missing(self) -> frozenset[str]:
        """Return the service's error codes that mean the object does not exist."""
        ...

    def reads(self, params: Mapping[str, Json]) -> tuple[tuple[str, dict[str, Json]], ...]:
        """Return the (operation, params) that together show the object."""
        ...

    def seen(self, answers: tuple[Mapping[str, Any], ...]) -> Seen | None:
        """Return the object from the answers to `reads`; None when it is not in them."""
        ...

    def wanted(self, params: Mapping[str, Json]) -> Fields | None:
        """Return the fields that the step sets; None when it sets anything that cannot be restored."""
        ...

    def inverse(self, params: Mapping[str, Json], old: Fields, now: Fields) -> dict[str, Json] | None:
        """Return the params of the call that restores `old`; None when there is none, seeing the object `now`."""
        ...
