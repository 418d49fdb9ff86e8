"""The client against the real use cases behind real doors; only the target and the clock are fakes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from agent_client import (
    FINAL,
    Output,
    ProofError,
    State,
    aio,
    check_checkpoint,
    check_consistency,
    check_inclusion,
    check_receipt,
)
from gateway.api.auth import Authenticator, token_digest
from gateway.api.grpc.server import Doors, Listener
from tests.fakes.world import AGENT, ALICE, OTHER_AGENT, READ, VERIFY, WRITE, Lab, lab

pytestmark = pytest.mark.anyio
ORIGIN = "test/log"


@asynccontextmanager
async def _open(folder: Path) -> AsyncGenerator[tuple[Lab, aio.AgentClient, aio.ApproverClient], None]:
    async with lab() as made:
        known = {token_digest("other"): OTHER_AGENT}
        doors = Doors(made.gateway, Authenticator(known, {"agent": AGENT, "approver": ALICE}))
        agent, approver = f"unix:{folder}/agent.sock", f"unix:{folder}/approver.sock"
        await doors.open([Listener("agent", agent), Listener("approver", approver)])
        try:
            async with aio.connect(agent) as agents, aio.connect_approver(approver) as people:
                yield made, agents, people
        finally:
            await doors.close(grace_s=0)


async def test_a_read_runs_and_its_receipt_is_proven_offline(folder: Path) -> None:
    async with _open(folder) as (made, agent, people):
        proposed = await agent.propose(READ.decode(), justification="how many sessions?")
        await made.clock.settle()
        action = await agent.wait(proposed.id)
        await made.signer.sign()
        jwks, proof = await agent.keys(), await agent.receipt_proof(action.id)
        older = check_checkpoint(await people.checkpoint(), jwks, ORIGIN)
        await agent.propose(READ.decode())
        await made.clock.settle()
        await made.signer.sign()
        newer = check_consistency(older, await agent.consistency_proof(older.size), jwks)
        first_leaf = check_inclusion(await people.leaf_proof(0), jwks, ORIGIN)
    assert (action.state, action.outputs[0].text) == (State.SUCCEEDED, "row\n")
    assert action.justification == "how many sessions?"
    receipt = check_receipt(action.receipt, jwks, proof)
    assert (receipt.action, receipt.outcome, receipt.steps) == (action.id, State.SUCCEEDED, ("applied",))
    assert (receipt.agent, receipt.plan_digest, receipt.origin) == (AGENT.id, action.plan_digest, ORIGIN)
    assert older.size < newer.size == first_leaf.size
    with pytest.raises(ProofError, match="PROOF_LEAF"):
        check_receipt(action.receipt, jwks, replace(proof, leaf=proof.leaf.replace(b"CM1017", b"CM1016")))


async def test_a_change_is_held_approved_verified_and_committed(folder: Path) -> None:
    async with _open(folder) as (made, agent, people):
        made.policy.permit = "approve"
        made.policy.obligations = [VERIFY]
        proposed = await agent.propose(WRITE.decode())
        await made.clock.settle()
        held = await agent.wait(proposed.id)
        [shown] = await people.pending()
        await people.approve(shown, "go")
        await made.clock.advance(60_000)
        done = await agent.wait(held.id, until=FINAL)
    assert (held.state, shown.action.id, done.state) == (State.AWAITING_APPROVAL, held.id, State.COMMITTED)
    assert [what for what, _, _ in made.target.history] == ["apply"]


async def test_one_call_reads(folder: Path) -> None:
    async with _open(folder) as (_, agent, _):
        action = await agent.propose(READ.decode(), wait_s=30)
    assert (action.state, [o.text for o in action.outputs]) == (State.SUCCEEDED, ["row\n"])


async def test_a_watch_streams_the_output_of_a_step(folder: Path) -> None:
    async with _open(folder) as (made, agent, _):
        proposed = await agent.propose(READ.decode())
        await made.clock.settle()
        events = [event async for event in agent.watch(proposed.id)]
    assert not isinstance(events[-1], Output)
    assert events[-1].state is State.SUCCEEDED


async def test_what_is_not_understood_is_denied_with_a_remedy(folder: Path) -> None:
    async with _open(folder) as (_, agent, _):
        action = await agent.propose("rm -rf /")
    assert action.state is State.DENIED
    assert (action.denials[0].code, bool(action.denials[0].remedy)) == ("TOOL_UNKNOWN", True)
