"""How many changes may be under way at once, per agent and per environment."""

from gateway.core.lifecycle import State
from gateway.ports import ActionRow, Tx
from gateway.service.world import World

_UNDER_WAY = frozenset({State.EXECUTING, State.VERIFYING, State.UNDOING})


def full(world: World, tx: Tx, row: ActionRow) -> str:
    """Return who is at the limit, as `CONCURRENCY_LIMIT{agent or environment}`; empty when there is room.

    Like a busy target it is an answer, not an end: the attempt is offered again while the grant lasts. Changes under
    way are those that hold a lock; what waits for people does not count.
    """
    limits = world.settings.concurrency
    holders = (tx.action(action) for action in set(tx.locks().values()) - {row.id})
    others = [other for other in holders if other is not None and other.state in _UNDER_WAY]
    if sum(other.agent == row.agent for other in others) >= limits.agent:
        return f"CONCURRENCY_LIMIT{{{row.agent}}}"
    for environment in row.environments:
        if sum(environment in other.environments for other in others) >= limits.environment:
            return f"CONCURRENCY_LIMIT{{{environment}}}"
    return ""
