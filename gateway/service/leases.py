"""Leases: renewed, released, kept for good, or over; the way back is the path of every other undo."""

from dataclasses import replace

from gateway.core.finding import Cap, Verdict
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.principal import Principal
from gateway.ports import DueRow, Tx
from gateway.service.again import Asked, approvers, ask_again
from gateway.service.common import arm, halts, page, undo_known
from gateway.service.context import is_withdrawn
from gateway.service.operate import must_be_free, not_now, operate, quarantine, relock
from gateway.service.people import approver_only, people_only
from gateway.service.query import decision_record
from gateway.service.record import Recorder
from gateway.service.sealed import open_json
from gateway.service.settle import Case, Choice, settle
from gateway.service.verify import undo_until_ms
from gateway.service.views import ActionView
from gateway.service.world import World


async def renew(world: World, principal: Principal, request_id: str, action: str, lease_s: int) -> ActionView:
    """Extend a lease from now, if the policy in force allows it.

    The limit of the decision that it was granted by, and the gateway's own, hold for the whole of it.
    """

    def possible(_: Tx, case: Case) -> None:
        if case.state is not State.LEASED:
            raise not_now(case, "renewed")

    def caps(tx: Tx, case: Case) -> list[Cap]:
        return _renewal_caps(world, tx, case, lease_s) if case.state is State.LEASED else []

    def allowed(_: Tx, __: Case) -> Choice:
        end = world.clock.now_ms() + lease_s * 1000
        lease = (K.LEASE, {"change": "renewed", "ends_ms": end, "by": principal.id})
        return Choice(
            Event.RENEW, Guard.ALLOWED, (lease,), changes={"lease_end_ms": end},
            also=lambda _, recorder: recorder.due(Due.LEASE_END, end),
        )  # fmt: skip

    asked = Asked(principal, request_id, action, "renew", {"renew": lease_s}, possible, caps)
    return await ask_again(world, asked, allowed)


def _renewal_caps(world: World, tx: Tx, case: Case, lease_s: int) -> list[Cap]:
    """Return why a lease may not be renewed, whatever the policy says."""
    if is_withdrawn(tx, case.row.revision):
        return [Cap("REVISION_WITHDRAWN", Verdict.DENY)]
    halt = halts(world, tx, case).code
    if halt:
        return [Cap(halt, Verdict.DENY)]
    limit_ms = world.settings.timing.lease_max_ms
    decided_s = decision_record(tx, case.row)["requirements"]["lease"]["max_ttl_s"]
    if decided_s is not None:
        limit_ms = min(limit_ms, int(decided_s) * 1000)
    began = int(open_json(world, tx, case.row.id, "verification")["started_ms"])
    left_s = (began + limit_ms - world.clock.now_ms()) // 1000
    if 0 < lease_s <= left_s:
        return []
    return [Cap("LEASE_TOO_LONG", Verdict.DENY, args={"lease_s": lease_s, "max_s": max(left_s, 0)})]


async def release(world: World, principal: Principal, request_id: str, action: str) -> ActionView:
    """End a lease now; the change is taken back."""

    def choose(tx: Tx, case: Case) -> Choice:
        if case.state is not State.LEASED:
            raise not_now(case, "released")
        must_be_free(tx, case)
        return _over(world, tx, case, Event.RELEASE, "released", principal.id)

    return await operate(world, principal, request_id, action, {"release": True}, choose)


async def keep(world: World, principal: Principal, request_id: str, action: str) -> ActionView:
    """Keep a change for good (leased) or without waiting for its verdict (verifying); a decision of an approver.

    The policy in force is asked first.
    """
    people_only(principal)

    def possible(tx: Tx, case: Case) -> None:
        if case.state not in {State.VERIFYING, State.LEASED}:
            raise not_now(case, "kept")
        if case.state is State.LEASED:
            must_be_free(tx, case)  # whoever overwrites it now has signed a way back to before the lease
        approver_only(principal, case.row, approvers(world, tx, case))

    def allowed(tx: Tx, case: Case) -> Choice:
        now = world.clock.now_ms()
        vote = (K.VOTE, {"subject": principal.id, "assurance": principal.assurance, "choice": "keep", "at_ms": now})
        if case.state is State.VERIFYING and case.row.lease_end_ms:
            lease = (K.LEASE, {"change": "begun", "ends_ms": case.row.lease_end_ms})
            return Choice(Event.KEEP, Guard.TTL, (vote, lease), cause="kept")
        guard = Guard.NO_TTL if case.state is State.VERIFYING else Guard.ALLOWED
        committed = {"lease_end_ms": 0, "undo_until_ms": undo_until_ms(world, tx, case)}
        return Choice(Event.KEEP, guard, (vote,), cause="kept", changes=committed)

    asked = Asked(principal, request_id, action, "keep", {"keep": True}, possible, lambda _, __: ())
    return await ask_again(world, asked, allowed)


async def lease_ended(world: World, due: DueRow) -> None:
    """Take back what was leased; a busy target is tried again, a freeze hands it to people.

    What still executes learns of the end from its own report.
    """

    def choose(tx: Tx, case: Case) -> Choice | None:
        over = 0 < case.row.lease_end_ms <= world.clock.now_ms()
        if case.state not in {State.LEASED, State.VERIFYING} or not over:
            return None
        if _busy(tx, case) and not halts(world, tx, case).frozen:
            return None
        choice = _over(world, tx, case, Event.LEASE_END, "ended", "")

        def also(tx: Tx, recorder: Recorder) -> None:
            choice.also(tx, recorder)
            arm(world, recorder)

        return replace(choice, also=also)

    if await settle(world, due.action, choose) is None:
        await world.store.write(lambda tx: _wait(world, tx, due))


def _wait(world: World, tx: Tx, due: DueRow) -> None:
    """Set the timer of a lease that goes on, or whose target is busy; an attempt in flight needs none."""
    row = tx.action(due.action)
    if row is None or row.state not in {State.LEASED, State.VERIFYING}:
        tx.delete_due(due.action, due.kind)
    else:
        again = world.clock.now_ms() + world.settings.timing.redispatch_ms
        tx.put_due(replace(due, at_ms=max(again, row.lease_end_ms), claimed_until_ms=0))


def _over(world: World, tx: Tx, case: Case, event: Event, change: str, by: str) -> Choice:
    """Return the transition that ends a lease: taken back, or handed to people where it cannot be."""
    lease = (K.LEASE, {"change": change, "by": by})
    if case.state is State.LEASED and halts(world, tx, case).frozen:
        leaves = (lease, page(case, "GATEWAY_FROZEN"))
        return Choice(event, Guard.FROZEN, leaves, reason="GATEWAY_FROZEN", also=quarantine)
    if undo_known(world, tx, case):
        intent = (K.UNDO_INTENT, {"cause": change})
        return Choice(event, Guard.UNDO_KNOWN, (lease, intent), reason="LEASE_ENDED", also=relock)
    return Choice(event, Guard.UNDO_NONE, (lease, page(case, "LEASE_ENDED")), reason="LEASE_ENDED", also=quarantine)


def _busy(tx: Tx, case: Case) -> bool:
    held = tx.locks()
    return any(held.get(t, case.row.id) != case.row.id for t in case.proposal.targets)
