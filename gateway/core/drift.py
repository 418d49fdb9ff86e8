"""Drift: what a change outside its owner in code is, and the text that asks the owner to take it over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.core.canonical import Json, canonical
from gateway.core.snapshot import label_of

_NOBODY = frozenset({"", "none"})


@dataclass(frozen=True, slots=True)
class CodeOwner:
    """What owns a target in code."""

    manager: str
    """What applies the code: argo, flux, helm, terraform …"""
    name: str
    """Its own name for it: an application, a release, a workspace."""
    file: str
    """The file in its repository; empty where it is not known."""
    team: str


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that is not as its owner in code says."""

    action: str
    target: str
    path: str
    before: Json
    after: Json
    owner: CodeOwner
    opened_ms: int
    due_ms: int


@dataclass(frozen=True, slots=True)
class Drifting:
    """One field of one object that a step has set otherwise than its owner in code."""

    owner: CodeOwner
    target: str
    path: str
    before: Json
    after: Json


def code_owner(facts: Sequence[Mapping[str, Json]]) -> CodeOwner | None:
    """Return what owns the target of a step in code, as far as it is known; None when nothing does.

    The fact is `value.iac`, {manager or tool, name or ref, path or ref}, and `value.owner`, a team.
    """
    for fact in facts:
        value = fact.get("value")
        if fact.get("status") != "known" or not isinstance(value, Mapping):
            continue
        iac = value.get("iac")
        if not isinstance(iac, Mapping):
            continue
        manager = _text(iac, "manager") or _text(iac, "tool")
        if manager not in _NOBODY:
            name, ref = _text(iac, "name"), _text(iac, "ref")
            file = _text(iac, "path") or (ref if ref != name else "")  # an application's name is no file
            return CodeOwner(manager, name or ref, file, _text(value, "owner"))
    return None


def changed_fields(preflight: Mapping[str, Json]) -> list[tuple[str, Json, Json]]:
    """Return (path, before, after) of what a step changes; fields that stay as they are drift from nothing."""
    found = [(str(c["path"]), c.get("from"), c.get("to")) for c in preflight.get("changes", ())]
    return [(path, before, after) for path, before, after in found if before != after]


def drifting(
    target: str, seen: Mapping[str, Json], objects: Sequence[Mapping[str, Json]], parts: Sequence[str] = ()
) -> list[Drifting]:
    """Return what of a step's changes stands outside its owner in code.

    `objects` are those of its snapshot, `parts` what became of each where the step was applied partly. Each of several
    objects has its own owner, or none; what was not written drifts from nothing.
    """
    fields, facts = changed_fields(seen["preflight"]), seen["facts"]
    if len(objects) <= 1 or len(facts) != len(objects):
        owner = code_owner(facts)
        alone = str(facts[0]["target"]) if len(facts) == 1 else target
        return [] if owner is None else [Drifting(owner, alone, *field) for field in fields]
    known = parts if len(parts) == len(objects) else ["applied"] * len(objects)
    found = []
    for each, fact, part in zip(objects, facts, known, strict=True):
        owner, label = code_owner([fact]), f"{label_of(each['ref'])}:"
        if owner is not None and part != "not_applied":
            mine = [(path.removeprefix(label), *values) for path, *values in fields if path.startswith(label)]
            found += [Drifting(owner, str(fact["target"]), *field) for field in mine]
    return found


def proposal(drift: Drift) -> str:
    """Return the text of a pull request that makes the code say what stands: file, field, value."""
    owner = drift.owner
    lines = (
        f"Set {drift.path} of {drift.target} to {_shown(drift.after)}",
        "",
        f"File:  {owner.file or '(the file that defines it)'}",
        f"Field: {drift.path}",
        f"Value: {_shown(drift.after)}",
        f"Was:   {_shown(drift.before)}",
        "",
        f"Action {drift.action} changed this field on {_day(drift.opened_ms)}, outside {owner.manager} {owner.name}.",
        f"Merge this to keep the change; without it the change is to be taken back by {_day(drift.due_ms)}.",
    )
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _text(item: Mapping[str, Json], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _shown(value: Json) -> str:
    return "(not set)" if value is None else canonical(value).decode()


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
