"""Snapshots: what a step restores when it is taken back, by field, and how one step takes over another's way back.

A snapshot has one of two forms. Flat: `fields` by path (or, without that member, the snapshot itself is the fields).
By object: `objects`, each with `ref`, `uid` and `change` {before, after, made, orders}; `fields` then only tells people
what may be told of them.
"""

from collections.abc import Mapping

from gateway.core import shape
from gateway.core.canonical import Json
from gateway.core.undo import Fields, fields_of

Snapshot = Mapping[str, Json]
MAX_OBJECTS = 10_000


def read_snapshot(value: Json) -> Snapshot:
    """Return a snapshot as an executor told it; raises ValueError for one that this module could not go on with."""
    found = shape.mapping(value, "snapshot")
    shape.mapping(fields_of(found), "fields of a snapshot")
    for each in shape.array(found.get("objects", ()), "objects of a snapshot", MAX_OBJECTS):
        item = shape.mapping(each, "an object of a snapshot")
        ref = shape.mapping(item.get("ref"), "its ref")
        change = shape.mapping(item.get("change"), "its change")
        for name in ("before", "orders"):
            shape.mapping(change.get(name), f"its {name}")
        shape.array(change.get("made"), "what it made", MAX_OBJECTS)
        if not {"namespace", "name"} <= ref.keys() or "uid" not in item:
            raise ValueError("an object of a snapshot has no name or no uid")
    return found


def restored_by(snapshot: Snapshot) -> Fields:
    """Return all that the way back sets, by path; with several objects each path begins with its object."""
    if "objects" not in snapshot:
        return fields_of(snapshot)
    objects = snapshot["objects"]
    alone = len(objects) == 1
    return {
        path if alone else f"{each['ref']['namespace']}/{each['ref']['name']}:{path}": value
        for each in objects
        for path, value in each["change"]["before"].items()
    }


def written_by(snapshot: Snapshot) -> tuple[Fields, Fields]:
    """Return the fields before and as they were tried, as far as the snapshot tells both; empty for a flat one.

    They are named as `fields` names them: what is secret is not among them.
    """
    objects, fields = snapshot.get("objects", ()), fields_of(snapshot)
    alone = len(objects) == 1
    after = {
        path if alone else f"{label_of(each['ref'])}:{path}": value
        for each in objects
        for path, value in each["change"].get("after", {}).items()
    }
    both = fields.keys() & after.keys()
    return {path: fields[path] for path in both}, {path: after[path] for path in both}


def hidden_of(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the paths that the way back of a snapshot by object sets and that its `fields` do not tell: secrets."""
    objects, fields = snapshot.get("objects", ()), fields_of(snapshot)
    if "exists" in fields:  # made or deleted as a whole
        return ()
    alone = len(objects) == 1
    paths = [
        path if alone else f"{label_of(each['ref'])}:{path}" for each in objects for path in each["change"]["before"]
    ]
    return tuple(sorted(path for path in paths if path not in fields))


def label_of(ref: Mapping[str, Json]) -> str:
    """Return how an object is told from its siblings: its namespace and name."""
    return f"{ref['namespace']}/{ref['name']}" if ref["namespace"] else str(ref["name"])


def inherit(mine: Snapshot, theirs: Snapshot) -> dict[str, Json] | None:
    """Return my snapshot with the way back ending where theirs ends, for the fields of both; None when it cannot be."""
    if "objects" not in mine and "objects" not in theirs:
        fields = _replaced(fields_of(mine), fields_of(theirs))
        return {**mine, "fields": fields} if "fields" in mine else {**mine, **fields}
    if "objects" not in mine or "objects" not in theirs:
        return None
    ours, others = mine["objects"], theirs["objects"]
    if len(ours) != 1 or len(others) != 1 or _which(ours[0]) != _which(others[0]):
        return None  # of several objects, or of another one under the same name
    told = _replaced(fields_of(mine), fields_of(theirs))
    return {**mine, "fields": told, "objects": [{**ours[0], "change": _change(ours[0]["change"], others[0]["change"])}]}


def _change(mine: Mapping[str, Json], theirs: Mapping[str, Json]) -> dict[str, Json]:
    """Return a change that ends before theirs: the fields as they were, and what they had made around them gone."""
    made = sorted({*mine["made"], *theirs["made"]}, reverse=True)  # deepest first
    before = _replaced(mine["before"], theirs["before"])
    return {**mine, "before": before, "made": made, "orders": {**mine["orders"], **theirs["orders"]}}


def _replaced(mine: Fields, theirs: Fields) -> dict[str, Json]:
    return {path: theirs.get(path, value) for path, value in mine.items()}


def _which(entry: Mapping[str, Json]) -> tuple[Json, Json]:
    return entry["ref"], entry["uid"]
