"""The client of Countermand, the execution proxy between LLM agents and infrastructure.

An agent proposes; the gateway decides, signs, has it run, verifies it and can prove all of it. Nothing here holds a
credential for a target.

    from agent_client import State, connect

    with connect("unix:/run/countermand/agent.sock") as gateway:
        incident = gateway.list_incidents(open_only=True).items[0]
        cause = gateway.add_hypothesis(incident.id, "connections leak since the last deploy").hypothesis
        read = gateway.propose("psql -d orders -c 'select count(*) from pg_stat_activity'",
                               incident=incident.id, hypothesis=cause)
        print(gateway.wait(read.id).outputs[0].text)

        fix = gateway.propose("kubectl -n prod rollout restart deploy/web", incident=incident.id, hypothesis=cause)
        if fix.state is State.DENIED:
            for finding in fix.denials:
                print(finding.code, finding.message, "→", finding.remedy)

A denial is an answer, not an error. Errors (`agent_client.errors`) carry the gateway's `reason` and a `remedy`. Calls
that may pass are tried again under the same request_id, so nothing happens twice. `agent_client.aio` has the same
methods for asyncio, `connect_approver` the ones for people, `check_receipt` verifies a receipt with nothing but the
gateway's public keys.
"""

from agent_client.client import AgentClient, ApproverClient, connect, connect_approver
from agent_client.errors import (
    CountermandError,
    DeadlineExceeded,
    Forbidden,
    GatewayFault,
    InvalidRequest,
    NotFound,
    Precondition,
    Unauthenticated,
    Unavailable,
)
from agent_client.log import Checkpoint, ProofError, check_checkpoint, check_consistency, check_inclusion
from agent_client.receipt import Receipt, check_receipt
from agent_client.retry import Retry
from agent_client.types import (
    FINAL,
    OPEN,
    RESTING,
    Absent,
    Action,
    AddedHypothesis,
    Capabilities,
    Decision,
    DriftEntry,
    Finding,
    Hypothesis,
    Incident,
    Leaf,
    Output,
    Page,
    Pending,
    Proof,
    Scope,
    State,
    Status,
    Step,
)

__all__ = [
    "FINAL",
    "OPEN",
    "RESTING",
    "Absent",
    "Action",
    "AddedHypothesis",
    "AgentClient",
    "ApproverClient",
    "Capabilities",
    "Checkpoint",
    "CountermandError",
    "DeadlineExceeded",
    "Decision",
    "DriftEntry",
    "Finding",
    "Forbidden",
    "GatewayFault",
    "Hypothesis",
    "Incident",
    "InvalidRequest",
    "Leaf",
    "NotFound",
    "Output",
    "Page",
    "Pending",
    "Precondition",
    "Proof",
    "ProofError",
    "Receipt",
    "Retry",
    "Scope",
    "State",
    "Status",
    "Step",
    "Unauthenticated",
    "Unavailable",
    "check_checkpoint",
    "check_consistency",
    "check_inclusion",
    "check_receipt",
    "connect",
    "connect_approver",
]
