"""Leaves: the records of the log, as canonical JSON.

    {"schema": "countermand.leaf/1", "kind": "CM1003", "action": "act_…", "at_ms": ms, "version": n,
     "state_before": …, "event": …, "guard": …, "state_after": …, "body": {…}, "redacted": […], "row": "sha256:…",
     "prev": "<hex>"}

A transition writes one leaf that carries its event and guard; it raises the version by one. The other leaves of the
same unit of work carry no event: the same version, and state_after on both sides. A leaf that belongs to no action
has action "", states null and version 0. `prev` is the RFC 6962 hash of the leaf before it in the log, "" for none.
`journal` of a transition is the digest of all steps of the action, where it touched one; absent elsewhere.
`row` of a transition is the digest of the state row that it left ("" when not told), so that a row edited in the
database is found. `redacted` names the fields of the body of which only the HMAC is recorded: those of class secret,
and those that `leaffields` does not list.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core import shape
from gateway.core.canonical import Json, canonical, double_beyond_safe, loads_strict
from gateway.core.kinds import LeafKind
from gateway.core.leaffields import FIELDS, PUBLIC, FieldClass
from gateway.core.redact import Redactor
from gateway.core.states import Event, Guard, State

__all__ = ["SCHEMA", "Leaf", "LeafKind", "leaf", "read_leaf"]

SCHEMA = "countermand.leaf/1"
_MAX = 2**53 - 1
_MEMBERS = frozenset(
    {
        "schema",
        "kind",
        "action",
        "at_ms",
        "version",
        "state_before",
        "event",
        "guard",
        "state_after",
        "body",
        "redacted",
        "row",
        "prev",
    }
)

_OPTIONAL = frozenset({"journal"})


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf as it was read."""

    kind: LeafKind
    action: str
    at_ms: int
    version: int
    state_before: State | None
    event: Event | None
    guard: Guard | None
    state_after: State | None
    body: Mapping[str, Json]
    redacted: tuple[str, ...]
    row: str
    prev: str
    journal: str = ""


def leaf(
    kind: LeafKind,
    *,
    action: str,
    at_ms: int,
    state_before: State | None,
    event: Event | None,
    guard: Guard | None,
    state_after: State | None,
    version: int,
    body: Mapping[str, Json],
    prev_leaf: bytes,
    redactor: Redactor,
    row_digest: str = "",
    journal: str = "",
) -> bytes:
    """Return the canonical bytes of a leaf; the body is redacted field by field, whatever the caller did before."""
    recorded, redacted = (body, []) if body.keys() <= PUBLIC[kind] else _redacted(FIELDS[kind], body, redactor)
    return canonical(
        {
            "schema": SCHEMA,
            "kind": kind.value,
            "action": action,
            "at_ms": at_ms,
            "version": version,
            "state_before": state_before,
            "event": event,
            "guard": guard,
            "state_after": state_after,
            "body": recorded,
            "redacted": sorted(redacted),
            "row": row_digest,
            "prev": prev_leaf.hex(),
            **({"journal": journal} if journal else {}),
        }
    )


def _redacted(
    classes: Mapping[str, FieldClass], body: Mapping[str, Json], redactor: Redactor
) -> tuple[dict[str, Json], list[str]]:
    """Return a body as it is recorded, and the names of what is not."""
    recorded: dict[str, Json] = {}
    redacted = []
    for name, value in body.items():
        match classes.get(name, FieldClass.SECRET):
            case FieldClass.PUBLIC:
                recorded[name] = value
            case FieldClass.SENSITIVE:
                recorded[name] = redactor.json(value)
            case FieldClass.SECRET:
                recorded[name] = redactor.placeholder(value)
                redacted.append(name)
    return recorded, redacted


def read_leaf(data: bytes) -> Leaf:
    """Read a leaf; raises ValueError for anything that `leaf` does not write."""
    item = shape.members(loads_strict(data, parse_int=double_beyond_safe), "leaf", _MEMBERS, _OPTIONAL)
    if item["schema"] != SCHEMA or not _is_canonical(item, data):
        raise ValueError("not a canonical countermand.leaf/1")
    return Leaf(
        kind=LeafKind(item["kind"]),
        action="" if item["action"] == "" else shape.word(item["action"], "action"),
        at_ms=shape.integer(item["at_ms"], "at_ms", 0, _MAX),
        version=shape.integer(item["version"], "version", 0, _MAX),
        state_before=_state(item["state_before"]),
        event=None if item["event"] is None else Event(item["event"]),
        guard=None if item["guard"] is None else Guard(item["guard"]),
        state_after=_state(item["state_after"]),
        body=shape.mapping(item["body"], "body"),
        redacted=tuple(shape.text(name, "redacted") for name in shape.array(item["redacted"], "redacted", 256)),
        row="" if item["row"] == "" else shape.sha256(item["row"], "row"),
        prev="" if item["prev"] == "" else shape.sha256(f"sha256:{item['prev']}", "prev").removeprefix("sha256:"),
        journal=shape.sha256(item["journal"], "journal") if "journal" in item else "",
    )


def _is_canonical(item: Mapping[str, Json], data: bytes) -> bool:
    try:
        return canonical(item) == data
    except RecursionError:
        return False  # deeper than anything that `leaf` could have written


def _state(value: Json) -> State | None:
    return None if value is None else State(value)
