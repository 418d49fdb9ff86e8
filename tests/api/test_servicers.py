"""Every RPC passes everything it carries to its use case, and everything it gets back."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from countermand.gateway.v1 import action_pb2, control_service_pb2, executor_service_pb2

from gateway.core.canonical import canonical
from gateway.service.reports import ChunkReport, StepReport
from gateway.service.views import OutputView, WorkView
from tests.api.raw import Raw, new_id, request_of
from tests.fakes.doors import AGENT, OTHER_AGENT, open_doors
from tests.fakes.gateway import NOW, REVISION, FakeGateway

pytestmark = pytest.mark.anyio


async def _agent(folder: Path, method: str, gateway: FakeGateway | None = None, **fields: object) -> Any:
    async with open_doors(folder, gateway=gateway) as doors, Raw(doors.unix("agent")) as raw:
        return await raw.call(method, request_of(method, **fields))


async def _approver(folder: Path, method: str, gateway: FakeGateway, **fields: object) -> Any:
    async with open_doors(folder, gateway=gateway) as doors, Raw(doors.unix("approver")) as raw:
        return await raw.call(method, request_of(method, **fields))


async def _with_action(command: bytes, state: str | None = None) -> FakeGateway:
    gateway = FakeGateway()
    view = await gateway.submit(
        AGENT, request_id="r", command=command, steps=None, scope="", justification="why", incident="inc_1",
        hypothesis="", lease_s=0, validate_only=False,
    )  # fmt: skip
    if state:
        gateway.set_state(view.id, state)
    return gateway


async def test_a_proposal_arrives_whole(folder: Path) -> None:
    gateway = FakeGateway()
    request_id = new_id()
    await _agent(
        folder, "SubmitAction", gateway, request_id=request_id, steps=b'{"steps":[]}', scope="prod",
        incident_id="inc_1", hypothesis_id="h1", lease_s=60, wait_ms=5_000,
    )  # fmt: skip
    assert gateway.submitted == [
        {"request_id": request_id, "command": None, "steps": b'{"steps":[]}', "scope": "prod", "incident": "inc_1",
         "hypothesis": "h1", "lease_s": 60, "wait_ms": 5_000},
    ]  # fmt: skip


async def test_an_action_comes_back_whole(folder: Path) -> None:
    gateway = await _with_action(b"kubectl get")
    view = gateway.actions["act_01"]
    action = (await _agent(folder, "GetAction", gateway, action_id="act_01")).action
    assert (action.id, action.version, action.plan_digest) == (view.id, view.version, view.plan_digest)
    assert action.state == action_pb2.Action.STATE_SUCCEEDED
    assert (action.agent, action.incident_id, action.justification) == ("agent/demo", "inc_1", "why")
    assert (action.create_time_ms, action.update_time_ms, action.rendering) == (NOW, NOW, "a step")
    assert action.decision.verdict == action_pb2.VERDICT_ALLOW
    assert action.decision.approvals == canonical([{"group": "sre", "n": 1}])
    assert action.decision.obligations == canonical({"notify": ["oncall"]})
    assert (action.decision.revision, action.decision.findings[0].code) == (REVISION, "FAKE_RULE")
    assert (action.steps[0].effects, action.steps[0].undo, action.steps[0].status) == (
        ["read"],
        "not_needed",
        "applied",
    )
    assert (action.outputs[0].data, action.outputs[0].truncated) == (b"42", False)


async def test_a_denial_is_a_successful_answer_with_its_remedy(folder: Path) -> None:
    answer = await _agent(folder, "SubmitAction", request_id=new_id(), command="deny this")
    assert answer.action.state == action_pb2.Action.STATE_DENIED
    assert answer.action.decision.verdict == action_pb2.VERDICT_DENY
    finding = answer.action.decision.findings[0]
    assert (finding.limit, finding.permit) == (action_pb2.VERDICT_DENY, action_pb2.VERDICT_UNSPECIFIED)
    assert (finding.message, finding.remedy) == ("the fake says no", "say something else")


async def test_a_list_is_paged_and_filtered(folder: Path) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix("agent")) as raw:
        for command in ("hold a", "get b", "get c"):
            await raw.call("SubmitAction", request_of("SubmitAction", request_id=new_id(), command=command))
        first = await raw.call("ListActions", request_of("ListActions", page_size=2))
        rest = await raw.call("ListActions", request_of("ListActions", page_token=first.next_page_token))
        held = await raw.call(
            "ListActions", request_of("ListActions", states=[action_pb2.Action.STATE_AWAITING_APPROVAL])
        )
        code, reason, _ = await raw.error("ListActions", request_of("ListActions", page_size=-1))
    assert [a.id for a in first.actions] == ["act_03", "act_02"]
    assert ([a.id for a in rest.actions], rest.next_page_token) == (["act_01"], "")
    assert [a.id for a in held.actions] == ["act_01"]
    assert (code, reason) == ("INVALID_ARGUMENT", "PAGE_SIZE_INVALID")


async def test_a_watch_streams_every_state_and_chunk_and_ends_with_the_final_one(folder: Path) -> None:
    gateway = await _with_action(b"hold it")
    seen: list[str] = []
    async with (
        open_doors(folder, gateway=gateway) as doors,
        Raw(doors.unix("agent")) as raw,
        aclosing(raw.stream("WatchAction", request_of("WatchAction", action_id="act_01"))) as events,
    ):
        async for event in events:
            kind = event.WhichOneof("event")
            seen.append(action_pb2.Action.State.Name(event.action.state) if kind == "action" else event.chunk.data)
            if len(seen) == 1:
                gateway.chunk("act_01", OutputView(0, b"line", truncated=False))
            elif len(seen) == 2:
                gateway.set_state("act_01", "SUCCEEDED")
    assert seen == ["STATE_AWAITING_APPROVAL", b"line", "STATE_SUCCEEDED"]


@pytest.mark.parametrize(
    ("method", "command", "state", "fields", "end", "reason"),
    [
        ("CancelAction", b"hold", None, {"reason": "changed my mind"}, "CANCELLED", "changed my mind"),
        ("RollbackAction", b"get", None, {"reason": "wrong"}, "UNDONE", "wrong"),
        ("ReleaseLease", b"get", "LEASED", {}, "UNDONE", "released"),
        ("RenewLease", b"get", "LEASED", {"lease_s": 60}, "LEASED", "renewed"),
    ],
)
async def test_an_agent_moves_its_action(
    folder: Path, method: str, command: bytes, state: str | None, fields: dict[str, object], end: str, reason: str
) -> None:
    gateway = await _with_action(command, state)
    answer = await _agent(folder, method, gateway, request_id=new_id(), action_id="act_01", **fields)
    assert (action_pb2.Action.State.Name(answer.action.state), answer.action.reason) == (f"STATE_{end}", reason)


async def test_a_lease_is_renewed_by_positive_seconds_only(folder: Path) -> None:
    gateway = await _with_action(b"get", "LEASED")
    async with open_doors(folder, gateway=gateway) as doors, Raw(doors.unix("agent")) as raw:
        request = request_of("RenewLease", request_id=new_id(), action_id="act_01", lease_s=0)
        assert (await raw.error("RenewLease", request))[1] == "LEASE_INVALID"


async def test_an_incident_is_told_from_opening_to_close(folder: Path) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix("agent")) as raw:

        async def call(method: str, **fields: object) -> Any:
            return await raw.call(method, request_of(method, **fields))

        opened = (await call("OpenIncident", request_id=new_id(), title="pool exhausted")).incident
        added = await call("AddHypothesis", request_id=new_id(), incident_id=opened.id, text="a leak")
        await call("AddHypothesis", request_id=new_id(), incident_id=opened.id, text="load")
        declared = (
            await call(
                "DeclareCause", request_id=new_id(), incident_id=opened.id, hypothesis_id=added.hypothesis_id,
                cause="line 7", evidence_action_ids=["act_01", "act_02"],
            )
        ).incident  # fmt: skip
        page = await call("ListIncidents", open_only=True)
        closed = (await call("CloseIncident", request_id=new_id(), incident_id=opened.id)).incident
        after = await call("ListIncidents", open_only=True)
        shown = (await call("GetIncident", incident_id=opened.id)).incident
    assert (opened.title, opened.source, opened.phase, opened.open_time_ms) == (
        "pool exhausted",
        "agent",
        "triage",
        NOW,
    )
    assert added.hypothesis_id == "h1"
    assert [(h.text, h.state) for h in declared.hypotheses] == [("a leak", "supported"), ("load", "refuted")]
    assert declared.cause == "line 7 act_01 act_02"
    assert [i.id for i in page.incidents] == [opened.id]
    assert (list(after.incidents), closed.phase) == ([], "closed")
    assert shown == closed


async def test_a_vote_binds_what_was_shown(folder: Path) -> None:
    gateway = await _with_action(b"hold it")
    async with open_doors(folder, gateway=gateway) as doors, Raw(doors.unix("approver")) as raw:
        [pending] = (await raw.call("ListPending", request_of("ListPending"))).pending
        shown = {
            "action_id": pending.action.id, "plan_digest": pending.action.plan_digest, "nonce": pending.nonce,
            "decision_digest": pending.action.decision.digest, "state_digest": pending.action.state_digest,
        }  # fmt: skip
        for field in ("plan_digest", "decision_digest", "state_digest", "nonce"):
            stale = shown | {field: "other"}
            code, reason, _ = await raw.error("Approve", request_of("Approve", request_id=new_id(), **stale))
            assert (code, reason) == ("FAILED_PRECONDITION", "VOTE_STALE")
        vote = request_of("Approve", request_id=new_id(), comment="looks right", **shown)
        answer = await raw.call("Approve", vote)
    assert (pending.expire_time_ms, answer.action.reason) == (NOW + 3_600_000, "looks right")
    assert answer.action.state == action_pb2.Action.STATE_SUCCEEDED


@pytest.mark.parametrize(
    ("method", "command", "state", "fields", "reason"),
    [
        ("Reject", b"hold", None, {"comment": "no"}, "no"),
        ("Acknowledge", b"shadow", None, {"mark": "would_do"}, "would_do"),
        ("Keep", b"get", "LEASED", {}, "kept"),
        ("Resolve", b"get", "NEEDS_HUMAN", {"resolution": "kept", "comment": "fine"}, "kept fine"),
        ("CancelAction", b"hold", None, {"reason": "stop it"}, "stop it"),
    ],
)
async def test_a_person_moves_an_action(
    folder: Path, method: str, command: bytes, state: str | None, fields: dict[str, object], reason: str
) -> None:
    gateway = await _with_action(command, state)
    answer = await _approver(folder, method, gateway, request_id=new_id(), action_id="act_01", **fields)
    assert answer.action.reason == reason
    assert gateway.calls[-1][1].id == "alice"


@pytest.mark.parametrize(
    ("method", "fields"), [("Acknowledge", {"mark": "maybe"}), ("Resolve", {"resolution": "forget"})]
)
async def test_a_word_that_means_nothing_is_refused(folder: Path, method: str, fields: dict[str, object]) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix("approver")) as raw:
        code, reason, metadata = await raw.error(method, request_of(method, request_id=new_id(), **fields))
    assert (code, reason) == ("INVALID_ARGUMENT", "VALUE_UNKNOWN")
    assert "send one of" in metadata["remedy"]


@pytest.mark.parametrize("method", ["Stop", "Freeze", "Resume"])
async def test_a_switch_is_recorded_with_its_scope_and_reason(folder: Path, method: str) -> None:
    gateway = FakeGateway()
    scope = control_service_pb2.SwitchScope(agent="agent/demo", environment="prod")
    answer = await _approver(folder, method, gateway, request_id=new_id(), scope=scope, reason="fire")
    assert (answer.leaf_index, gateway.switches) == (0, [f"{method.lower()} agent/demo prod fire"])


async def test_the_status_and_a_withdrawal_come_back(folder: Path) -> None:
    gateway = await _with_action(b"get")
    gateway.switches = ["stop"]
    status = await _approver(folder, "GetStatus", gateway)
    assert (status.switches, status.revision, status.log_size) == (["stop"], REVISION, 1)
    [away] = status.absent
    assert (away.audience, list(away.scopes), away.since_time_ms) == ("executor/eu", ["orders-db"], NOW)
    withdrawn = await _approver(folder, "WithdrawRevision", gateway, request_id=new_id(), revision="r", reason="bad")
    assert withdrawn.revoked_action_ids == ["act_01"]


async def test_the_drift_ledger_comes_back_whole_and_an_entry_is_closed(folder: Path) -> None:
    gateway = FakeGateway()
    page = await _approver(folder, "ListDrift", gateway, entry="", open_only=True, page_size=7, page_token="dft_9")
    assert gateway.calls == [("list_drift", "", True, 7, "dft_9")]
    assert page.next_page_token == "next"  # a page, no secret
    [entry] = page.entries
    assert (entry.id, entry.action_id, entry.target, entry.path, entry.before, entry.after, entry.file) == (
        "dft_01", "act_01", "k8s:prod/web", "/spec/replicas", "2", "3", "apps/web.yaml",
    )  # fmt: skip
    assert (entry.open_time_ms, entry.due_time_ms, entry.close_time_ms, entry.proposal) == (1, 2, 0, "Set it")
    closed = await _approver(
        folder, "CloseDrift", gateway, request_id=new_id(), entry="dft_01", reference="https://git.example/pr/7"
    )
    assert (closed.entry.status, closed.entry.how, closed.entry.reference) == (
        "closed", "proposed", "https://git.example/pr/7",
    )  # fmt: skip


async def test_capabilities_come_back_whole(folder: Path) -> None:
    answer = await _agent(folder, "ListCapabilities")
    [scope] = answer.scopes
    assert (scope.name, scope.tool, scope.environments, scope.online) == ("prod-eu", "kubernetes", ["prod"], True)
    assert (answer.tools, answer.commands, answer.revision) == (["kubectl"], ["true"], REVISION)


async def test_people_read_any_leaf_and_follow_the_log(folder: Path) -> None:
    gateway = await _with_action(b"get")
    async with open_doors(folder, gateway=gateway) as doors, Raw(doors.unix("approver")) as raw:
        proof = await raw.call("GetProof", request_of("GetProof", leaf_index=0))
        consistency = await raw.call("GetProof", request_of("GetProof", leaf_index=-1, first_size=1, size=2))
        tail = raw.stream("TailRecords", request_of("TailRecords", first_index=0, follow=True))
        first = await anext(tail)
        gateway.leaves.append(b"more")
        gateway.changed.set()
        second = await anext(tail)
        await tail.aclose()
        checkpoint = await raw.call("GetCheckpoint", request_of("GetCheckpoint"))
        keys = await raw.call("GetKeys", request_of("GetKeys"))
    assert (proof.leaf_index, proof.leaf, proof.hashes) == (0, gateway.leaves[0], [b"h" * 32])
    assert (consistency.leaf_index, consistency.hashes) == (-1, [(1).to_bytes(32), (2).to_bytes(32)])
    assert [(r.index, r.leaf) for r in (first, second)] == [(0, gateway.leaves[0]), (1, b"more")]
    assert (checkpoint.checkpoint, keys.jwks) == (gateway.notes, gateway.keys)


async def test_an_agent_proves_its_own_receipt_and_no_other(folder: Path) -> None:
    gateway = await _with_action(b"get")
    async with open_doors(folder, gateway=gateway) as doors:
        async with Raw(doors.unix("agent")) as raw:
            gateway.proofs["act_01"] = await gateway.proof(index=0, action="", first_size=0, size=0)
            proof = await raw.call("GetProof", request_of("GetProof", action_id="act_01"))
            assert (await raw.error("GetProof", request_of("GetProof", leaf_index=0)))[1] == "LOG_NOT_FOR_AGENTS"
            await raw.call("GetProof", request_of("GetProof", leaf_index=-1, first_size=1))
        async with Raw(doors.unix("agent"), "agent-b-token") as other:
            refused = await other.error("GetProof", request_of("GetProof", action_id="act_01"))
    assert proof.leaf == gateway.leaves[0]
    assert refused[:2] == ("NOT_FOUND", "ACTION_UNKNOWN")
    assert gateway.calls[-1] == ("get_action", replace(OTHER_AGENT, assurance="socket"))


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("GetCheckpoint", {"min_size": -1}),
        ("GetProof", {"leaf_index": -1, "first_size": -1}),
        ("GetProof", {"size": -1}),
        ("TailRecords", {"first_index": -1}),
    ],
)
async def test_a_negative_index_is_refused(folder: Path, method: str, fields: dict[str, object]) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix("approver")) as raw:
        assert (await raw.error(method, request_of(method, **fields)))[1] == "VALUE_NEGATIVE"


async def test_an_executor_tells_what_a_cluster_serves(folder: Path) -> None:
    gateway = FakeGateway()
    told = {"audience": "executor/local", "instance": "i1", "scope": "prod-eu"}
    async with open_doors(folder, gateway=gateway) as doors, Raw(doors.unix("executor")) as raw:
        taken = await raw.call("Announce", request_of("Announce", document=b"{}", **told))
        refused = await raw.call("Announce", request_of("Announce", **told))
        assert (await raw.error("Announce", request_of("Announce", **{**told, "scope": ""})))[1] == "VALUE_MISSING"
    assert (taken.accepted, refused.accepted, refused.reason) == (True, False, "DISCOVERY_MALFORMED")
    assert gateway.announced[0] == ("executor/local", "executor/local/i1", "prod-eu", b"{}")


async def test_an_executor_gets_its_work_begins_and_reports(folder: Path) -> None:
    gateway = FakeGateway()
    work = WorkView("wrk_1", "act_1", "apply", b"grant", b"plan", 3, b"{}", b"[]", NOW, 0)
    gateway.work["executor/local"] = [work]
    pb = executor_service_pb2
    async with open_doors(folder, gateway=gateway) as doors, Raw(doors.unix("executor")) as raw:
        attached = raw.stream("Attach", request_of("Attach", audience="executor/local", instance="i1"))
        got = (await anext(attached)).work
        begin = {
            "work_id": got.work_id,
            "action_id": got.action_id,
            "purpose": got.purpose,
            "nonce": "n",
            "instance": "i1",
        }
        begun = await raw.call("BeginAttempt", request_of("BeginAttempt", fence=got.fence, **begin))
        refused = await raw.call("BeginAttempt", request_of("BeginAttempt", fence=0, **begin))
        step = pb.StepOutcome(step=0, status=pb.STEP_STATUS_APPLIED, output=b"o" * 500_000, after=b"{}")
        head = {"work_id": "wrk_1", "action_id": "act_1", "fence": 3, "instance": "i1"}
        answer = await raw.call("Report", request_of("Report", step=step, **head))
        await raw.call("Report", request_of("Report", chunk=pb.OutputChunk(step=0, data=b"\x1b[2J"), **head))
        await attached.aclose()
    assert (got.grant, got.plan, got.purpose) == (b"grant", b"plan", pb.PURPOSE_APPLY)
    assert gateway.begun[0] == ("wrk_1", "act_1", "apply", "n", 3, "executor/local/i1")
    assert (begun.begun, begun.reason, refused.begun, refused.reason) == (True, "", False, "FENCE_LOWER")
    assert answer.proceed
    assert gateway.reported == [
        ("wrk_1", "act_1", 3, "executor/local/i1",
         StepReport(0, "applied", "", "", b"o" * 500_000, truncated=False, after=b"{}")),
        ("wrk_1", "act_1", 3, "executor/local/i1", ChunkReport(0, b"\x1b[2J")),
    ]  # fmt: skip


async def test_two_callers_are_served_at_once(folder: Path) -> None:
    gateway = await _with_action(b"hold it")
    async with open_doors(folder, gateway=gateway) as doors, Raw(doors.unix("agent")) as raw:
        waiting = asyncio.ensure_future(raw.call("GetCheckpoint", request_of("GetCheckpoint", min_size=99)))
        await raw.call("ListCapabilities", request_of("ListCapabilities"))
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait({waiting})
