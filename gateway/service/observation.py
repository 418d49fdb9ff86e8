"""What an executor saw: believed, but only in the shape asked for; split into what is logged and what is sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.core import shape
from gateway.core.canonical import Json, canonical, digest, digest_bytes, loads_strict
from gateway.core.effect import Undo
from gateway.core.predicate import MAX_MS
from gateway.core.redact import Redactor
from gateway.core.snapshot import read_snapshot
from gateway.core.step import MAX_STEPS
from gateway.errors import InvalidRequest
from gateway.service.grants import snapshot_bytes

MAX_FACTS = 1024
MAX_CHECKS = 1024
_STEP = frozenset({"facts", "preflight", "snapshot", "undo_class"})
_FACT_STATUS = frozenset({"known", "unknown", "stale"})
_PREFLIGHT_STATUS = frozenset({"ok", "failed", "not_available"})


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation, split into what is recorded and what is sealed."""

    document: Mapping[str, Json]
    data: bytes
    snapshot: bytes

    @property
    def state_digest(self) -> str:
        """Return the digest of the fields that would change, as they are now."""
        return digest_bytes(self.snapshot)


def read_observation(data: bytes, steps: int, redactor: Redactor) -> Seen:
    """Read an observation of so many steps; raises InvalidRequest OBSERVATION_MALFORMED."""
    try:
        raw = shape.members(loads_strict(data), "an observation", frozenset({"steps"}), frozenset({"baseline"}))
        found = _one_each(raw["steps"], steps)
        public = [_step(s, redactor) for s in found]
        seen = {"steps": public, "baseline": _baseline(raw.get("baseline", {}))}
        data = canonical(seen)
    except ValueError as exc:
        raise InvalidRequest("OBSERVATION_MALFORMED", f"an observation is malformed: {exc}") from exc
    return Seen(seen, data, snapshot_bytes([s["snapshot"] for s in found]))


def _one_each(value: Json, steps: int) -> Sequence[Json]:
    found = shape.array(value, "steps", MAX_STEPS)
    if len(found) != steps:
        raise ValueError("an observation has one entry per step")
    return found


def _step(value: Json, redactor: Redactor) -> dict[str, Json]:
    item = shape.members(value, "a step", _STEP)
    snapshot = read_snapshot(item["snapshot"])
    return {
        "facts": [redactor.json(_fact(f)) for f in shape.array(item["facts"], "facts", MAX_FACTS)],
        "preflight": redactor.json(_preflight(item["preflight"])),
        "undo_class": Undo(item["undo_class"]).value,
        "state_digest": digest(snapshot),
    }


def _fact(value: Json) -> Json:
    fact = shape.members(value, "a fact", frozenset({"target", "status"}), frozenset({"observed_ms", "value", "code"}))
    shape.text(fact["target"], "target", 4096)
    _one_of(fact["status"], "status of a fact", _FACT_STATUS)
    if fact["status"] != "unknown" or "observed_ms" in fact:
        shape.integer(fact.get("observed_ms"), "observed_ms", 0, MAX_MS)
    if fact["status"] != "unknown" or "value" in fact:
        shape.mapping(fact.get("value"), "value of a fact")
    _code(fact)
    return fact


def _preflight(value: Json) -> Json:
    tried = shape.members(value, "preflight", frozenset({"status"}), frozenset({"targets", "changes", "code"}))
    _one_of(tried["status"], "status of preflight", _PREFLIGHT_STATUS)
    shape.integer(tried.get("targets", 0), "targets", 0, MAX_MS)
    for change in shape.array(tried.get("changes", ()), "changes", MAX_FACTS):
        item = shape.members(change, "a change", frozenset({"path"}), frozenset({"from", "to"}))
        shape.text(item["path"], "path", 2048)
    _code(tried)
    return tried


def _baseline(value: Json) -> dict[str, float | None]:
    found = shape.mapping(value, "baseline")
    if len(found) > MAX_CHECKS:
        raise ValueError(f"a baseline has at most {MAX_CHECKS} checks")
    named = {shape.word(name, "name of a check"): v for name, v in found.items()}
    return {name: None if v is None else shape.number(v, f"baseline of {name}") for name, v in named.items()}


def _one_of(value: Json, what: str, words: frozenset[str]) -> None:
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{what} is not one of {', '.join(sorted(words))}")


def _code(item: Mapping[str, Json]) -> None:
    if "code" in item:
        shape.text(item["code"], "code", 128)
