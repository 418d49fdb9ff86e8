"""The way back: whether the fields that we wrote still hold, the object as it should be again, and the patch to it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.core.canonical import Json, thaw
from gateway.core.undo import Comparison, Way, compare, json_equal
from gateway.executor.targets.kubernetes.difference import Difference, keys_of
from gateway.executor.targets.kubernetes.paths import (
    ABSENT,
    Element,
    Path,
    Value,
    broken,
    find,
    pointer,
    position,
    read,
    render,
)

Operation = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Inverse:
    """What an undo of one object has to do."""

    way: Way
    patch: tuple[Operation, ...] = ()
    """RFC 6902; empty unless `way` is RESTORE."""
    edited: tuple[str, ...] = ()
    now: Mapping[str, Json] | None = None
    """Our fields as they are, by path."""


def fields_of(document: Json, paths: Sequence[str]) -> dict[str, Json]:
    """Return the values at some paths; None where nothing is set."""
    found = {path: find(document, read(path)) for path in paths}
    return {path: None if value is ABSENT else thaw(value) for path, value in found.items()}


def compared(done: Difference, document: Json) -> Comparison:
    """Compare our fields with an object as it is; a field whose list element is gone counts as edited."""
    now = fields_of(document, tuple(done.before))
    if not done.before:
        return Comparison(Way.ALREADY, {}, ())
    found = compare(done.before, done.after, now)
    lost = tuple(path for path in found.restore if broken(document, read(path)))
    return Comparison(Way.CONFLICT, {}, lost) if lost else found


def inverse(done: Difference, document: Json, uid: str) -> Inverse:
    """Return how the object that is read now gets our fields back, and nothing else."""
    found = compared(done, document)
    now = fields_of(document, tuple(done.before))
    if found.way is not Way.RESTORE:
        return Inverse(found.way, edited=found.edited, now=now)
    wanted = restored(document, done, found.restore)
    return Inverse(Way.RESTORE, (_test(("metadata", "uid"), uid), *patch(document, wanted)), now=now)


def restored(document: Json, done: Difference, fields: Mapping[str, Json]) -> Json:
    """Return an object with some fields set back, and the lists and objects around them as they were."""
    result = thaw(document)
    for path, value in fields.items():
        _put(result, read(path), thaw(value))
    for path in done.made:  # deepest first
        if find(result, read(path)) in ({}, []):
            _put(result, read(path), None)
    for path, order in done.orders.items():
        _arrange(result, read(path), order)
    return result


def patch(now: Json, wanted: Json, at: tuple[str | int, ...] = ()) -> Iterator[Operation]:
    """Yield the operations that make `wanted` of `now`, each behind a test of what it replaces.

    The test of a member that is not there compares with null, which the API server takes for absence.
    """
    if json_equal(now, wanted):
        return
    if isinstance(now, dict) and isinstance(wanted, dict):
        for name in sorted(now.keys() | wanted.keys()):
            yield from _member(now, wanted, name, (*at, name))
    elif isinstance(now, list) and isinstance(wanted, list) and (keys := _aligned(at, now, wanted)):
        for i, (old, new) in enumerate(zip(now, wanted, strict=True)):
            if not json_equal(old, new):
                yield from (_test((*at, i, key), old[key]) for key in keys)
                yield from patch(old, new, (*at, i))
    else:
        yield _test(at, now)
        yield {"op": "replace", "path": pointer(at), "value": wanted}


def _member(
    now: Mapping[str, Json], wanted: Mapping[str, Json], name: str, at: tuple[str | int, ...]
) -> Iterator[Json]:
    if name not in wanted:
        yield _test(at, now[name])
        yield {"op": "remove", "path": pointer(at)}
    elif name not in now:
        yield _test(at, None)
        yield {"op": "add", "path": pointer(at), "value": wanted[name]}
    else:
        yield from patch(now[name], wanted[name], at)


def _test(at: tuple[str | int, ...], value: Json) -> Operation:
    return {"op": "test", "path": pointer(at), "value": value}


def _aligned(at: tuple[str | int, ...], now: Sequence[Json], wanted: Sequence[Json]) -> tuple[str, ...] | None:
    """Return the keys of two lists that hold the same elements in the same order, so that an index is safe."""
    keys = keys_of(tuple(each for each in at if isinstance(each, str)), now, wanted) if now and wanted else None
    if keys is None or len(now) != len(wanted):
        return None
    same = all(json_equal(old[key], new[key]) for old, new in zip(now, wanted, strict=True) for key in keys)
    return keys if same else None


def _put(document: Json, path: Path, value: Json) -> None:
    """Set a field, with the objects and lists around it, or remove it where the value is None."""
    for i, segment in enumerate(path[:-1]):
        below = find(document, (segment,))
        if below is ABSENT:
            if value is None:
                return
            below = _fresh(document, segment, [] if isinstance(path[i + 1], Element) else {})
        document = below
    last = path[-1]
    if isinstance(last, Element):
        _put_element(document, last, value)
    elif value is None:
        document.pop(last, None)
    else:
        document[last] = value


def _fresh(document: Json, segment: str | Element, made: Json) -> Json:
    if isinstance(segment, Element):
        raise KeyError(f"the list has no element {render((segment,))}")  # `compared` has made sure of it
    document[segment] = made
    return made


def _put_element(items: list[Json], element: Element, value: Json) -> None:
    at = position(items, element)
    if at is not None:
        items[at : at + 1] = [] if value is None else [value]
    elif value is not None:
        items.append(value)


def _arrange(document: Json, path: Path, order: Sequence[str]) -> None:
    """Put the elements of a list back into their old order; what came from others stays behind its neighbour."""
    items: Value = find(document, path)
    if not isinstance(items, list):
        return
    elements = [read(text)[0] for text in order]
    ours = [items[at] for each in elements if isinstance(each, Element) and (at := position(items, each)) is not None]
    result = list(ours)
    for i, item in enumerate(items):
        if not any(item is each for each in ours):
            before = next((j + 1 for j, each in enumerate(result) if i and each is items[i - 1]), 0)
            result.insert(before, item)
    items[:] = result
