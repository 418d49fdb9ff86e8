"""Both clients against real doors over Unix sockets."""

import threading
import uuid
from pathlib import Path

import pytest

import agent_client
from agent_client import (
    FINAL,
    Action,
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    NotFound,
    Output,
    Precondition,
    State,
    Unavailable,
)
from gateway.errors import StoreFault
from gateway.service.views import OutputView
from tests.client.conftest import QUICK, Connect
from tests.client.drivers import Kind, driver
from tests.fakes.doors import Open, doors_in_thread
from tests.fakes.gateway import NOW, REVISION


def test_a_proposal_comes_back_decided(connect: Connect) -> None:
    action = connect("agent")("propose", "kubectl get pods", incident="inc_1", justification="look")
    assert (action.id, action.state, action.agent, action.incident) == (
        "act_01",
        State.SUCCEEDED,
        "agent/demo",
        "inc_1",
    )
    assert (action.created_ms, action.justification, action.rendering) == (NOW, "look", "a step")
    assert (action.decision.verdict, action.decision.revision) == ("allow", REVISION)
    assert (action.decision.approvals, action.decision.obligations) == (
        [{"group": "sre", "n": 1}],
        {"notify": ["oncall"]},
    )
    assert action.steps[0].document == {"word": "kubectl"}
    assert (action.outputs[0].text, action.is_final, action.denials) == ("42", True, ())


def test_a_denial_is_an_answer_with_its_finding(connect: Connect) -> None:
    action = connect("agent")("propose", "deny me")
    assert action.state is State.DENIED
    [finding] = action.denials
    assert (finding.code, finding.limit, finding.permit, finding.remedy) == (
        "FAKE_RULE", "deny", None, "say something else",
    )  # fmt: skip


def test_everything_of_a_proposal_is_sent(doors: Open, connect: Connect) -> None:
    request_id = str(uuid.uuid4())
    agent = connect("agent")
    agent(
        "propose_steps", [{"tool": "git"}], connectors=[";"], scope="repo", incident="inc_1", hypothesis="h1",
        lease_s=60, wait_s=1.5, request_id=request_id,
    )  # fmt: skip
    assert doors.gateway.submitted[0] == {
        "request_id": request_id, "command": None, "steps": b'{"steps": [{"tool": "git"}], "connectors": [";"]}',
        "scope": "repo", "incident": "inc_1", "hypothesis": "h1", "lease_s": 60, "wait_ms": 1_500,
    }  # fmt: skip


def test_an_explanation_records_nothing(doors: Open, connect: Connect) -> None:
    action = connect("agent")("explain", "hold this", scope="prod")
    assert (action.id, action.decision.verdict) == ("", "approve")
    assert doors.gateway.actions == {}


def test_the_same_request_id_proposes_once_and_each_call_has_its_own(connect: Connect) -> None:
    agent = connect("agent")
    request_id = str(uuid.uuid4())
    ids = {agent("propose", "get", request_id=request_id).id for _ in range(2)}
    assert ids == {"act_01"}
    assert agent("propose", "get").id == "act_02"
    with pytest.raises(InvalidRequest) as caught:
        agent("propose", "other", request_id=request_id)
    assert caught.value.reason == "REQUEST_ID_REUSED"


def test_a_call_that_may_pass_is_tried_again_under_the_same_request_id(doors: Open, connect: Connect) -> None:
    doors.gateway.failures = [StoreFault("STORE_BUSY"), StoreFault("STORE_BUSY")]
    assert connect("agent")("propose", "get").id == "act_01"
    sent = [s["request_id"] for s in doors.gateway.submitted]
    assert len(sent) == 3
    assert len(set(sent)) == 1


def test_a_call_that_does_not_pass_ends_with_its_reason(doors: Open, connect: Connect) -> None:
    doors.gateway.failures = [StoreFault("STORE_FULL", "the disk is full") for _ in range(9)]
    with pytest.raises(Unavailable) as caught:
        connect("agent")("propose", "get")
    assert (caught.value.reason, caught.value.message) == ("STORE_FULL", "the disk is full")
    assert len(doors.gateway.submitted) == QUICK.attempts


def test_what_the_caller_has_to_mend_is_not_tried_again(doors: Open, connect: Connect) -> None:
    with pytest.raises(InvalidRequest) as caught:
        connect("agent")("propose", "get", request_id="mine")
    assert caught.value.reason == "REQUEST_ID_INVALID"
    assert "UUID4" in caught.value.remedy
    assert doors.gateway.submitted == []


def test_an_unknown_action_is_not_found(connect: Connect) -> None:
    with pytest.raises(NotFound) as caught:
        connect("agent")("get", "act_99")
    assert (caught.value.reason, caught.value.metadata) == ("ACTION_UNKNOWN", {"action": "act_99"})
    assert str(caught.value) == "ACTION_UNKNOWN: no action `act_99` (list your actions)"


def test_a_gateway_that_is_not_there_is_unavailable(folder: Path, kind: Kind) -> None:
    agent = driver(kind, "agent", f"unix:{folder}/agent.sock", QUICK)
    with pytest.raises(Unavailable) as caught:
        agent("capabilities")
    agent.close()
    assert caught.value.reason == "UNAVAILABLE"


def test_lists_are_paged_and_filtered(connect: Connect) -> None:
    agent = connect("agent")
    for command in ("hold", "get", "get"):
        agent("propose", command)
    first = agent("list_actions", page_size=2)
    rest = agent("list_actions", page_token=first.next_token)
    held = agent("list_actions", states=[State.AWAITING_APPROVAL])
    assert [[a.id for a in page.items] for page in (first, rest, held)] == [
        ["act_03", "act_02"],
        ["act_01"],
        ["act_01"],
    ]
    assert rest.next_token == ""


def test_a_watch_yields_states_and_chunks_until_the_final_one(doors: Open, connect: Connect) -> None:
    agent = connect("agent")
    agent("propose", "hold")
    doors.soon(lambda: doors.gateway.chunk("act_01", OutputView(0, b"line", truncated=False)))
    doors.soon(lambda: doors.gateway.set_state("act_01", "SUCCEEDED"))
    events = agent.take(9, "watch", "act_01")
    assert [e.state for e in events if isinstance(e, Action)][-1] is State.SUCCEEDED
    assert [e for e in events if isinstance(e, Output)] in ([], [Output(0, b"line", truncated=False)])


def test_a_watch_of_nothing_is_refused(connect: Connect) -> None:
    with pytest.raises(NotFound):
        connect("agent").take(1, "watch", "act_99")


def test_waiting_ends_when_a_person_has_to_move(connect: Connect) -> None:
    agent = connect("agent")
    agent("propose", "hold")
    assert agent("wait", "act_01").state is State.AWAITING_APPROVAL


def test_waiting_for_the_end_goes_on_until_it_comes(doors: Open, connect: Connect) -> None:
    agent, approver = connect("agent"), connect("approver")
    agent("propose", "hold")

    def vote() -> None:
        doors.gateway.watched.wait()
        doors.soon(lambda: doors.gateway.set_state("act_01", "COMMITTED"))

    voter = threading.Thread(target=vote)
    voter.start()
    assert agent("wait", "act_01", until=FINAL, timeout_s=10).state is State.COMMITTED
    voter.join()
    assert approver("get", "act_01").version == 2


def test_waiting_ends_with_another_final_state_than_the_one_hoped_for(connect: Connect) -> None:
    agent = connect("agent")
    agent("propose", "get")
    assert agent("wait", "act_01", until=frozenset({State.COMMITTED})).state is State.SUCCEEDED


def test_waiting_too_long_tells_the_state(connect: Connect) -> None:
    agent = connect("agent")
    agent("propose", "hold")
    with pytest.raises(DeadlineExceeded) as caught:
        agent("wait", "act_01", until=FINAL, timeout_s=0.1)
    assert (caught.value.reason, caught.value.metadata) == ("WAIT_TIMEOUT", {"state": "AWAITING_APPROVAL"})


def test_waiting_survives_a_restart_of_the_gateway(folder: Path, kind: Kind) -> None:
    result: list[Action] = []
    with doors_in_thread(folder) as first:
        gateway = first.gateway
        agent = driver(kind, "agent", first.unix("agent"), QUICK)
        agent("propose", "hold")
        waiter = threading.Thread(target=lambda: result.append(agent("wait", "act_01", until=FINAL, timeout_s=30)))
        waiter.start()
        gateway.watched.wait()
    gateway.set_state("act_01", "UNDONE")
    with doors_in_thread(folder, gateway=gateway):
        waiter.join()
    agent.close()
    assert [a.state for a in result] == [State.UNDONE]


def test_an_agent_ends_what_it_began(doors: Open, connect: Connect) -> None:
    agent = connect("agent")
    for command in ("hold", "get", "get", "get"):
        agent("propose", command)
    doors.gateway.set_state("act_03", "LEASED")
    doors.gateway.set_state("act_04", "LEASED")
    assert agent("cancel", "act_01", "no need").state is State.CANCELLED
    assert agent("rollback", "act_02", "wrong").reason == "wrong"
    assert agent("renew", "act_03", 60).lease_end_ms == NOW + 60_000
    assert agent("release", "act_04").state is State.UNDONE


def test_an_incident_is_told(connect: Connect) -> None:
    agent = connect("agent")
    incident = agent("open_incident", "pool exhausted")
    added = agent("add_hypothesis", incident.id, "a leak")
    declared = agent("declare_cause", incident.id, added.hypothesis, "line 7", ["act_01"])
    assert (incident.source, added.hypothesis, declared.cause) == ("agent", "h1", "line 7 act_01")
    assert declared.hypotheses[0].state == "supported"
    assert agent("list_incidents", open_only=True).items == (declared,)
    assert agent("close_incident", incident.id).phase == "closed"
    assert agent("get_incident", incident.id).phase == "closed"


def test_capabilities_come_back(connect: Connect) -> None:
    found = connect("agent")("capabilities")
    assert (found.scopes[0].name, found.scopes[0].online, found.tools) == ("prod-eu", True, ("kubectl",))


def test_a_person_approves_exactly_what_was_shown(doors: Open, connect: Connect) -> None:
    connect("agent")("propose", "hold")
    approver = connect("approver")
    [shown] = approver("pending")
    assert (shown.action.id, shown.expires_ms, shown.voted) == ("act_01", NOW + 3_600_000, ())
    assert shown.trials[0]["changes"] == [{"path": "/spec/replicas", "from": 2, "to": 3}]
    assert approver("approve", shown, "go").state is State.SUCCEEDED
    assert doors.gateway.actions["act_01"].reason == "go"
    with pytest.raises(Precondition) as caught:
        approver("approve", shown)
    assert caught.value.reason == "STATE_FORBIDS"


def test_a_person_decides_the_rest(doors: Open, connect: Connect) -> None:
    agent, approver = connect("agent"), connect("approver")
    for command in ("hold", "shadow", "get", "get"):
        agent("propose", command)
    doors.gateway.set_state("act_03", "LEASED")
    doors.gateway.set_state("act_04", "NEEDS_HUMAN")
    assert approver("reject", "act_01", "no").state is State.REJECTED
    assert approver("acknowledge", "act_02", "did_it").reason == "did_it"
    assert approver("keep", "act_03").state is State.COMMITTED
    assert approver("resolve", "act_04", "undone_by_hand", "ok").reason == "undone_by_hand ok"


def test_switches_and_status(connect: Connect) -> None:
    approver = connect("approver")
    assert approver("stop", "fire") == 0
    assert approver("freeze", "audit", environment="prod") == 1
    assert approver("resume", "over", agent="agent/demo") == 2
    status = approver("status")
    assert status.switches == ("stop   fire", "freeze  prod audit", "resume agent/demo  over")
    assert (status.log_size, status.revision) == (3, REVISION)
    assert approver("withdraw", REVISION, "bad rule") == ()


def test_the_drift_ledger_is_read_and_closed_by_people(connect: Connect) -> None:
    approver = connect("approver")
    page = approver("drift")
    assert [(e.id, e.before, e.after, e.due_ms, e.proposal) for e in page.items] == [("dft_01", 2, 3, 2, "Set it")]
    closed = approver("close_drift", "dft_01", "pr/7")
    assert (closed.status, closed.how, closed.reference) == ("closed", "proposed", "pr/7")


def test_the_log_is_read_by_people(doors: Open, connect: Connect) -> None:
    connect("agent")("propose", "get")
    approver = connect("approver")
    assert [leaf.index for leaf in approver.take(9, "tail")] == [0]
    assert len(approver.take(1, "tail", 0, follow=True)) == 1
    assert approver("leaf_proof", 0).leaf == doors.gateway.leaves[0]
    assert approver("consistency_proof", 1, size=2).index == -1
    assert (approver("checkpoint"), approver("keys")) == (doors.gateway.notes, doors.gateway.keys)


def test_an_agent_gets_the_proof_of_its_own_receipt_only(connect: Connect) -> None:
    agent = connect("agent")
    agent("propose", "get")
    with pytest.raises(NotFound):
        agent("receipt_proof", "act_99")
    assert agent("receipt_proof", "act_01").index == -1


def test_a_person_cannot_propose(doors: Open, kind: Kind) -> None:
    client = driver(kind, "agent", doors.unix("approver"), QUICK)
    with pytest.raises(Forbidden) as caught:
        client("propose", "get")
    client.close()
    assert caught.value.reason == "METHOD_NOT_AT_THIS_DOOR"


def test_the_synchronous_client_ends_with_its_block(doors: Open) -> None:
    with agent_client.connect(doors.unix("agent"), retry=QUICK) as gateway:
        assert gateway.capabilities().tools == ("kubectl",)
    with pytest.raises(ValueError, match="closed channel"):
        gateway.capabilities()


def test_leaving_a_watch_ends_it_in_the_gateway(doors: Open, connect: Connect) -> None:
    agent = connect("agent")
    agent("propose", "hold")
    assert len(agent.take(1, "watch", "act_01")) == 1
    assert doors.gateway.unwatched.wait(timeout=10)
