"""What a gateway does once, before its doors open."""

from gateway import __version__
from gateway.core.audittimers import TIMING
from gateway.core.events import read_leaf
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import OPEN
from gateway.errors import ConfigFault, StoreFault
from gateway.ports import Tx
from gateway.service.announce import remember_clusters
from gateway.service.control import open_rows, remember_switches
from gateway.service.keyring import Said, tell_keys
from gateway.service.record import global_leaf, kept_ms
from gateway.service.waiting import absent_executors
from gateway.service.world import World

_CLOCK_SLACK_MS = 2_000
"""How far behind its last leaf a clock may be: what time synchronisation takes back in steps."""


async def refuse_old_clock(world: World) -> None:
    """Compare the clock with the log before anything is written to it.

    Raises ConfigFault CLOCK_BEHIND when the clock says that the log was written in the future: grants, leases and
    deadlines would live again.
    """
    await world.store.scan(lambda tx: _check_clock(tx, world.clock.now_ms()))


async def started(world: World, said: Said = lambda _: {}) -> None:
    """Record the start, what changed about the keys, and how many actions were open."""

    def unit(tx: Tx) -> None:
        tell_keys(world, tx, said)
        opened = len(open_rows(tx, *OPEN))
        body = {"version": __version__, "role": "gateway", "open": opened, "timing": _timing(world)}
        global_leaf(world, tx, K.RESTART, body)

    await world.store.write(unit)
    await remember_switches(world)
    await remember_clusters(world)
    absent_executors(world)  # from now on, until one attaches


def _timing(world: World) -> dict[str, int]:
    """Return how long deadlines are from now on: an audit cannot ask the settings."""
    timing = world.settings.timing
    known = {
        "observe_ms": timing.observe_ms, "attempt_ms": timing.attempt_ms, "attempt_margin_ms": timing.attempt_margin_ms,
        "undo_deadline_ms": timing.undo_deadline_ms, "keep_ms": kept_ms(timing),
    }  # fmt: skip
    return {name: known[name] for name in TIMING}


def _check_clock(tx: Tx, now_ms: int) -> None:
    size = tx.log_head().size
    if size:
        [(_, data)] = tx.leaves(size - 1, 1)
        try:
            behind = read_leaf(data).at_ms - now_ms
        except ValueError as exc:
            told = f"the newest leaf cannot be read; run: countermand audit verify: {exc}"
            raise StoreFault("STORE_LOG_DAMAGED", told) from exc
        if behind > _CLOCK_SLACK_MS:
            raise ConfigFault("CLOCK_BEHIND", f"the clock is {behind} ms behind the last leaf of the log; set it right")
