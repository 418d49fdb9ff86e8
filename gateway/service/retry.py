"""Repeat a use case whose action changed between reading and writing."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.errors import Precondition

T = TypeVar("T")
_ATTEMPTS = 8


async def until_settled(use_case: Callable[[], Awaitable[T]]) -> T:
    """Run a read-decide-sign-write sequence again while a faster one wins; then raise Precondition ACTION_MOVED."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return await use_case()
        except Precondition as exc:
            if exc.code != "ACTION_MOVED":
                raise
    return await use_case()
