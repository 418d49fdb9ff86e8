"""The log is the queue: exporters get every leaf in order, notifiers what people must know; at least once."""

import logging
from collections.abc import Callable, Mapping

from gateway.core.canonical import Json
from gateway.core.events import Leaf, read_leaf
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import State
from gateway.errors import DeliveryFault
from gateway.ports import Exporter, Notifier, Tx
from gateway.service.query import read_proposal
from gateway.service.record import global_leaf
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
        cursor = await world.store.read(lambda tx: tx.cursor(exporter.name))
        page = await world.store.read(lambda tx: tx.leaves(cursor, _BATCH))  # noqa: B023  # awaited at once
        wait = _POLL_MS
        if page:
            try:
                await exporter.export(page)
                end = page[-1][0] + 1
                await world.store.write(lambda tx: tx.set_cursor(exporter.name, end))  # noqa: B023  # awaited at once
                failures = 0
                continue
            except DeliveryFault as exc:
                wait = _BACKOFF_MS[min(failures, len(_BACKOFF_MS) - 1)]
                failures += 1
                _LOG.warning("sink %s lags behind at %d: %s", exporter.name, cursor, exc)
        await world.clock.sleep_until(world.clock.now_ms() + wait)


async def notify_for_ever(world: World, notifier: Notifier) -> None:
    """Tell people what the log says they must know; a message that cannot be delivered becomes a dead letter."""
    failures = 0
    while True:
        cursor = await world.store.read(lambda tx: tx.cursor(notifier.name))
        page = await world.store.read(lambda tx: tx.leaves(cursor, _BATCH))  # noqa: B023  # awaited at once
        wait = 0 if page else _POLL_MS
        for index, data in page:
            message = await world.store.read(lambda tx: message_of(world, tx, index, data))  # noqa: B023
            try:
                if message is not None:
                    await notifier.notify(message)
            except DeliveryFault as exc:
                failures += 1
                if failures < _NOTIFY_TRIES:
                    _LOG.warning("channel %s: message %d not delivered: %s", notifier.name, index, exc)
                    wait = _BACKOFF_MS[min(failures, len(_BACKOFF_MS)) - 1]
                    break
                await world.store.write(_dead_letter(world, notifier.name, index, str(exc)))
            failures = 0
            await world.store.write(lambda tx: tx.set_cursor(notifier.name, index + 1))  # noqa: B023
        await world.clock.sleep_until(world.clock.now_ms() + wait)


def _dead_letter(world: World, sink: str, index: int, error: str) -> Callable[[Tx], None]:
    def unit(tx: Tx) -> None:
        tx.put_dead_letter(sink, index, error, world.clock.now_ms())
        global_leaf(world, tx, K.DEAD_LETTER, {"sink": sink, "index": index, "code": "NOT_DELIVERED", "detail": error})

    return unit


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
    public = ("incident", "hypothesis", "text", "evidence", "title", "labels", "source", "code", "expires_ms", "by")
    return {name: leaf.body[name] for name in public if name in leaf.body}
