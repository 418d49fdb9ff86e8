"""The log is the queue: exporters get every leaf in order, notifiers what people must know; at least once."""

import logging
from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.core.events import Leaf, read_leaf
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import State
from gateway.errors import StoreFault
from gateway.ports import Exporter, Notifier, Tx
from gateway.service.edited import checked_page
from gateway.service.query import read_proposal
from gateway.service.record import global_leaf
from gateway.service.recorded import alarm
from gateway.service.render import render
from gateway.service.world import World

_LOG = logging.getLogger(__name__)
_BATCH = 256
_POLL_MS = 500
_BACKOFF_MS = (500, 1_000, 2_000, 5_000, 15_000, 30_000)
_NOTIFY_TRIES = 12
"""How often a message is tried before it becomes a dead letter."""


async def export_for_ever(world: World, exporter: Exporter) -> None:
    """Hand the log to a sink; its cursor moves only past what the sink has."""
    failures = 0
    while True:
        try:
            wait = 0 if await _export_page(world, exporter) else _POLL_MS
            failures = 0
        except Exception as exc:  # noqa: BLE001  # a sink with a fault must not take the gateway with it
            wait = _BACKOFF_MS[min(failures, len(_BACKOFF_MS) - 1)]
            failures += 1
            _LOG.warning("sink %s lags behind: %s", exporter.name, _said(world, exc))
        await world.clock.sleep_until(world.clock.now_ms() + wait)


async def _export_page(world: World, exporter: Exporter) -> bool:
    """Export what comes next; tells whether there was anything."""
    page, edited = await world.store.scan(lambda tx: checked_page(tx, tx.cursor(exporter.name), _BATCH))
    for index in edited:
        await _tell_edited(world, exporter.name, index)
    if page:
        await exporter.export(page)
        await world.store.write(lambda tx: tx.set_cursor(exporter.name, page[-1][0] + 1))
    return bool(page)


async def _tell_edited(world: World, sink: str, index: int) -> None:
    """Tell security and on-call, once, that a sink gets a leaf that is not as it was recorded: it goes out as it is."""
    if not world.hub.distrust(f"leaf/{index}", sink):
        return
    detail = f"leaf {index} is not the one that was recorded; {sink} gets it as it is stored now"
    finding = {"finding": "LOG_EDITED", "code": "LOG_EDITED", "severity": "critical", "subject": str(index)}
    await alarm(world, {**finding, "detail": detail}, {"to": "oncall", "code": "LOG_EDITED", "detail": detail})


async def notify_for_ever(world: World, notifier: Notifier) -> None:
    """Tell people what the log says they must know; a message that cannot be delivered becomes a dead letter."""
    failures = 0
    while True:
        try:
            wait = 0 if await _notify_page(world, notifier) else _POLL_MS
            failures = 0
        except Exception as exc:  # noqa: BLE001  # as above
            failures += 1
            wait = _BACKOFF_MS[min(failures, len(_BACKOFF_MS)) - 1]
            _LOG.warning("channel %s: not delivered: %s", notifier.name, _said(world, exc))
            if failures >= _NOTIFY_TRIES and not isinstance(exc, StoreFault):
                await _give_up(world, notifier.name, _said(world, exc))
                failures = wait = 0
        await world.clock.sleep_until(world.clock.now_ms() + wait)


async def _notify_page(world: World, notifier: Notifier) -> bool:
    """Deliver the messages of the next leaves, in order; the cursor stands at the one that fails."""
    page = await world.store.scan(lambda tx: tx.leaves(tx.cursor(notifier.name), _BATCH))
    done = page[0][0] if page else 0
    try:
        for index, data in page:
            message = await world.store.scan(lambda tx: message_of(world, tx, index, data))  # noqa: B023  # awaited
            if message is not None:
                await notifier.notify(message)
                await world.store.write(lambda tx: tx.set_cursor(notifier.name, index + 1))  # noqa: B023  # awaited
            done = index + 1
    finally:
        if page:
            await world.store.write(lambda tx: tx.set_cursor(notifier.name, done))
    return bool(page)


async def _give_up(world: World, sink: str, error: str) -> None:
    """Set a message aside that was tried often enough, and go on behind it."""

    def unit(tx: Tx) -> None:
        index = tx.cursor(sink)
        tx.put_dead_letter(sink, index, error, world.clock.now_ms())
        global_leaf(world, tx, K.DEAD_LETTER, {"sink": sink, "index": index, "code": "NOT_DELIVERED", "detail": error})
        tx.set_cursor(sink, index + 1)

    try:
        await world.store.write(unit)
    except StoreFault as exc:
        _LOG.error("channel %s: the dead letter could not be written, it is tried again: %s", sink, exc)


def _said(world: World, exc: Exception) -> str:
    """Return what went wrong, without what a foreign library may have put into it."""
    return world.redactor.text(f"{type(exc).__name__}: {exc}")


def message_of(world: World, tx: Tx, index: int, data: bytes) -> Mapping[str, Json] | None:
    """Return the message that a leaf asks for, or None."""
    leaf = read_leaf(data)
    kind = _KINDS.get(leaf.kind)
    if kind is None or (leaf.kind is K.RECEIPT and leaf.state_after not in _TOLD):
        return None
    message: dict[str, Json] = {"index": index, "kind": kind, "at_ms": leaf.at_ms}
    if leaf.action:
        message |= _action(world, tx, leaf)
    return message | _body(leaf)


_KINDS: Mapping[K, str] = {
    K.REQUEST: "approval_requested",
    K.NOTIFICATION: "needs_human",
    K.CAUSE: "cause_declared",
    K.RECEIPT: "receipt",
    K.INCIDENT_OPENED: "incident_opened",
}


_TOLD = frozenset({State.COMMITTED, State.LEASED, State.UNDONE, State.NEEDS_HUMAN, State.NOT_APPLIED})
"""Outcomes of changes that people are told about; reads are not among them."""


def _action(_: World, tx: Tx, leaf: Leaf) -> dict[str, Json]:
    row = tx.action(leaf.action or "")
    if row is None:
        return {"action": leaf.action}
    state = (leaf.state_after or State(row.state)).value
    summary = render(read_proposal(tx, row))
    return {"action": row.id, "state": state, "incident": row.incident, "agent": row.agent, "summary": summary}


def _body(leaf: Leaf) -> dict[str, Json]:
    public = ("incident", "hypothesis", "text", "evidence", "title", "labels", "source", "code", "expires_ms", "by",
              "notify", "action", "detail")  # fmt: skip
    return {name: leaf.body[name] for name in public if name in leaf.body}
