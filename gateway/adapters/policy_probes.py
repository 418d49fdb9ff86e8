"""Inputs to prove byte code on: every sample, and every sample with all its free values of a wrong type."""

from collections.abc import Iterator
from typing import cast

import orjson

from gateway.core.bundle import Bundle
from gateway.core.canonical import Json, thaw

_WRONG: tuple[Json, ...] = ("x", -1, None)


def probes(bundle: Bundle) -> list[bytes]:
    """Return the JSON bytes of all probes, the same for the same bundle."""
    return [orjson.dumps(document) for sample in bundle.samples for document in _variants(thaw(sample.input))]


def _variants(document: dict[str, Json]) -> Iterator[dict[str, Json]]:
    yield document
    for wrong in _WRONG:
        yield document | {"steps": [_spoiled(step, wrong) for step in document["steps"]]}


def _spoiled(step: dict[str, Json], wrong: Json) -> dict[str, Json]:
    """Replace what the input schema leaves open: parameters and the values of facts."""
    spoiled = step | {"params": _replaced(step["params"], wrong)}
    if "facts" in step:
        facts = cast("list[dict[str, Json]]", step["facts"])
        spoiled["facts"] = [fact | {"value": _replaced(fact.get("value", {}), wrong)} for fact in facts]
    return spoiled


def _replaced(value: Json, wrong: Json) -> Json:
    if isinstance(value, dict):
        return {key: _replaced(item, wrong) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, wrong) for item in value]
    return wrong
