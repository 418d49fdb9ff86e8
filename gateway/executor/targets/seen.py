"""The members of an observation, in the form of the policy input."""

from collections.abc import Mapping, Sequence
from typing import Literal

from gateway.core.canonical import Json
from gateway.core.effect import Undo
from gateway.ports_target import Observed


def known(target: str, now_ms: int, value: Mapping[str, Json]) -> dict[str, Json]:
    """Return a fact that was read now; it says itself whether the target exists."""
    return {"target": target, "status": "known", "observed_ms": now_ms, "value": dict(value)}


def unknown(target: str, now_ms: int, code: str) -> dict[str, Json]:
    """Return the fact that nothing is known about a target, and why."""
    return {"target": target, "status": "unknown", "observed_ms": now_ms, "code": code}


def preflight(
    status: Literal["ok", "failed", "not_available"],
    changes: Sequence[Mapping[str, Json]] = (),
    *,
    targets: int = 1,
    code: str = "",
) -> dict[str, Json]:
    """Return the outcome of a trial: what would change on how many targets."""
    named = {"code": code} if code else {}
    return {"status": status, "targets": targets, "changes": [dict(c) for c in changes], **named}


def change(path: str, old: Json, new: Json) -> dict[str, Json]:
    """Return one field that would change."""
    return {"path": path, "from": old, "to": new}


def read_only() -> Observed:
    """Return the observation of a step that only reads: nothing to change and nothing to restore."""
    return Observed((), preflight("ok"), {}, Undo.NOT_NEEDED.value)


def unobserved(target: str, now_ms: int, code: str, undo: Undo = Undo.NONE) -> Observed:
    """Return the observation of a step whose target cannot be looked at."""
    return Observed((unknown(target, now_ms, code),), preflight("not_available", code=code), {}, undo.value)
