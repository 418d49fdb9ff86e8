"""What a change is bound to, and what takes it back: one entry per object, in the order of the change.

The snapshot of an observation is the same for the same state, whenever it is taken: it holds no times and no resource
versions, so that votes are not voided by a heartbeat.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.core.canonical import Json, thaw
from gateway.core.redact import secret_name
from gateway.executor.targets.kubernetes.calls import Ref
from gateway.executor.targets.kubernetes.difference import Difference
from gateway.executor.targets.kubernetes.paths import Element, read
from gateway.executor.targets.kubernetes.restore import fields_of

_SECRET_ROOTS = frozenset({"data", "stringData"})
HIDDEN = "(secret)"


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a step."""

    ref: Ref
    uid: str
    """Empty for an object that does not exist yet."""
    change: Difference = field(default_factory=lambda: Difference({}, {}))
    secret: bool = False
    """The object is a Secret: its data is compared, but never told."""
    extra: Mapping[str, Json] = field(default_factory=dict)
    """What the operation itself needs to know: the body that was found, the pods to evict, the object to recreate."""
    part: str = "applied"
    """What is on record of this object where the step was applied partly: applied, not_applied or unknown."""

    def to_json(self) -> dict[str, Json]:
        """Return the form that stands in a snapshot."""
        ref = {"collection": self.ref.collection, "name": self.ref.name, "namespace": self.ref.namespace}
        return {
            "ref": ref, "uid": self.uid, "change": self.change.to_json(), "secret": self.secret,
            "extra": thaw(self.extra),
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> "Entry":
        """Read the form of `to_json` back; raises KeyError or TypeError."""
        change = Difference.from_json(value["change"])
        return cls(Ref(**value["ref"]), value["uid"], change, value["secret"], thaw(value["extra"]))


def snapshot_of(entries: Sequence[Entry]) -> dict[str, Json]:
    """Return the snapshot of a step; `fields` are the values before that may be told."""
    fields = told(entries, [entry.change.before for entry in entries])
    return {"fields": fields, "objects": [entry.to_json() for entry in entries]}


def entries_of(snapshot: Mapping[str, Json]) -> tuple[Entry, ...]:
    """Return the entries of a snapshot, with what became of each where that is on record.

    None where the step was not observed; parts that do not fit the objects tell nothing of any of them.
    """
    entries = tuple(Entry.from_json(each) for each in snapshot.get("objects", ()))
    parts = (snapshot.get("progress") or {}).get("parts")
    if parts is None:
        return entries
    known = [str(each) for each in parts] if len(parts) == len(entries) else ["unknown"] * len(entries)
    return tuple(replace(entry, part=part) for entry, part in zip(entries, known, strict=True))


def told(entries: Sequence[Entry], values: Sequence[Mapping[str, Json]]) -> dict[str, Json]:
    """Return the fields of all objects under one roof, without those that are secret."""
    return {
        name_of(entry, path, alone=len(entries) == 1): value
        for entry, fields in zip(entries, values, strict=True)
        for path, value in fields.items()
        if not hidden(entry, path)
    }


def now_of(entry: Entry, document: Json) -> dict[str, Json]:
    """Return the fields of an entry as they are."""
    return fields_of(document, tuple(entry.change.before))


def name_of(entry: Entry, path: str, *, alone: bool) -> str:
    """Return how a field is named in a step of one object, or of several."""
    return path if alone else f"{entry.ref.label}:{path}"


def hidden(entry: Entry, path: str) -> bool:
    """Tell whether a field's value may not be told: data of a Secret, and what is named like a secret."""
    segments = read(path)
    if entry.secret and segments[:1] and segments[0] in _SECRET_ROOTS:
        return True
    names = [value for each in segments if isinstance(each, Element) for _, value in each.keys]
    return any(secret_name(name) for name in (*names, *(each for each in segments[-1:] if isinstance(each, str))))
