"""From what became of each object to what became of the step."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from gateway import crash
from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.executor.targets.kubernetes.snapshots import Entry, told
from gateway.executor.targets.kubernetes.writing import Restored, Written
from gateway.ports_target import Applied, Undone

_NEVER = "NEVER_APPLIED"


async def one_by_one(entries: Sequence[Entry], write: Callable[[Entry], Awaitable[Written]]) -> list[Written]:
    """Write objects in order and return what became of each that was begun; the first that fails ends it."""
    done: list[Written] = []
    for entry in entries:
        if done:
            crash.point("between_objects", "executor")
        done.append(await write(entry))
        if done[-1].status != "applied":
            break
    return done


def applied(step: Step, entries: Sequence[Entry], done: Sequence[Written]) -> Applied:
    """Return the outcome of a step; `done` has an entry for every object that was begun.

    A step of several objects that stopped half-way is applied partly, and says of each object whether it was changed.
    Where the last write is not known, all of it is: a probe looks at every object.
    """
    after = _after(entries, done)
    last = done[-1] if done else Written("applied")
    stands = [each for each in done if each.status == "applied"]
    if len(stands) == len(entries):
        codes = [each for each in done if each.code]
        code, detail = (codes[0].code, codes[0].detail) if codes else ("", "")
        return Applied("applied", code, detail, output=_output(step, entries, done), after=after)
    if not stands or step.params.get("dry_run"):
        return Applied(last.status, last.code, last.detail, after=after)
    detail = f"{len(stands)} of {len(entries)} objects were changed, then {last.code}: {last.detail}"
    status: Literal["partly", "unknown"] = "unknown" if last.status == "unknown" else "partly"
    return Applied(status, "HALF_APPLIED", f"half applied: {detail}", output=_output(step, entries, done), after=after)


def looked(entries: Sequence[Entry], found: Sequence[Written]) -> Applied:
    """Return what a probe of all objects tells: no fields where it cannot tell and could not read them all."""
    statuses = {each.status for each in found}
    unread = "applied" not in statuses and any(each.status == "unknown" and each.now is None for each in found)
    after = None if unread else _after(entries, found)
    if not entries:
        return Applied("applied", "NOTHING_MATCHED", "no object matched, so there is nothing to do")
    if len(statuses) == 1:
        first = found[0]
        return Applied(first.status, first.code, first.detail, after=after)
    status: Literal["partly", "unknown"] = "partly" if "applied" in statuses else "unknown"
    return Applied(status, "HALF_APPLIED", "some of the objects are changed and some are not", after=after)


async def take_back(
    entries: Sequence[Entry],
    restore: Callable[[Entry], Awaitable[Restored]],
    look: Callable[[Entry], Awaitable[Written]],
) -> Undone:
    """Take objects back in reverse order: those that were changed. Raises CallFailed.

    One that never was is left alone, whatever it holds by now, and so is one of which that cannot be told.
    """
    back: list[Restored] = []
    for entry in reversed(entries):
        if back:
            crash.point("between_restored", "executor")
        back.append(await _part_back(entry, restore, look))
    return undone(entries, back[::-1])


async def _part_back(
    entry: Entry, restore: Callable[[Entry], Awaitable[Restored]], look: Callable[[Entry], Awaitable[Written]]
) -> Restored:
    if entry.part == "applied":
        return await restore(entry)
    if entry.part == "unknown" and (await look(entry)).status != "not_applied":
        label = entry.ref.label
        return Restored("conflict", "PART_UNKNOWN", f"{label}: it cannot be told whether we changed it; left as it is")
    return Restored("undone", _NEVER)


def undone(entries: Sequence[Entry], done: Sequence[Restored]) -> Undone:
    """Return the outcome of an undo: the worst of its objects; what could be restored is restored.

    Every object that is not taken back is named, also where another one is the reason that people are asked.
    """
    back = _after(entries, done)
    for status in ("conflict", "retry", "impossible"):
        worst = next((each for each in done if each.status == status), None)
        if worst is not None:
            details = "; ".join(_named(entry, each) for entry, each in zip(entries, done, strict=True)
                                if each.status != "undone")  # fmt: skip
            return Undone(worst.status, worst.code, details, back)
    noted = next((each for each in done if each.code not in {"", _NEVER}), Restored("undone"))
    return Undone("undone", noted.code, noted.detail, back)


def _named(entry: Entry, each: Restored) -> str:
    """Return why an object is not taken back, by its name."""
    detail = each.detail or each.code
    return detail if entry.ref.label in detail else f"{entry.ref.label}: {detail}"


def _after(entries: Sequence[Entry], done: Sequence[Written | Restored]) -> dict[str, Json]:
    values: list[Mapping[str, Json]] = [each.now or {} for each in done]
    values += [{}] * (len(entries) - len(done))
    fields = told(entries, values)
    if len(entries) == 1:
        return fields
    journal = [
        {"object": entry.ref.label, "status": each.status} | ({"code": each.code} if each.code else {})
        for entry, each in zip(entries, done, strict=False)
    ]
    journal += [{"object": entry.ref.label, "status": "not_applied"} for entry in entries[len(done) :]]
    return fields | {"journal": journal}


def _output(step: Step, entries: Sequence[Entry], done: Sequence[Written]) -> bytes:
    """Say in one line per object what was done, as kubectl does."""
    resource, _, verb = step.operation.rpartition(".")
    dry = " (dry run)" if step.params.get("dry_run") else ""
    lines = [
        f"{resource}/{entry.ref.name}: {verb}{dry}"
        for entry, each in zip(entries, done, strict=False)
        if each.status == "applied"
    ]
    return "".join(f"{line}\n" for line in lines).encode()
