"""One operation on an action that exists: once per request_id, by whoever may see it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from gateway.core.canonical import Json, digest
from gateway.core.principal import Principal
from gateway.errors import Edited, NotFound, Precondition
from gateway.ports import ActionRow, RequestRow, Tx
from gateway.service.common import arm
from gateway.service.once import check_request, put_answer
from gateway.service.query import action_view, read_proposal
from gateway.service.record import Recorder
from gateway.service.settle import Case, Choice, settle
from gateway.service.views import ActionView
from gateway.service.world import World

T = TypeVar("T")
Choose = Callable[[Tx, Case], Choice]
Read = Callable[[Callable[[Tx], T]], Awaitable[T]]


async def operate(
    world: World, principal: Principal, request_id: str, action: str, said: Json, choose: Choose
) -> ActionView:
    """Take the transition of one operation, once per request_id, and return the action."""
    request = digest({"action": action, "said": said})

    def chosen(tx: Tx, case: Case) -> Choice | None:
        if check_request(tx, principal, request_id, request) is not None:
            return None
        if principal.door == "agent" and case.row.agent != principal.id:
            raise NotFound("ACTION_UNKNOWN", "no such action")
        choice = choose(tx, case)

        def also(tx: Tx, recorder: Recorder) -> None:
            remember(world, tx, principal, request_id, request, action)
            choice.also(tx, recorder)
            arm(world, recorder)

        return replace(choice, also=also)

    await settle(world, action, chosen)
    return await get_action(world, principal, action)


def remember(world: World, tx: Tx, principal: Principal, request_id: str, request: str, action: str) -> None:
    """Record the answer to a request_id; raises Precondition ACTION_MOVED when it was answered meanwhile."""
    if check_request(tx, principal, request_id, request) is not None:
        raise Precondition("ACTION_MOVED", "the same request was answered meanwhile", action=action)
    put_answer(world, tx, RequestRow(principal.id, request_id, request, action, world.clock.now_ms()))


async def get_action(world: World, principal: Principal, action: str) -> ActionView:
    """Return an action; an agent sees only its own. Raises NotFound, and Edited for one that is not as recorded."""
    return await read_surely(world.store.read, lambda tx: action_view(world, tx, _visible(tx, principal, action)))


async def get_changed(world: World, principal: Principal, action: str, known: int) -> ActionView | None:
    """Return an action unless it still has the version that is known; raises as `get_action` does."""

    def unit(tx: Tx) -> ActionView | None:
        row = _visible(tx, principal, action)
        return None if row.version == known else action_view(world, tx, row)

    return await read_surely(world.store.read, unit)


def _visible(tx: Tx, principal: Principal, action: str) -> ActionRow:
    row = tx.action(action)
    if row is None or (principal.door == "agent" and row.agent != principal.id):
        raise NotFound("ACTION_UNKNOWN", "no such action")
    return row


async def read_surely(read: Read[T], unit: Callable[[Tx], T], marked: Callable[[T], bool] = lambda _: False) -> T:
    """Read, and where something seems edited once more: the first snapshot may be older than the newest checkpoint.

    `read` is that of the store, or its `scan`; `marked` tells whether an answer marks something as edited.
    """
    with suppress(Edited):
        found = await read(unit)
        if not marked(found):
            return found
    return await read(unit)


def must_be_free(tx: Tx, case: Case) -> None:
    """Raise Precondition when another action holds a target; the lock itself is taken when the choice is written."""
    held = tx.locks()
    for target in case.proposal.targets:
        holder = held.get(target, case.row.id)
        if holder != case.row.id:
            raise Precondition("TARGET_BUSY", f"{target} is held by {holder}", by=holder, target=target)


def relock(tx: Tx, recorder: Recorder) -> None:
    """Take the locks of an action that let go of them; raises Precondition when another holds one."""
    for target in read_proposal(tx, recorder.row).targets:
        holder = tx.lock(target, recorder.row.id)
        if holder is not None:
            raise Precondition("TARGET_BUSY", f"{target} is held by {holder}", by=holder, target=target)


def quarantine(tx: Tx, recorder: Recorder) -> None:
    """Keep others away from what people have to look at; a target that another action holds is held already."""
    for target in read_proposal(tx, recorder.row).targets:
        tx.lock(target, recorder.row.id)


def not_now(case: Case, what: str) -> Precondition:
    """Return the error of an operation that the state does not allow."""
    return Precondition("STATE_FORBIDS", f"an action in {case.state} cannot be {what}", state=case.state)
