"""Leases: renewed, released, kept for good, or over; the way back is the path of every other undo."""

from dataclasses import replace

from gateway.core.assurance import Assurance
from gateway.core.canonical import Json
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due, Event, Guard, State
from gateway.core.obligation import Approval
from gateway.core.principal import Principal
from gateway.ports import DueRow, Tx
from gateway.service.common import arm, halts, page, undo_known
from gateway.service.context import is_withdrawn
from gateway.service.operate import must_be_free, not_now, operate, quarantine, relock
from gateway.service.people import approver_only, people_only
from gateway.service.query import decision_record
from gateway.service.quorum import required
from gateway.service.record import LeafBody, Recorder
from gateway.service.sealed import open_json
from gateway.service.settle import Case, Choice, settle
from gateway.service.verify import undo_until_ms
from gateway.service.views import ActionView
from gateway.service.world import World


async def renew(world: World, principal: Principal, request_id: str, action: str, lease_s: int) -> ActionView:
    """Extend a lease from now; the decision's own limit and the gateway's hold for the whole of it."""

    def choose(tx: Tx, case: Case) -> Choice:
        if case.state is not State.LEASED:
            raise not_now(case, "renewed")
        end = world.clock.now_ms() + lease_s * 1000
        code = _why_not(world, tx, case, lease_s, end)
        said = {"verdict": "deny" if code else "allow", "purpose": "renew", "by": principal.id}
        if code:
            return Choice(Event.RENEW, Guard.NOT_ALLOWED, ((K.DECISION, {**said, "because": [code]}),), reason=code)
        leaves: tuple[LeafBody, ...] = (
            (K.DECISION, said),
            (K.LEASE, {"change": "renewed", "ends_ms": end, "by": principal.id}),
        )
        return Choice(
            Event.RENEW, Guard.ALLOWED, leaves, changes={"lease_end_ms": end},
            also=lambda _, recorder: recorder.due(Due.LEASE_END, end),
        )  # fmt: skip

    return await operate(world, principal, request_id, action, {"renew": lease_s}, choose)


def _why_not(world: World, tx: Tx, case: Case, lease_s: int, end: int) -> str:
    """Return why a lease may not be renewed, or an empty string."""
    if is_withdrawn(tx, case.row.revision):
        return "REVISION_WITHDRAWN"
    halt = halts(world, tx, case).code
    limit_ms = world.settings.timing.lease_max_ms
    decided_s = _requirements(tx, case)["lease"]["max_ttl_s"]
    if decided_s is not None:
        limit_ms = min(limit_ms, int(decided_s) * 1000)
    began = int(open_json(world, tx, case.row.id, "verification")["started_ms"])
    return halt or ("" if lease_s > 0 and end <= began + limit_ms else "LEASE_TOO_LONG")


async def release(world: World, principal: Principal, request_id: str, action: str) -> ActionView:
    """End a lease now; the change is taken back."""

    def choose(tx: Tx, case: Case) -> Choice:
        if case.state is not State.LEASED:
            raise not_now(case, "released")
        must_be_free(tx, case)
        return _over(world, tx, case, Event.RELEASE, "released", principal.id)

    return await operate(world, principal, request_id, action, {"release": True}, choose)


async def keep(world: World, principal: Principal, request_id: str, action: str) -> ActionView:
    """Keep a change for good (leased) or without waiting for its verdict (verifying); a decision of an approver."""
    people_only(principal)

    def choose(tx: Tx, case: Case) -> Choice:
        if case.state not in {State.VERIFYING, State.LEASED}:
            raise not_now(case, "kept")
        if case.state is State.LEASED:
            must_be_free(tx, case)  # whoever overwrites it now has signed a way back to before the lease
        asked = _requirements(tx, case)["approvals"]
        needed = required((Approval(a["group"], a["n"], Assurance(a["assurance"])) for a in asked), world.settings)
        approver_only(principal, case.row, needed)
        now = world.clock.now_ms()
        vote = (K.VOTE, {"subject": principal.id, "assurance": principal.assurance, "choice": "keep", "at_ms": now})
        if case.state is State.VERIFYING and case.row.lease_end_ms:
            lease = (K.LEASE, {"change": "begun", "ends_ms": case.row.lease_end_ms})
            return Choice(Event.KEEP, Guard.TTL, (vote, lease), cause="kept")
        committed = {"lease_end_ms": 0, "undo_until_ms": undo_until_ms(world, tx, case)}
        if case.state is State.VERIFYING:
            return Choice(Event.KEEP, Guard.NO_TTL, (vote,), cause="kept", changes=committed)
        decision = (K.DECISION, {"verdict": "allow", "purpose": "keep", "by": principal.id})
        return Choice(Event.KEEP, None, (decision, vote), cause="kept", changes=committed)

    return await operate(world, principal, request_id, action, {"keep": True}, choose)


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


def _requirements(tx: Tx, case: Case) -> Json:
    return decision_record(tx, case.row)["requirements"]
