"""Issue signed receipts: what became of an action."""

from gateway.core.lifecycle import State
from gateway.core.predicate import AgentRef
from gateway.core.receipt import LogRef, Receipt, StepStatus, receipt_statement
from gateway.ports import ActionRow, Tx
from gateway.service.grants import policy_ref, sign
from gateway.service.proposal import Proposal
from gateway.service.world import World


def log_ref(world: World, tx: Tx) -> LogRef:
    """Return a reference to the log as it stands before the receipt's own leaf."""
    head = tx.log_head()
    return LogRef(world.settings.origin, tx.last_leaf_hash().hex(), head.size - 1)


async def issue_receipt(
    world: World,
    row: ActionRow,
    proposal: Proposal,
    outcome: State,
    statuses: dict[int, StepStatus],
    log: LogRef,
    *,
    verdict: str | None = None,
    cause: str | None = None,
) -> bytes:
    """Return the signed receipt of an action that is about to be in state `outcome`."""
    agent = proposal.doc["agent"]
    receipt = Receipt(
        action=row.id,
        plan_digest=row.plan_digest,
        receipt_id=world.ids.new("rcp"),
        issued_ms=world.clock.now_ms(),
        outcome=outcome.value,
        agent=AgentRef(agent["id"], agent["owner"] or "-"),
        policy=policy_ref(row.id, row.revision, row.decision_digest),
        steps=tuple(statuses.get(s["i"], "pending") for s in proposal.steps),
        log=log,
        verdict=verdict,
        cause=cause,
    )
    return await sign(world, receipt_statement(receipt))
