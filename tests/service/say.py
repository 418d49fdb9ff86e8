"""Short words for what people do in these tests, and for what the store then says."""

import uuid

from gateway.core.events import Leaf, read_leaf
from gateway.core.principal import Principal
from gateway.service.views import ActionView
from tests.fakes.world import AGENT, ALICE, Lab


def new() -> str:
    return str(uuid.uuid4())


async def stop(made: Lab, agent: str = "", environment: str = "") -> None:
    await made.gateway.stop(ALICE, new(), agent, environment, "enough")


async def freeze(made: Lab, agent: str = "", environment: str = "") -> None:
    await made.gateway.freeze(ALICE, new(), agent, environment, "audit")


async def resume(made: Lab, agent: str = "", environment: str = "") -> None:
    await made.gateway.resume(ALICE, new(), agent, environment, "over")


async def cancel(made: Lab, action: str, who: Principal = AGENT) -> ActionView:
    return await made.gateway.cancel(who, new(), action, "changed my mind")


async def statuses(made: Lab, action: str) -> dict[int, str]:
    return await made.world.store.read(lambda tx: {s.step: s.status for s in tx.steps(action)})


async def dues(made: Lab, action: str) -> set[str]:
    return await made.world.store.read(lambda tx: {d.kind for d in tx.due_of(action)})


async def all_leaves(made: Lab) -> list[bytes]:
    return await made.world.store.read(lambda tx: [leaf for _, leaf in tx.leaves(0, tx.log_head().size)])


async def records(made: Lab, action: str) -> list[Leaf]:
    """Return what the log says about an action (about none: "")."""
    return [leaf for leaf in map(read_leaf, await all_leaves(made)) if leaf.action == action]


async def leaves(made: Lab, action: str) -> list[str]:
    return [leaf.kind.value for leaf in await records(made, action)]


async def events(made: Lab, action: str) -> list[str]:
    """Return the transitions of an action as `event[guard]`."""
    found = [leaf for leaf in await records(made, action) if leaf.event is not None]
    return [f"{leaf.event}[{leaf.guard}]" if leaf.guard else str(leaf.event) for leaf in found]
