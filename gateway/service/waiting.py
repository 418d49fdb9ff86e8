"""Whether an action waits for an executor that is not there."""

from gateway.core.lifecycle import State
from gateway.ports import ActionRow
from gateway.service.views import AbsentView
from gateway.service.world import World

ABSENT = "EXECUTOR_ABSENT"
WAITING = frozenset({State.GRANTED, State.EXECUTING, State.VERIFYING, State.UNDOING})
"""States in which an executor has something to do; before, an observation that nobody makes expires."""


def absent_executors(world: World) -> tuple[AbsentView, ...]:
    """Return every audience of the configured scopes that nobody serves, its scopes, and since when."""
    wanted: dict[str, list[str]] = {}
    for site in world.settings.scopes.values():
        wanted.setdefault(site.audience, []).append(site.name)
    now = world.clock.now_ms()
    since = {audience: world.hub.absent_since(audience, now) for audience in wanted}
    return tuple(
        AbsentView(a, tuple(sorted(wanted[a])), at_ms) for a, at_ms in sorted(since.items()) if at_ms is not None
    )


def waits_in_vain(world: World, row: ActionRow) -> bool:
    """Tell whether an action waits while no executor of its audience has been attached for longer than is normal."""
    if row.state not in WAITING:
        return False
    now = world.clock.now_ms()
    since = world.hub.absent_since(row.audience, now)
    return since is not None and now - since >= world.settings.timing.executor_absent_ms
