"""What is on record of a step beyond its status: the objects that it changed or made, and what others have edited.

An executor that takes a step back gets this with its work. It is unsigned, so it can only narrow what is done: an
object that was never changed, or is another one by now, is left alone, and one that others have edited is deleted only
once their edits are on record here.
"""

from collections.abc import Mapping, Sequence

from gateway.core import shape
from gateway.core.canonical import Json, canonical, digest, loads_strict
from gateway.ports import Tx
from gateway.service.sealed import open_sealed, put_sealed
from gateway.service.world import World

_PARTS = frozenset({"applied", "not_applied", "unknown"})
_MAX_PARTS = 1_000
_MAX_ID = 128
_SHOWN = 50
"""So many edits are told in words; the log has them all."""
_VALUE_CHARS = 200


def parts_of(world: World, tx: Tx, action: str, step: int, after: bytes) -> list[dict[str, Json]] | None:
    """Return [{object, status, code?}] of a step that was applied partly; None when the executor did not tell them.

    They must be as many as the objects that were observed, with one at least that was changed.
    """
    try:
        journal = shape.array(loads_strict(after)["journal"], "journal", _MAX_PARTS) if after else []
        parts = [_part(item) for item in journal]
    except (ValueError, KeyError, TypeError):
        return None
    snapshot = loads_strict(open_sealed(world, tx, action, "snapshot") or b"{}")
    objects = snapshot["steps"][step].get("objects", ()) if snapshot else ()
    fits = len(parts) == len(objects) and any(part["status"] == "applied" for part in parts)
    return parts if fits else None


def parts_text(parts: Sequence[Mapping[str, Json]]) -> str:
    """Return the parts of a step by name, for people."""
    named = {s: [str(p["object"]) for p in parts if p["status"] == s] for s in ("applied", "not_applied", "unknown")}
    words = (("applied", "changed"), ("not_applied", "not changed"), ("unknown", "cannot be told"))
    return "; ".join(f"{word}: {', '.join(named[status])}" for status, word in words if named[status])


def note_parts(world: World, tx: Tx, action: str, step: int, parts: Sequence[Mapping[str, Json]]) -> None:
    """Keep which objects of a step were changed."""
    _note(world, tx, action, step, {"parts": [part["status"] for part in parts]})


def noted_parts(world: World, tx: Tx, action: str, step: int) -> list[str]:
    """Return what became of each object of a step; empty where the step was not applied partly."""
    noted: Json = loads_strict(open_sealed(world, tx, action, f"progress/{step}") or b"{}")
    return [str(part) for part in noted.get("parts", ())]


def note_made(world: World, tx: Tx, action: str, step: int, after: bytes) -> None:
    """Keep which object a step made, where the executor told it: one that takes its place later is another's."""
    try:
        made = loads_strict(after).get("made") if after else None
    except (ValueError, AttributeError):
        made = None
    if isinstance(made, str) and 0 < len(made) <= _MAX_ID:
        _note(world, tx, action, step, {"made": made})


def note_edits(world: World, tx: Tx, action: str, step: int, edits: Json) -> None:
    """Keep that edits of others are on record, so that the object they were made to may be deleted."""
    _note(world, tx, action, step, {"recorded": digest(edits)})


def progress_of(world: World, tx: Tx, action: str, steps: int) -> bytes:
    """Return what goes with an undo; empty when nothing is on record."""
    known = [loads_strict(open_sealed(world, tx, action, f"progress/{i}") or b"{}") for i in range(steps)]
    return canonical({"steps": known}) if any(known) else b""


def edits_of(read_back: Json) -> list[Mapping[str, Json]]:
    """Return the edits of others that an executor told: [{path, by, at_ms, ours, was, now}]."""
    found = read_back.get("edits") if isinstance(read_back, Mapping) else None
    listed = found if isinstance(found, list | tuple) else ()
    return [each for each in listed if isinstance(each, Mapping) and "path" in each]


def redacted(world: World, edit: Mapping[str, Json]) -> dict[str, Json]:
    """Return an edit for the log and for people: its values are redacted by the name of their field, which is in it."""
    shown = {name: world.redactor.json({str(edit["path"]): edit.get(name)}) for name in ("was", "now")}
    return {**edit, **{name: value for name, named in shown.items() for value in named.values()}}


def tell(world: World, tx: Tx, action: str, step: int, text: str, edits: Sequence[Mapping[str, Json]] = ()) -> None:
    """Show people what became of a step, below its output and what they were told before."""
    lines = [
        *filter(None, (told(world, tx, action, step),)),
        text,
        *(_edit_text(world, edit) for edit in edits[:_SHOWN]),
    ]
    if len(edits) > _SHOWN:
        lines.append(f"  and {len(edits) - _SHOWN} more, which the log names")
    put_sealed(world, tx, action, f"told/{step}", canonical({"text": world.redactor.text("\n".join(lines))}))


def told(world: World, tx: Tx, action: str, step: int) -> str:
    """Return what people are shown of a step besides its output; empty when nothing is."""
    data = open_sealed(world, tx, action, f"told/{step}")
    return "" if data is None else str(loads_strict(data)["text"])


def _edit_text(world: World, edit: Mapping[str, Json]) -> str:
    shown = redacted(world, edit)
    was, now = (_value_text(shown.get(name)) for name in ("was", "now"))
    whose = "we wrote" if edit.get("ours") else "was"
    by = f" by {edit['by']}" if edit.get("by") else ""
    return f"  {edit['path']}: {whose} {was}, now {now}{by}"


def _value_text(value: Json) -> str:
    text = canonical(value).decode()
    return text if len(text) <= _VALUE_CHARS else f"{text[:_VALUE_CHARS]}…"


def _note(world: World, tx: Tx, action: str, step: int, more: Mapping[str, Json]) -> None:
    known = loads_strict(open_sealed(world, tx, action, f"progress/{step}") or b"{}")
    put_sealed(world, tx, action, f"progress/{step}", canonical({**known, **more}))


def _part(value: Json) -> dict[str, Json]:
    item = shape.members(value, "a part", frozenset({"object", "status"}), frozenset({"code"}))
    if item["status"] not in _PARTS:
        raise ValueError("a part has no such status")
    return {"object": shape.text(item["object"], "object", 600), "status": item["status"]}
