"""Ask the policy in force again about a change that stands: a rollback, a renewal, a keeping.

An undo that verification, a lease or an abort calls for is never asked about: its grant was signed with the change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from gateway.core.assurance import Assurance
from gateway.core.canonical import Json, loads_strict
from gateway.core.finding import Cap, Verdict
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Event, Guard
from gateway.core.obligation import Approval
from gateway.core.principal import Principal
from gateway.errors import Precondition
from gateway.ports import Tx
from gateway.service.context import read_context
from gateway.service.decide import Decision, decide_document
from gateway.service.operate import operate
from gateway.service.people import approver_only
from gateway.service.policy_input import policy_input
from gateway.service.query import decision_record, decision_view
from gateway.service.quorum import required
from gateway.service.record import LeafBody, Recorder, document
from gateway.service.sealed import open_sealed
from gateway.service.settle import Case, Choice, read_case
from gateway.service.submit import decision_body
from gateway.service.views import ActionView
from gateway.service.world import World

Purpose = Literal["rollback", "renew", "keep"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks what, and the gateway's own limits on it."""

    principal: Principal
    request_id: str
    action: str
    purpose: Purpose
    said: Json
    possible: Callable[[Tx, Case], None]
    """Raises what the state of the action does not allow."""
    caps: Callable[[Tx, Case], Sequence[Cap]]
    why: str = ""
    """What the caller gave as a reason; untrusted text."""


async def ask_again(world: World, asked: Asked, allowed: Callable[[Tx, Case], Choice]) -> ActionView:
    """Decide, record the decision, and take the transition that is allowed; else say which finding forbids it.

    The view of what was refused shows the decision that refused it, with its remedies.
    """
    decision = await _decide(world, asked)
    refused = False

    def choose(tx: Tx, case: Case) -> Choice:
        nonlocal refused
        asked.possible(tx, case)
        if decision is None:
            raise Precondition("ACTION_MOVED", "the action changed meanwhile", action=asked.action)
        refused = not _permits(world, tx, case, asked.principal, decision)
        said = {"purpose": asked.purpose, "by": asked.principal.id, "detail": world.redactor.text(asked.why)}
        leaf: LeafBody = (K.DECISION, {**decision_body(decision, "decide"), **said})
        if refused:
            event = Event(asked.purpose)
            return Choice(event, Guard.NOT_ALLOWED, (leaf,), reason=decision.reason, also=_keeping(asked, decision))
        choice = allowed(tx, case)

        def also(tx: Tx, recorder: Recorder) -> None:
            _keeping(asked, decision)(tx, recorder)
            choice.also(tx, recorder)

        return replace(choice, leaves=(leaf, *choice.leaves), also=also)

    view = await operate(world, asked.principal, asked.request_id, asked.action, asked.said, choose)
    if refused and decision is not None:
        return replace(view, decision=decision_view(decision.record, decision.digest, world.texts()))
    return view


def approvers(world: World, tx: Tx, case: Case) -> tuple[Approval, ...]:
    """Return who may approve a change that stands: whoever its own decision names."""
    asked = decision_record(tx, case.row)["requirements"]["approvals"]
    return required((Approval(a["group"], a["n"], Assurance(a["assurance"])) for a in asked), world.settings)


async def _decide(world: World, asked: Asked) -> Decision | None:
    now = world.clock.now_ms()

    def load(tx: Tx) -> tuple[Case, list[Cap], dict[str, Json]] | None:
        row = tx.action(asked.action)
        seen = None if row is None else open_sealed(world, tx, asked.action, "observation")
        if row is None or seen is None:
            return None
        case = read_case(tx, row)
        caps = list(asked.caps(tx, case))
        context = read_context(world, tx, case.proposal, action=row.id)
        window_s = world.settings.timing.evidence_window_ms // 1000
        found = policy_input("decide", now, row.id, case.proposal, context, caps, loads_strict(seen), window_s)
        found["request"] = {**found["request"], "purpose": asked.purpose}
        return case, caps, found

    loaded = await world.store.scan(load)
    if loaded is None:
        return None
    case, caps, found = loaded
    return await decide_document(world.policy, world.settings, found, case.proposal, caps, leased=False)


def _permits(world: World, tx: Tx, case: Case, principal: Principal, decision: Decision) -> bool:
    """Tell whether this caller may; where a person has to approve, an approver does so by asking."""
    if decision.verdict is Verdict.APPROVE and principal.door == "approver":
        approver_only(principal, case.row, approvers(world, tx, case))
        return True
    return decision.verdict is Verdict.ALLOW


def _keeping(asked: Asked, decision: Decision) -> Callable[[Tx, Recorder], None]:
    def also(tx: Tx, _: Recorder) -> None:
        document(tx, asked.action, f"decision/{decision.digest}", decision.data)

    return also
