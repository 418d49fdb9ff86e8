"""Read-back: whether the fields that a change wrote still hold it, told with each round of samples.

A field that is neither as it was nor as we wrote it was edited by another. One that is as it was may only be seen so
yet (APIs are eventually consistent), so it counts as put back when it was seen as ours before, and is not ours twice
in a row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.core import shape
from gateway.core.canonical import Json
from gateway.core.effect import Undo, weakest
from gateway.core.snapshot import hidden_of, written_by
from gateway.core.step import MAX_STEPS
from gateway.core.undo import Fields, Way, compare, fields_of
from gateway.ports import Tx
from gateway.service.common import reads_only
from gateway.service.progress import edits_of
from gateway.service.sealed import open_json
from gateway.service.settle import Case
from gateway.service.world import World

EDITED, PUT_BACK = "FIELDS_EDITED", "FIELDS_PUT_BACK"
_TWICE = 2
_COMPARED = {Undo.EXACT, Undo.COMPENSATING}
_STATUSES = frozenset({"applied", "not_applied", "partly", "unknown"})


@dataclass(frozen=True, slots=True)
class Told:
    """What an executor read at one step's fields; `now` is None when it could not read them."""

    step: int
    status: str
    now: Fields | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another's edit of our fields: what was there, what we wrote, what is there now."""

    step: int
    code: str
    paths: tuple[str, ...]
    before: Fields
    ours: Fields
    theirs: Fields

    @property
    def edits(self) -> list[Mapping[str, Json]]:
        """Return both states of each field, for people."""
        return [{"path": p, "ours": True, "was": self.ours.get(p), "now": self.theirs.get(p)} for p in self.paths]

    @property
    def body(self) -> dict[str, Json]:
        """Return the body of its leaf."""
        return {
            "step": self.step, "code": self.code, "fields": list(self.paths), "before": _only(self.before, self.paths),
            "ours": _only(self.ours, self.paths), "theirs": _only(self.theirs, self.paths),
        }  # fmt: skip


def read_told(value: Json) -> list[Told]:
    """Read what an executor told of the fields; raises ValueError."""
    return [_told(item) for item in shape.array(value, "fields", MAX_STEPS)]


def _told(value: Json) -> Told:
    item = shape.members(value, "fields of a step", frozenset({"step", "status", "now"}))
    if not isinstance(item["status"], str) or item["status"] not in _STATUSES:
        raise ValueError("a step has no such status")
    now = None if item["now"] is None else shape.mapping(item["now"], "now")
    return Told(shape.integer(item["step"], "step", 0, MAX_STEPS - 1), str(item["status"]), now)


def find_conflict(
    world: World, tx: Tx, case: Case, told: Sequence[Told], held: Mapping[str, int]
) -> tuple[Conflict | None, dict[str, int]]:
    """Return the first conflict, if any, and what to remember: step → rounds since its fields were last seen as ours.

    A step that was never seen so is not in the memory.
    """
    memory = dict(held)
    seen = open_json(world, tx, case.row.id, "observation")["steps"]
    snapshot = open_json(world, tx, case.row.id, "snapshot")["steps"]
    for one in told:
        if one.now is None or not _compared(case, one.step, seen):
            continue
        if lost := [edit for edit in edits_of(one.now) if edit.get("ours") and edit.get("was") is not None]:
            return _told_by_target(one.step, lost), memory
        before, ours = written(snapshot[one.step], seen[one.step]["preflight"])
        now = _visible(world, one.now, ours)
        found, away = _judge(one, before, ours, now)
        if not found and not away and (secret := hidden_of(snapshot[one.step])):
            found, away = _judge_hidden(one, secret)
        if found == EDITED:
            return Conflict(one.step, EDITED, away, before, ours, now), memory
        key = str(one.step)
        if not away:
            memory[key] = 0
        elif key in memory:
            memory[key] += 1
        if memory.get(key, 0) >= _TWICE:
            return Conflict(one.step, PUT_BACK, away, before, ours, now), memory
    return None, memory


def _told_by_target(step: int, edits: Sequence[Mapping[str, Json]]) -> Conflict:
    """Return the conflict of an object that was made as a whole: its target tells which of our fields are another's."""
    ours, theirs = ({str(edit["path"]): edit.get(name) for edit in edits} for name in ("was", "now"))
    return Conflict(step, EDITED, tuple(sorted(ours)), dict.fromkeys(ours), ours, theirs)


def _judge(told: Told, before: Fields, ours: Fields, now: Fields) -> tuple[str, tuple[str, ...]]:
    """Return (EDITED or nothing, the fields that are not ours)."""
    if told.now is not None and told.status == "partly":  # of an object that could not be read nothing is known
        before, ours, now = ({p: v for p, v in each.items() if p in told.now} for each in (before, ours, now))
    if told.status == "applied" or not ours:
        return "", ()
    compared = compare(before, ours, now)
    if compared.way is Way.CONFLICT:
        return EDITED, compared.edited
    put_back = ours.keys() - compared.restore.keys()
    return "", tuple(sorted(path for path in put_back if before[path] != ours[path]))


def _judge_hidden(told: Told, secret: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Judge secret fields by what the executor found of them, where all that is told still is ours."""
    if told.status == "unknown":
        return EDITED, secret
    return "", secret if told.status == "not_applied" else ()


def _compared(case: Case, step: int, seen: Json) -> bool:
    """Tell whether a step wrote fields that can be compared at all."""
    if step >= len(case.proposal.steps):
        return False
    parsed, status = case.proposal.steps[step], case.statuses.get(step)
    undo = weakest((Undo(parsed["undo"]), Undo(seen[step]["undo_class"])))
    return status == "applied" and not reads_only(parsed) and undo in _COMPARED


def written(saved: Mapping[str, Json], preflight: Mapping[str, Json]) -> tuple[Fields, Fields]:
    """Return the fields before and as written, where both are known; a path may come with a leading slash or not.

    A snapshot by object tells them itself: an element of a list that comes or goes is one field there, and several
    changes in what was tried.
    """
    before, ours = written_by(saved)
    if ours:
        return before, ours
    fields = {path.lstrip("/"): (path, value) for path, value in fields_of(saved).items()}
    changes = [(c, fields.get(str(c["path"]).lstrip("/"))) for c in preflight.get("changes", ())]
    both = [(known[0], known[1], change.get("to")) for change, known in changes if known is not None]
    return {path: old for path, old, _ in both}, {path: new for path, _, new in both}


def _visible(world: World, now: Fields, ours: Fields) -> Fields:
    """Return the fields as read, those redacted whose written value is only known redacted."""
    redacted = {path: world.redactor.json(now.get(path)) for path in ours}
    return {path: redacted[path] if redacted[path] == ours[path] else now.get(path) for path in ours}


def _only(fields: Fields, paths: Sequence[str]) -> dict[str, Json]:
    return {path: fields.get(path) for path in paths}
