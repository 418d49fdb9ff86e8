"""Wait until an action rests: final, leased, or in the hands of people."""

import asyncio
from contextlib import aclosing, suppress

from gateway.core.lifecycle import FINAL, State
from gateway.core.principal import Principal
from gateway.errors import InvalidRequest
from gateway.service.operate import get_action, get_changed
from gateway.service.views import ActionView
from gateway.service.world import World

RESTING = FINAL | {State.AWAITING_APPROVAL, State.LEASED, State.NEEDS_HUMAN}
"""States in which nothing happens until a person, a lease or the caller moves."""
LONGEST_MS = 60_000


def check_wait(wait_ms: int) -> None:
    """Raise InvalidRequest for a wait that is longer than the gateway lets a caller wait."""
    if not 0 <= wait_ms <= LONGEST_MS:
        raise InvalidRequest("WAIT_INVALID", f"an answer waits 0 to {LONGEST_MS} milliseconds", wait_ms=wait_ms)


async def rested(world: World, principal: Principal, view: ActionView, wait_ms: int) -> ActionView:
    """Return an action once it rests, or as it stands when the time is up; one that was only explained at once."""
    if not wait_ms or not view.id or view.state in RESTING:
        return view
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_ms / 1_000), aclosing(world.bus.watch(view.id)) as events:
            async for event in events:
                changed = await get_changed(world, principal, view.id, view.version) if event is None else None
                view = changed or view
                if view.state in RESTING:
                    return view
    return await get_action(world, principal, view.id)
