"""Observations in the form of the policy input: facts of every object, the trial's changes, the way back."""

from collections.abc import Iterator, Mapping, Sequence

from gateway.core.canonical import Json
from gateway.core.effect import Undo
from gateway.core.step import Step
from gateway.executor.targets import seen as see
from gateway.executor.targets.kubernetes.bodies import Declined
from gateway.executor.targets.kubernetes.calls import Failure, Ref
from gateway.executor.targets.kubernetes.paths import render
from gateway.executor.targets.kubernetes.snapshots import HIDDEN, Entry, hidden, name_of, snapshot_of
from gateway.ports_target import Observed

MAX_CHANGES = 1000
FIGHTS = "CONTROLLER_FIGHTS"
_REPLICAS = "/spec/replicas"


def target_id(step: Step, ref: Ref) -> str:
    """Return the id of one object of a step."""
    if step.target.names[1:] or not step.target.names:
        resource = step.target.id.split("/")[-2]
        return f"k8s:{step.target.scope}/{ref.namespace or '-'}/{resource}/{ref.name}"
    return step.target.id


def changes_of(entries: Sequence[Entry]) -> list[dict[str, Json]]:
    """Return the fields that would change, as scalars where possible; what is secret is only named."""
    return [each for entry in entries for each in _changes(entry, alone=len(entries) == 1)]


def observed(
    facts: Sequence[Mapping[str, Json]], entries: Sequence[Entry], undo: Undo, *, code: str = "",
    targets: int | None = None,
) -> Observed:  # fmt: skip
    """Return the observation of a trial that went well."""
    changes = changes_of(entries)
    count = len(entries) if targets is None else targets
    if len(changes) > MAX_CHANGES:
        return failed(facts, Failure("not_applied", "K8S_CHANGES_TOO_MANY", f"more than {MAX_CHANGES} fields"), count)
    return Observed(tuple(facts), see.preflight("ok", changes, targets=count, code=code), snapshot_of(entries), undo)


def failed(facts: Sequence[Mapping[str, Json]], why: Failure | Declined, targets: int = 1) -> Observed:
    """Return the observation of a trial that was refused; the reason in words stands in the facts."""
    told = [_refused(fact, why) for fact in facts]
    return Observed(tuple(told), see.preflight("failed", targets=targets, code=why.code), {}, Undo.NONE)


def absent(step: Step, now_ms: int, why: Failure) -> Observed:
    """Return the observation of a target that is not there, or may not be seen."""
    if why.code == "TARGET_NOT_FOUND":
        return failed([see.known(step.target.id, now_ms, {"exists": False})], why)
    return failed([see.unknown(step.target.id, now_ms, why.code)], why)


def _refused(fact: Mapping[str, Json], why: Failure | Declined) -> dict[str, Json]:
    if fact["status"] != "known":
        return dict(fact)
    return {**fact, "value": {**fact["value"], "dry_run": {"code": why.code, "message": why.detail}}}


def _changes(entry: Entry, *, alone: bool) -> Iterator[dict[str, Json]]:
    for path, old in entry.change.before.items():
        new = entry.change.after.get(path)
        for leaf, was, becomes in _leaves(path, old, new):
            told = (HIDDEN, HIDDEN) if hidden(entry, leaf) else (_counted(leaf, was), _counted(leaf, becomes))
            yield see.change(name_of(entry, leaf, alone=alone), *told)


def _counted(path: str, value: Json) -> Json:
    """Return a value as it is told: a scale leaves out replicas that are none."""
    return 0 if path == _REPLICAS and value is None else value


def _leaves(path: str, old: Json, new: Json) -> Iterator[tuple[str, Json, Json]]:
    """Yield the scalars of an element or object that comes or goes as a whole."""
    whole = old if new is None else new
    if isinstance(whole, Mapping) and whole and (old is None or new is None):
        for name, value in sorted(whole.items()):
            yield from _leaves(path + render((name,)), *((value, None) if new is None else (None, value)))
    else:
        yield path, old, new
