"""Whether an action waits for an executor that is not there."""

from gateway.core.lifecycle import State
from gateway.ports import ActionRow
from gateway.service.world import World

ABSENT = "EXECUTOR_ABSENT"
WAITING = frozenset({State.GRANTED, State.EXECUTING, State.VERIFYING, State.UNDOING})
"""States in which an executor has something to do; before, an observation that nobody makes expires."""


def waits_in_vain(world: World, row: ActionRow) -> bool:
    """Tell whether an action waits while no executor of its audience has been attached for longer than is normal."""
    if row.state not in WAITING:
        return False
    now = world.clock.now_ms()
    since = world.hub.absent_since(row.audience, now)
    return since is not None and now - since >= world.settings.timing.executor_absent_ms
