"""Whatever is edited in the database of a running gateway, what reads it says so: a reason code, never INTERNAL.

Each door is asked before anything is edited, and again with each edit. It answers the same, or refuses with a code and
a remedy; a list goes on to show the rest, and what was edited in it is marked. Nothing edited is shown as true.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from gateway.api.auth import Authenticator
from gateway.core.canonical import Json
from gateway.core.kinds import LeafKind as K
from gateway.service.deliver import _export_page
from tests.api.raw import Raw, error_of, request_of
from tests.attacks.database import Attacker
from tests.fakes.doors import open_doors
from tests.fakes.world import AGENT, ALICE, BOB, READ, VERIFY, WRITE, Lab, lab
from tests.service.say import new, records

pytestmark = pytest.mark.anyio
EDITED = {
    "ROW_EDITED", "LOG_EDITED", "PROPOSAL_EDITED", "JOURNAL_EDITED", "DECISION_EDITED", "REQUEST_EDITED",
    "RECEIPT_EDITED", "INCIDENT_EDITED", "DRIFT_EDITED", "SEALED_UNREADABLE", "STORE_LOG_DAMAGED",
}  # fmt: skip
TABLES = ("actions", "documents", "steps", "leaves", "sealed", "incidents", "drift", "checkpoints", "votes", "requests")
Answer = tuple[str, bytes]


@dataclass
class Scene:
    """A gateway on a file with open doors, and something of everything in it."""

    made: Lab
    attacker: Attacker
    agent: Raw
    approver: Raw
    done: str
    """Committed, with a receipt and an entry of the drift ledger."""
    read: str
    """A read with its output."""
    held: str
    """Waits for a second person."""
    incident: str
    entry: str

    def questions(self) -> dict[str, tuple[Raw, str, dict[str, Json]]]:
        asked: dict[str, tuple[Raw, str, dict[str, Json]]] = {
            f"{name} {word}": (self.agent, name, {"action_id": getattr(self, word)})
            for word in ("done", "read", "held") for name in ("GetAction", "WatchAction", "GetProof")
        }  # fmt: skip
        return asked | {
            "ListActions": (self.agent, "ListActions", {}),
            "ListActions of people": (self.approver, "ListActions", {}),
            "ListActions of an incident": (self.agent, "ListActions", {"incident_id": self.incident}),
            "ListPending": (self.approver, "ListPending", {}),
            "GetProof of a leaf": (self.approver, "GetProof", {"leaf_index": 3}),
            "GetProof of consistency": (self.approver, "GetProof", {"leaf_index": -1, "first_size": 5}),
            "TailRecords": (self.approver, "TailRecords", {}),
            "GetCheckpoint": (self.approver, "GetCheckpoint", {}),
            "GetIncident": (self.agent, "GetIncident", {"incident_id": self.incident}),
            "ListIncidents": (self.agent, "ListIncidents", {}),
            "ListDrift": (self.approver, "ListDrift", {}),
            "ListDrift of one": (self.approver, "ListDrift", {"entry": self.entry}),
            "GetStatus": (self.approver, "GetStatus", {}),
            "GetKeys": (self.agent, "GetKeys", {}),
        }

    async def answers(self) -> dict[str, Answer]:
        return {what: await _asked(*question) for what, question in self.questions().items()}


async def _asked(door: Raw, method: str, fields: dict[str, Json]) -> Answer:
    """Return (reason, answer); a stream is asked for what is there now."""
    request = request_of(method, **fields)
    try:
        if method == "WatchAction":
            async for message in door.stream(method, request):
                return "", message.SerializeToString()
        if method == "TailRecords":
            return "", b"".join([m.SerializeToString() async for m in door.stream(method, request)])
        return "", (await door.call(method, request)).SerializeToString()
    except grpc.aio.AioRpcError as exc:
        code, reason, metadata = error_of(exc)
        assert metadata.get("remedy"), (method, reason)
        assert (reason in EDITED) == (code == "DATA_LOSS"), (method, code, reason)
        return reason, b""


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    folder = Path(tempfile.mkdtemp(prefix="cm-"))
    path = folder / "state" / "countermand.db"
    path.parent.mkdir(mode=0o700)
    try:
        async with lab(path=path) as made, _opened(made, folder) as (agent, approver):
            attacker = Attacker(path)
            filled = await _filled(made, attacker, agent, approver)
            await made.signer.sign()
            yield filled
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def _opened(made: Lab, folder: Path) -> AsyncIterator[tuple[Raw, Raw]]:
    auth = Authenticator({}, {"agent": AGENT, "approver": ALICE}, {})
    async with (
        open_doors(folder, gateway=made.gateway, auth=auth) as doors,  # type: ignore[arg-type]  # the real one
        Raw(doors.unix("agent")) as agent, Raw(doors.unix("approver")) as approver,
    ):  # fmt: skip
        yield agent, approver


async def _filled(made: Lab, attacker: Attacker, agent: Raw, approver: Raw) -> Scene:
    incident = (await made.gateway.open_incident(ALICE, new(), "slow checkout")).id
    await made.gateway.add_hypothesis(AGENT, new(), incident, "too many sessions")
    read = await made.settled(READ, incident=incident)
    assert read.state == "SUCCEEDED"
    made.policy.obligations = [VERIFY]
    made.target.iac = {"manager": "argo", "app": "shop", "file": "roles.yaml", "owner": "team-db"}
    done = await made.settled(WRITE)
    assert (await made.after(11_000, done.id)).state == "COMMITTED"
    made.target.iac = None
    [entry], _ = await made.gateway.list_drift(entry="", open_only=True, page_size=1, page_token="")
    made.policy.permit = "approve"
    made.policy.obligations = [{"code": "TWO", "approvals": [{"group": "sre-oncall", "n": 2, "assurance": "socket"}]}]
    held = await made.settled(b'psql -c "ALTER ROLE other CONNECTION LIMIT 5"')
    await made.approve(held.id, BOB)
    return Scene(made, attacker, agent, approver, done.id, read.id, held.id, incident, entry.id)


ROW = "UPDATE actions SET {} WHERE id = :{}"
LEAF = "UPDATE leaves SET body = {}, hash = {} WHERE action = :{} AND kind = '{}'"
DOCUMENT = "UPDATE documents SET data = CAST(replace(data, '{}', '{}') AS BLOB) WHERE action = :{} AND kind LIKE '{}'"
GARBAGE = "CAST(x'ff00' AS TEXT)"
EDITS: dict[str, tuple[str, dict[str, str]]] = {
    "a state": (ROW.format("state = 'SUCCEEDED'", "done"), {"GetAction done": "ROW_EDITED"}),
    "a state that is none": (ROW.format("state = 'PARTY'", "done"), {"GetAction done": "ROW_EDITED"}),
    "a state that is no text": (ROW.format(f"state = {GARBAGE}", "done"), {}),
    "an agent": (ROW.format("agent = 'agent-2'", "done"), {"GetAction done": "ACTION_UNKNOWN"}),
    "an agent that is no text": (ROW.format(f"agent = {GARBAGE}", "read"), {}),
    "environments that are no JSON": (ROW.format("environments = '['", "done"), {"GetAction done": "ROW_EDITED"}),
    "environments that are a number": (ROW.format("environments = '5'", "held"), {"GetAction held": "ROW_EDITED"}),
    "a decision digest": (ROW.format("decision_digest = 'sha256:x'", "held"), {"GetAction held": "ROW_EDITED"}),
    "a version": (ROW.format("version = version + 1", "read"), {"WatchAction read": "ROW_EDITED"}),
    "a reason": (ROW.format("reason = 'LOOKS_FINE'", "done"), {"WatchAction done": "ROW_EDITED"}),
    "a row is gone": ("DELETE FROM actions WHERE id = :done", {"GetAction done": "ACTION_UNKNOWN"}),
    "a proposal": (
        "UPDATE documents SET data = x'7b7d' WHERE action = :done AND kind = 'proposal'",
        {"GetAction done": "PROPOSAL_EDITED"},
    ),
    "a proposal about something else": (
        DOCUMENT.format("checkout", "checkin!", "done", "proposal"), {"GetAction done": "PROPOSAL_EDITED"},
    ),
    "a proposal that is no JSON": (
        "UPDATE documents SET data = x'ff' WHERE action = :held AND kind = 'proposal'",
        {"GetAction held": "PROPOSAL_EDITED"},
    ),
    "a proposal is gone": (
        "DELETE FROM documents WHERE action = :read AND kind = 'proposal'", {"GetAction read": "PROPOSAL_EDITED"},
    ),
    "a decision": (
        DOCUMENT.format("allow", "deny!", "done", "decision%"), {"GetAction done": "DECISION_EDITED"},
    ),
    "a decision that is no JSON": (
        "UPDATE documents SET data = x'' WHERE action = :held AND kind LIKE 'decision/%'",
        {"GetAction held": "DECISION_EDITED"},
    ),
    "a decision is gone": (
        "DELETE FROM documents WHERE action = :read AND kind LIKE 'decision/%'", {"GetAction read": "DECISION_EDITED"},
    ),
    "a request for fewer people": (
        DOCUMENT.format('"n":2', '"n":1', "held", "request/0"), {"ListPending": "REQUEST_EDITED"},
    ),
    "a request that is no JSON": (
        "UPDATE documents SET data = x'5b' WHERE action = :held AND kind = 'request/0'",
        {"ListPending": "REQUEST_EDITED"},
    ),
    "a receipt": (
        DOCUMENT.format("a", "b", "done", "receipt%"),
        {"GetAction done": "RECEIPT_EDITED"},
    ),
    "a receipt is gone": (
        "DELETE FROM documents WHERE action = :done AND kind LIKE 'receipt%'", {"GetAction done": "RECEIPT_EDITED"},
    ),
    "a step": ("UPDATE steps SET status = 'undone' WHERE action = :done", {"GetAction done": "JOURNAL_EDITED"}),
    "the steps are gone": ("DELETE FROM steps WHERE action = :read", {"GetAction read": "JOURNAL_EDITED"}),
    "steps that nobody took": (
        "INSERT INTO steps VALUES (:held, 0, 'applied', 1, '')", {"GetAction held": "JOURNAL_EDITED"},
    ),
    "an output": ("UPDATE sealed SET data = x'01ff' WHERE action = :read", {"GetAction read": "SEALED_UNREADABLE"}),
    "the leaf of a receipt": (
        LEAF.format("x'00'", "hash", "done", "CM1017"),
        {"GetAction done": "LOG_EDITED", "WatchAction done": "LOG_EDITED", "GetProof done": "LOG_EDITED"},
    ),
    "the leaf of a receipt, another text": (
        LEAF.format("CAST(replace(body, '\"envelope\":\"sha256:', '\"envelope\":\"sha512:') AS BLOB)", "hash", "done",
                    "CM1017"),
        {"GetAction done": "LOG_EDITED", "GetProof done": "LOG_EDITED", "TailRecords": "LOG_EDITED"},
    ),
    "the leaf of a receipt, and its hash": (
        LEAF.format("x'00'", "zeroblob(32)", "done", "CM1017"),
        {"GetAction done": "LOG_EDITED", "GetProof done": "LOG_EDITED", "TailRecords": "LOG_EDITED"},
    ),
    "the leaf of an outcome": (LEAF.format("x'5b5b'", "hash", "read", "CM1012"), {"GetAction read": "LOG_EDITED"}),
    "a leaf is gone": (
        "DELETE FROM leaves WHERE action = :done AND kind = 'CM1017'",
        {"GetAction done": "STORE_LOG_DAMAGED", "TailRecords": "LOG_EDITED"},
    ),
    "the leaves of an action are found under none": (
        "UPDATE leaves SET action = 'act_x' WHERE action = :done", {"GetAction done": "ROW_EDITED"},
    ),
    "a leaf that is proven": (
        "UPDATE leaves SET body = CAST(replace(body, '1', '2') AS BLOB) WHERE idx = 3",
        {"GetProof of a leaf": "LOG_EDITED", "TailRecords": "LOG_EDITED"},
    ),
    "the hash of a leaf that is proven": (
        "UPDATE leaves SET hash = zeroblob(32) WHERE idx = 3", {"TailRecords": "LOG_EDITED"},
    ),
    "roots of subtrees": (
        "UPDATE leaves SET completes = x''",
        {"GetProof of a leaf": "STORE_LOG_DAMAGED", "GetProof of consistency": "STORE_LOG_DAMAGED"},
    ),
    "other roots of subtrees": (
        "UPDATE leaves SET completes = zeroblob(length(completes))",
        {"GetProof of a leaf": "LOG_EDITED", "GetProof of consistency": "LOG_EDITED"},
    ),
    "the newest checkpoint": ("UPDATE checkpoints SET note = 'x'", {"GetProof of a leaf": "LOG_EDITED"}),
    "the signature of the newest checkpoint": (
        "UPDATE checkpoints SET note = substr(note, 1, length(note) - 12) || 'AAAAAAAAAAA='",
        {"GetProof of consistency": "LOG_EDITED"},
    ),
    "an incident that is no JSON": ("UPDATE incidents SET doc = '['", {"GetIncident": "INCIDENT_EDITED"}),
    "an incident of other members": ("UPDATE incidents SET doc = '{\"a\":1}'", {"GetIncident": "INCIDENT_EDITED"}),
    "the source of an incident": ("UPDATE incidents SET source = 'alertmanager'", {"GetIncident": "INCIDENT_EDITED"}),
    "the text of an incident": (
        "UPDATE incidents SET doc = replace(doc, 'slow', 'fast')", {"ListIncidents": "INCIDENT_EDITED"},
    ),
    "an incident that is no text": (f"UPDATE incidents SET source = {GARBAGE}", {}),
    "an entry of the drift ledger": ("UPDATE drift SET owner = 'x'", {"ListDrift of one": "DRIFT_EDITED"}),
    "an entry that is no JSON": ("UPDATE drift SET before = '['", {"ListDrift": "DRIFT_EDITED"}),
    "a closed entry": ("UPDATE drift SET status = 'closed'", {"ListDrift of one": "DRIFT_EDITED"}),
}  # fmt: skip
QUIET = {"GetStatus", "GetCheckpoint"}
"""What tells of the log as a whole, whose newest leaves say what was found."""
HIDDEN = {
    ("an agent", "ListActions"), ("an agent that is no text", "ListActions"), ("a row is gone", "ListActions"),
    ("a row is gone", "ListActions of people"), ("an agent that is no text", "ListActions of an incident"),
}  # fmt: skip
"""A list tells of the rows that there are: whose agent was changed is in the list of people, marked; what is gone is
the audit's to name."""


async def test_every_door_that_reads_says_what_was_edited_and_goes_on() -> None:
    wrong: list[str] = []
    async with scene() as it:
        honest = await it.answers()
        assert {what: reason for what, (reason, _) in honest.items() if reason} == {"GetProof held": "RECEIPT_NONE"}
        for edit, (statement, expected) in EDITS.items():
            with it.attacker.undone(*TABLES):
                it.attacker.run(_named(it, statement))
                found = await it.answers()
            wrong += [f"{edit}: {problem}" for problem in _problems(edit, honest, found, expected)]
        assert not any(task.done() for task in it.made.tasks), "a part of the gateway has ended"
        assert {what: answer for what, answer in (await it.answers()).items() if what not in QUIET} == {
            what: answer for what, answer in honest.items() if what not in QUIET
        }
    assert not wrong, "\n".join(wrong)


def _problems(edit: str, honest: dict[str, Answer], found: dict[str, Answer], expected: dict[str, str]) -> list[str]:
    told = [f"{what}: {found[what][0]}, not {reason}" for what, reason in expected.items()
            if found[what][0] != reason and reason.encode() not in found[what][1]]  # fmt: skip
    for what, (reason, answer) in found.items():
        known = reason in EDITED | {honest[what][0], "ACTION_UNKNOWN", "RECEIPT_NONE", "STORE_UNAVAILABLE"}
        marked = any(code.encode() in answer for code in EDITED)
        if not known:
            told.append(f"{what}: {reason}")
        elif (
            (edit, what) not in HIDDEN
            and not reason
            and answer != honest[what][1]
            and not marked
            and what not in QUIET
            and what not in expected
        ):
            told.append(f"{what}: another answer, in silence")
    return told


def _named(it: Scene, statement: str) -> str:
    for word in ("done", "read", "held"):
        statement = statement.replace(f":{word}", f"'{getattr(it, word)}'")
    return statement


async def test_a_sink_gets_an_edited_leaf_as_it_is_and_security_is_told_once() -> None:
    class Sink:
        name = "sink"

        def __init__(self) -> None:
            self.got: list[tuple[int, bytes]] = []

        async def export(self, page: list[tuple[int, bytes]]) -> None:
            self.got += page

    async with scene() as it:
        with it.attacker.undone("leaves"):
            it.attacker.run("UPDATE leaves SET body = x'00' WHERE idx = 3")
            first, second = Sink(), Sink()
            for sink in (first, second):
                await it.made.world.store.write(lambda tx: tx.set_cursor("sink", 0))
                await _export_page(it.made.world, sink)  # type: ignore[arg-type]
            assert first.got[3] == (3, b"\x00")
            assert len(second.got) > len(first.got)
        told = [leaf.body for leaf in await records(it.made, "") if leaf.kind is K.SECURITY]
        assert [(body["code"], body["subject"]) for body in told] == [("LOG_EDITED", "3")]
