"""`wait`: looks again every second until the condition holds for all objects or the time is over."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from gateway.core.step import Step
from gateway.executor.deadline import left_s
from gateway.executor.output import Output
from gateway.executor.targets.kubernetes.answers import ReadError
from gateway.executor.targets.kubernetes.health import condition
from gateway.executor.targets.kubernetes.jsonpath import TemplateError, relaxed
from gateway.executor.targets.kubernetes.jsonpath_eval import Evaluation, sprint
from gateway.executor.targets.kubernetes.objects import asked_of, items_of
from gateway.executor.targets.kubernetes.operation import Reading
from gateway.executor.targets.kubernetes.printing import named

POLL_S = 1.0
Item = Mapping[str, Any]


async def wait(reading: Reading, step: Step, output: Output) -> None:
    """Write which objects meet a condition, as they do. Raises ReadError and CallFailed."""
    wanted = str(step.params["for"])
    until = time.monotonic() + min(int(step.params.get("timeout_seconds", 0)), left_s())
    asked = await asked_of(reading.kinds, step)
    met: set[str] = set()
    first: dict[str, str] | None = None
    while True:
        items, missing = await items_of(reading.cluster, asked, step)
        uids = {named(item): str(item["metadata"]["uid"]) for item in items}
        first = uids if first is None else first
        if wanted == "delete":
            done = {name for name, uid in first.items() if uids.get(name) != uid}
            waiting = bool(set(first) - done)
        else:
            _check_there(wanted, items, missing)
            done = {named(item) for item in items if _holds(wanted)(item)}
            waiting = bool(set(uids) - done) or bool(missing) or not items
        for name in sorted(done - met):
            await output.add(f"{name} condition met\n".encode())
        met |= done
        if not waiting:
            return
        if time.monotonic() + POLL_S >= until:
            raise ReadError(
                "K8S_WAIT_TIMED_OUT", f"timed out waiting for {wanted}; ask again or use a longer --timeout"
            )
        await asyncio.sleep(POLL_S)


def _check_there(wanted: str, items: list[Item], missing: list[str]) -> None:
    """Refuse to wait for the condition of what is not there."""
    if wanted == "create":
        return
    if missing:
        raise ReadError("TARGET_NOT_FOUND", f"not found: {', '.join(missing)}", 404)
    if not items:
        raise ReadError("TARGET_NOT_FOUND", "no matching resources found", 404)


def _holds(wanted: str) -> Callable[[Item], bool]:
    """Return the test of one object."""
    how, _, what = wanted.partition("=")
    if how == "create":
        return bool
    if how == "condition":
        name, _, value = what.partition("=")
        return lambda item: _current(item, name) and condition(item, name).lower() == (value or "true").lower()
    path, equals, value = what.rpartition("}")[0] + "}", what.rpartition("}")[2][:1], what.rpartition("}")[2][1:]

    def compared(item: Item) -> bool:
        try:
            found = Evaluation().values(relaxed(path), item)
        except TemplateError as exc:
            raise ReadError("K8S_TEMPLATE_REFUSED", str(exc)) from exc
        return len(found) == 1 and (sprint(found[0]) == value if equals else found[0] is not None)

    return compared


def _current(item: Item, name: str) -> bool:
    """Tell whether a condition speaks of the object as it is now, and not of an earlier generation."""
    generation = item["metadata"].get("generation", 0)
    status = item.get("status") or {}
    found: Item = next((each for each in status.get("conditions") or () if each.get("type") == name), {})
    observed = found.get("observedGeneration") or status.get("observedGeneration") or generation
    return bool(observed >= generation)
