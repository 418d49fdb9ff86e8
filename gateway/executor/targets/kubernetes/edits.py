"""What others have written to an object that we made, told by its managed fields.

Taking back what was made is to delete it, and that takes every edit with it. So each edit is one of three kinds:

    ours     a field that we set now holds another's value, or is gone; or the object was tied to something (an owner, a
             finalizer, code that took it over). It wins: people are asked, and nothing is deleted.
    kept     another field. It goes on record first, with its value, its manager and its time; then the object goes.
    lost     another field whose value may not be told (data of a Secret, what is named like a secret), so that it could
             not be put on record. It wins like one of ours.

Status, and what the cluster's own controllers write (an autoscaler's replicas, a protecting finalizer), is no edit: it
follows from the object and comes again with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.core.canonical import Json, loads_strict, thaw
from gateway.core.undo import json_equal
from gateway.executor.targets.kubernetes.calls import MANAGER
from gateway.executor.targets.kubernetes.difference import difference
from gateway.executor.targets.kubernetes.ownership import Writer, created_ms, iac_of, people
from gateway.executor.targets.kubernetes.paths import ABSENT, Element, Path, Segment, find, read, render
from gateway.executor.targets.kubernetes.schema import SERVER_FIELDS
from gateway.executor.targets.kubernetes.snapshots import HIDDEN, Entry, hidden

MAX_EDITS = 200
"""More edits than these do not go on record; people are asked."""
_TIES = frozenset({"ownerReferences", "finalizers"})
_WRITE_ONLY = "/stringData"
_SAME_MS = 1_000
"""Times of managed fields are whole seconds: what was written this soon after the making may be the making."""
_MARKS = frozenset({("metadata", "labels"), ("metadata", "annotations")})


@dataclass(frozen=True, slots=True)
class Edit:
    """One field that another has written; `was` is what we set, None where we set nothing."""

    path: str
    by: str
    at_ms: int
    was: Json
    now: Json
    ours: bool
    """The edit wins: it is to a field of ours, ties the object, or cannot be told."""

    def to_json(self) -> dict[str, Json]:
        """Return the form that goes on record."""
        return {
            "path": self.path, "by": self.by, "at_ms": self.at_ms, "was": thaw(self.was), "now": thaw(self.now),
            "ours": self.ours,
        }  # fmt: skip


def edits(entry: Entry, sent: Mapping[str, Json], live: Mapping[str, Json]) -> tuple[Edit, ...] | None:
    """Return what others have edited, by path, of an object that was made from `sent`.

    None where the object does not tell who wrote it: its managed fields are gone.
    """
    writers = people(live)
    if all(each.manager != MANAGER for each in writers):
        return None
    found = {each.path: each for each in _removed(entry, sent, live)}
    for writer in writers:
        theirs = _written if writer.manager != MANAGER else _written_again
        found |= {each.path: each for each in theirs(entry, sent, live, writer)}
    owner = iac_of(live)
    if owner != iac_of(sent) and owner["manager"] != "none":
        told = f"{owner['manager']} {owner['name']}"
        found["/metadata"] = Edit("/metadata", told, 0, None, "taken over by code", ours=True)
    return tuple(found[path] for path in sorted(found))


def told(entry: Entry, found: Sequence[Edit]) -> str:
    """Return the edits in one line: who wrote which fields."""
    by: dict[str, list[str]] = {}
    for each in found:
        by.setdefault(each.by or "somebody", []).append(each.path)
    return f"{entry.ref.label}: " + "; ".join(f"{who} wrote {', '.join(paths)}" for who, paths in sorted(by.items()))


def _written(entry: Entry, sent: Mapping[str, Json], live: Mapping[str, Json], writer: Writer) -> Iterator[Edit]:
    for path in leaves(writer.fields):
        name, now = render(path), find(live, path)
        if name in SERVER_FIELDS or now is ABSENT:
            continue  # what is gone again has left nothing to keep; a field of ours that is gone is told by `_removed`
        was = _sent(sent, path)
        ours = was is not ABSENT or (path[0] == "metadata" and len(path) > 1 and path[1] in _TIES)
        secret = hidden(entry, name)
        value = HIDDEN if secret else now
        before = None if was is ABSENT else HIDDEN if secret else was
        yield Edit(name, writer.manager, writer.at_ms, before, value, ours or secret)


def _written_again(entry: Entry, sent: Mapping[str, Json], live: Mapping[str, Json], writer: Writer) -> Iterator[Edit]:
    """Yield what another action wrote under the same manager after the object was made.

    Of fields that were not sent only labels and annotations are told: the others may be the server's defaults.
    """
    if writer.at_ms <= created_ms(live) + _SAME_MS:
        return
    for each in _written(entry, sent, live, writer):
        path = read(each.path)
        was, now = _sent(sent, path), find(live, path)
        moved = path[:2] in _MARKS if was is ABSENT else not json_equal(thaw(was), thaw(now))
        if moved:
            yield each


def _removed(entry: Entry, sent: Mapping[str, Json], live: Mapping[str, Json]) -> Iterator[Edit]:
    """Yield the fields of ours that are not there any more; nobody's managed fields tell of those."""
    change = difference(sent, live)
    for path, was in change.before.items():
        if was and change.after[path] is None and not path.startswith(_WRITE_ONLY):
            yield Edit(path, "", 0, HIDDEN if hidden(entry, path) else was, None, ours=True)


def leaves(fields: Mapping[str, Json], above: Path = ()) -> Iterator[Path]:
    """Yield the paths of a `fieldsV1`: of scalars, of what is owned as a whole, and of sets with an element that is."""
    for name, below in fields.items():
        segment = _segment(name)
        if segment is None:
            continue
        named = [each for each in below if each[:2] in {"f:", "k:"}]
        if named:
            yield from leaves(below, (*above, segment))
        else:
            yield (*above, segment)


def _segment(name: str) -> Segment | None:
    """Return a segment of a managed field; a set's value, an index and the dot have none: what holds them has."""
    kind, _, rest = name.partition(":")
    if kind == "f":
        return rest
    if kind == "k":
        return Element(tuple((key, str(value)) for key, value in sorted(loads_strict(rest.encode()).items())))
    return None


def _sent(sent: Json, path: Path) -> Json:
    """Return what we set at a path, or ABSENT; a key of a list element that we left out is the server's default."""
    for segment in path:
        if isinstance(segment, Element) and isinstance(sent, list | tuple):
            items = [each for each in sent if isinstance(each, Mapping)]
            named = (each for each in items if all(str(each.get(key, value)) == value for key, value in segment.keys))
            sent = next(named, ABSENT)
        else:
            sent = find(sent, (segment,))
        if sent is ABSENT:
            return ABSENT
    return sent
