"""Policy inputs that nobody wrote: seeded mutations of the shipped samples."""

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import orjson

Json = Any
_EFFECTS = ["read", "read_sensitive", "local", "write", "destructive", "boundary", "privilege", "session", "unknown"]
_ODD: list[Json] = [None, True, -1, 0, 1.5, 2**53 - 1, "", "x" * 300, "é\u202e\u0000", [], {}, ["a"], {"a": 1}]
_TEXTS = [
    "prod",
    "staging",
    "dev",
    "sre-agents",
    "read-only-agents",
    "large",
    "small",
    "0.0.0.0/0",
    "192.0.2.1/32",
    "5",
]


def mutants(by_verdict: list[list[Json]], seed: int) -> Iterator[Json]:
    """Yield mutated copies for ever, each verdict's documents equally often; the same for the same arguments."""
    chance = random.Random(seed)
    while True:
        document = orjson.loads(orjson.dumps(chance.choice(chance.choice(by_verdict))))
        for _ in range(chance.choice([1, 1, 2, 3])):
            with suppress(LookupError, TypeError):  # an earlier mutation may have taken the place of this one
                chance.choice(_MUTATIONS)(document, chance)
        yield document


def _swap_leaf(document: Json, chance: random.Random) -> None:
    """Put a plausible or an odd value in the place of some leaf."""
    container, key = chance.choice(list(_leaves(document)))
    value = container[key]
    if isinstance(value, bool):
        container[key] = not value
    elif isinstance(value, int):
        container[key] = chance.choice([0, 1, value + 1, value * 2, value - 1, value + 3_600_000])
    elif isinstance(value, str):
        container[key] = chance.choice(_TEXTS)
    else:
        container[key] = chance.choice(_ODD)


def _odd_parameter(document: Json, chance: random.Random) -> None:
    """Put a value of any type where the schema allows any."""
    step = chance.choice(document["steps"])
    places = [step.get("params"), *(fact.get("value") for fact in step.get("facts", ()))]
    place = chance.choice(places)
    if place and isinstance(place, dict):
        place[chance.choice(sorted(place))] = copy.deepcopy(chance.choice(_ODD))


def _drop(document: Json, chance: random.Random) -> None:
    container, key = chance.choice(list(_leaves(document)))
    del container[key]


def _other_step(document: Json, chance: random.Random) -> None:
    """Change what the step is, within the schema."""
    step = chance.choice(document["steps"])
    step["effect"] = chance.sample(_EFFECTS, chance.choice([1, 1, 2]))
    step["undo"] = {"class": chance.choice(["none", "neutral", "compensating", "exact", "not_needed"])}


def _other_place(document: Json, chance: random.Random) -> None:
    step = chance.choice(document["steps"])
    step["environment"] = {
        "name": chance.choice(["prod", "staging", "dev"]),
        "criticality": chance.choice(["high", "medium", "low"]),
    }


def _other_agent(document: Json, chance: random.Random) -> None:
    document["agent"]["groups"] = chance.choice(
        [["sre-agents"], ["read-only-agents"], ["read-only-agents"], ["sre-agents", "x"], []]
    )
    document["agent"]["model_tier"] = chance.choice(["large", "small"])


def _other_time(document: Json, chance: random.Random) -> None:
    document["now_ms"] += chance.choice([-1, 0, 1, 60_000, 1_800_001, 86_400_001, 34_000_000_000])


def _another_step(document: Json, chance: random.Random) -> None:
    """Repeat a step under the next number."""
    if len(document["steps"]) < 4:
        document["steps"].append(copy.deepcopy(chance.choice(document["steps"])) | {"i": len(document["steps"])})


def _other_history(document: Json, chance: random.Random) -> None:
    step = chance.choice(document["steps"])
    if "history" in step:
        step["history"][chance.choice(["agent", "target"])] = {
            "applied": chance.choice([0, 2, 3, 10, 40]),
            "undone": chance.choice([0, 1, 3]),
        }


def _leaves(value: Json) -> Iterator[tuple[Json, Json]]:
    """Yield (container, key) of every value that has no members."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        if isinstance(item, (dict, list)) and item:
            yield from _leaves(item)
        else:
            yield value, key


_MUTATIONS: list[Callable[[Json, random.Random], None]] = [
    _swap_leaf, _swap_leaf, _odd_parameter, _odd_parameter, _drop, _other_step, _other_place, _other_agent,
    _other_time, _another_step, _other_history,
]  # fmt: skip
