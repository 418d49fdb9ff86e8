"""How the tool parsers leave a deep recursion with a refusal; it never crosses their two public functions."""

import re
from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.parsing.result import Refusal, Span

_SHOWABLE = re.compile(r"[A-Za-z0-9._/:=*,-]{1,64}")
_MANY = 8


class RefusedError(Exception):
    """Carries one refusal up to the public function that returns it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def refuse(code: str, span: Span = (0, 0), **args: Json) -> RefusedError:
    """Return what to raise for a refusal."""
    return RefusedError(Refusal(code, span, args))


def show(text: str, otherwise: str = "this") -> str:
    """Return a proposal's word if it is plain enough to be shown to people."""
    return text if _SHOWABLE.fullmatch(text) else otherwise


def some(names: Mapping[str, object] | list[str] | tuple[str, ...], near: str = "") -> str:
    """Return a few of the known names, those that begin like `near` first."""
    ordered = sorted(names, key=lambda name: (-_common(name, near), name))
    return ", ".join(ordered[:_MANY])


def _common(left: str, right: str) -> int:
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))


def words_of(text: str) -> frozenset[str]:
    """Return the words of a table that is written as text."""
    return frozenset(text.split())
