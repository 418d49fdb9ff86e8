"""One object at a time: the trial, the guarded write, the look afterwards and the way back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.core.undo import Probed, Way, probed
from gateway.executor.targets.kubernetes.bodies import JSON_PATCH, Body, Declined
from gateway.executor.targets.kubernetes.calls import (
    MANAGER,
    Answer,
    Api,
    CallFailed,
    Failure,
    failure_of,
    lost,
    moved,
    write_query,
)
from gateway.executor.targets.kubernetes.difference import Difference, difference
from gateway.executor.targets.kubernetes.guard import guarded
from gateway.executor.targets.kubernetes.paths import read as read_path
from gateway.executor.targets.kubernetes.resolving import read
from gateway.executor.targets.kubernetes.restore import Inverse, Operation, compared, inverse
from gateway.executor.targets.kubernetes.schema import ALLOCATED, SERVER_FIELDS
from gateway.executor.targets.kubernetes.snapshots import Entry, now_of

Make = Callable[[Mapping[str, Json]], Body | Declined]
"""The body of a write for an object as it is."""
TRIES = 8
"""How often an object is read again because somebody else wrote it in between."""
MOVED = "PRECONDITION_MOVED"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one object."""

    status: Literal["applied", "not_applied", "unknown"]
    code: str = ""
    detail: str = ""
    now: Mapping[str, Json] | None = None
    """Its fields as read afterwards."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A patch back that the server did not take."""

    patch: tuple[Operation, ...]
    why: Failure


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of one object's way back."""

    status: Literal["undone", "conflict", "retry", "impossible"]
    code: str = ""
    detail: str = ""
    now: Mapping[str, Json] | None = None


def sub_path(step: Step, entry_path: str) -> str:
    """Return the path that a step writes to, subresource included."""
    subresource = step.api.get("subresource")
    return f"{entry_path}/{subresource}" if subresource else entry_path


def ignored_by(step: Step) -> Sequence[str]:
    """Return the paths that do not count as changes of a step."""
    if step.api.get("subresource") == "status":
        return tuple(path for path in SERVER_FIELDS if path != "/status")
    return SERVER_FIELDS


def trimmed(change: Difference) -> Difference:
    """Return a difference without what the server picked itself: it picks anew in the real run."""
    picked = {path for path, old in change.before.items() if old is None and read_path(path)[-1] in ALLOCATED}
    keep = [path for path in change.before if path not in picked]
    return Difference(
        {path: change.before[path] for path in keep}, {path: change.after[path] for path in keep},
        change.made, change.orders,
    )  # fmt: skip


async def send(api: Api, step: Step, path: str, body: Body, *, dry: bool) -> Answer:
    """Send the write of a step. Raises CallFailed."""
    query = write_query(step, dry=dry, strict=body.content_type != JSON_PATCH)
    return await api.call(str(step.api["method"]), path, query=query, body=body)


async def write(api: Api, step: Step, entry: Entry, make: Make) -> Written:
    """Write one object if it still is what was observed; what only others changed about it does not matter."""
    path = sub_path(step, entry.ref.path)
    for _ in range(TRIES):
        live = await _as_observed(api, entry, path)
        if isinstance(live, Written):
            return live
        done = await _write_once(api, step, entry, path, live, make)
        if done is not None:
            return done
    return Written("not_applied", "K8S_CONFLICT", f"the object was changed {TRIES} times while it was read")


async def _as_observed(api: Api, entry: Entry, path: str) -> Mapping[str, Json] | Written:
    """Return the object as it is, or why it must not be written."""
    try:
        live = await read(api, path)
    except CallFailed as exc:
        return Written("not_applied", exc.code, exc.detail)
    if isinstance(live, Failure):
        return Written("not_applied", live.code, live.detail)
    return gone_or_edited(entry, live) or live


async def _write_once(
    api: Api, step: Step, entry: Entry, path: str, live: Mapping[str, Json], make: Make
) -> Written | None:
    """Send the write for an object as it was read; None when somebody else was faster."""
    body = make(live)
    if isinstance(body, Declined):
        return Written("not_applied", body.code, body.detail)
    try:
        answer = await send(api, step, path, guarded(body, live), dry=False)
    except CallFailed as exc:
        failure = lost(exc)
        return Written(failure.status, failure.code, failure.detail)
    if answer.ok:
        return _written(step, entry, live, answer.body)
    if moved(answer):
        return None
    failure = failure_of(answer)
    return Written(failure.status, failure.code, failure.detail)


def gone_or_edited(entry: Entry, live: Mapping[str, Json]) -> Written | None:
    """Return why an object must not be written: it is another one, or one of its fields has moved."""
    if live["metadata"]["uid"] != entry.uid:
        return Written("not_applied", MOVED, f"{entry.ref.label} is another object now: its uid differs")
    now = now_of(entry, live)
    change = entry.change
    if change.before and probed(change.before, change.before, now) is not Probed.APPLIED:
        paths = sorted(path for path in change.before if now[path] != change.before[path])
        return Written("not_applied", MOVED, f"changed since it was observed: {', '.join(paths)}", now)
    return None


def _written(step: Step, entry: Entry, live: Mapping[str, Json], after: Mapping[str, Json]) -> Written:
    """Return what a write did: the fields as the response has them, and whether they are those that were tried."""
    now = now_of(entry, after)
    if step.params.get("dry_run") or entry.extra.get("volatile"):
        return Written("applied", now=now)
    more = set(trimmed(difference(live, after, ignored_by(step))).before) - set(entry.change.before)
    if more:
        return Written("applied", "WROTE_MORE", f"the server changed more than in the trial: {', '.join(sorted(more))}",
                       now)  # fmt: skip
    if entry.change.before and probed(entry.change.before, entry.change.after, now) is not Probed.APPLIED:
        return Written("applied", "WROTE_OTHERWISE", "the server wrote other values than in the trial", now)
    return Written("applied", now=now)


async def look(api: Api, step: Step, entry: Entry) -> Written:
    """Tell whether a lost write of one object was done. Raises CallFailed."""
    live = await read(api, sub_path(step, entry.ref.path))
    if isinstance(live, Failure):
        if live.code == "TARGET_NOT_FOUND":
            return Written("unknown", "TARGET_GONE", live.detail, dict.fromkeys(entry.change.before))
        return Written("unknown", live.code, live.detail)
    now = now_of(entry, live)
    if live["metadata"]["uid"] != entry.uid:
        return Written("unknown", MOVED, f"{entry.ref.label} is another object now: its uid differs", now)
    if not entry.change.before:
        return Written("applied", now=now)
    told = probed(entry.change.before, entry.change.after, now)
    return Written(told.value, "STATE_CHANGED" if told is Probed.UNKNOWN else "", now=now)


async def restore(api: Api, step: Step, entry: Entry) -> Restored:
    """Set one object's fields back where they still are ours, and read them again. Raises CallFailed."""
    path = sub_path(step, entry.ref.path)
    refused: Refused | None = None
    for _ in range(TRIES):
        back = await _way_back(api, entry, path)
        if isinstance(back, Restored):
            return back
        if refused is not None and back.patch == refused.patch:  # nothing has moved: it is our patch that is refused
            return Restored(
                "impossible", "UNDO_REFUSED", f"the server refuses the way back: {refused.why.detail}", back.now
            )
        body = Body(JSON_PATCH, [dict(each) for each in back.patch])
        answer = await api.call("PATCH", path, query={"fieldManager": MANAGER}, body=body)
        if answer.ok:
            return await _read_back(api, entry, path)
        refused = Refused(back.patch, failure_of(answer))
        if answer.status not in {409, 422}:
            return Restored("retry", refused.why.code, refused.why.detail)
    return Restored("retry", "K8S_CONFLICT", f"the object was changed {TRIES} times while it was read")


async def _way_back(api: Api, entry: Entry, path: str) -> Inverse | Restored:
    """Return the patch that restores an object as it is now, or why there is none to send."""
    live = await read(api, path)
    if isinstance(live, Failure):
        return _unreadable(live)
    if live["metadata"]["uid"] != entry.uid:
        return Restored("conflict", "TARGET_REPLACED", f"{entry.ref.label} is another object now: its uid differs")
    back = inverse(entry.change, live, entry.uid)
    if back.way is Way.ALREADY:
        return Restored("undone", now=back.now)
    if back.way is Way.CONFLICT:
        return Restored("conflict", "STATE_CHANGED", _edited(entry, back.edited), back.now)
    return back


async def _read_back(api: Api, entry: Entry, path: str) -> Restored:
    """Compare a fresh read with the state before."""
    live = await read(api, path)
    if isinstance(live, Failure):
        return _unreadable(live)
    now = now_of(entry, live)
    if compared(entry.change, live).way is not Way.ALREADY:
        return Restored("conflict", "READ_BACK_DIFFERS", "the fields are not the old ones after the undo", now)
    return Restored("undone", now=now)


def _unreadable(why: Failure) -> Restored:
    if why.code == "TARGET_NOT_FOUND":
        return Restored("conflict", "TARGET_GONE", "the object does not exist any more")
    return Restored("retry", why.code, why.detail)


def _edited(entry: Entry, paths: Sequence[str]) -> str:
    return f"{entry.ref.label} was edited since: {', '.join(paths)}"
