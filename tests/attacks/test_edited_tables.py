"""Rows beside the state rows, edited in a database file with sqlite3: `audit verify` finds each, and names it.

Attacks on each table: steps, votes, switches, incidents, evidence, policy revisions, locks, timers; what counts as
applied and as a mishap, the drift ledger, used nonces, answered requests, exporters; and the columns by which the
gateway finds a leaf, which no hash covers.
"""

import asyncio
import atexit
import functools
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path

import anyio
import pytest

from gateway.adapters.store_audit import evidence_of
from gateway.adapters.store_files import existing
from gateway.core.audit import Report, audit
from gateway.core.keys import VerifyKey
from gateway.core.kinds import LeafKind as K
from gateway.ports import Tx
from gateway.service.record import global_leaf
from gateway.service.revise import Reviser
from tests.attacks.database import Attacker
from tests.fakes.mini_bundle import mini_bundle
from tests.fakes.world import AGENT, ALICE, BOB, READ, VERIFY, WRITE, Lab, lab
from tests.service.say import new, stop

OWNED = b'psql -c "ALTER ROLE owned CONNECTION LIMIT 5"'
SHOP = b'psql -c "ALTER ROLE shop CONNECTION LIMIT 5"'


@dataclass(frozen=True)
class Site:
    """A database with something in every table, and who is in it."""

    path: Path
    keys: Mapping[str, VerifyKey]
    held: str
    """Waits for a second person; one has voted."""
    verifying: str
    """Was applied, and holds its target."""
    leased: str
    undone: str
    """Drifted from its owner in code, harmed, and was taken back."""
    drifting: str
    """Stands, outside its owner in code."""
    probed: str
    """Executes; its executor is lost, a probe is to tell what it did."""
    proposed: str
    """Is to be observed."""
    incident: str
    now_ms: int


@functools.cache
def made_once() -> Site:
    return anyio.run(_made)


async def _made() -> Site:
    folder = Path(tempfile.mkdtemp(prefix="cm-tables-"))
    atexit.register(shutil.rmtree, folder)
    path = folder / "state" / "countermand.db"
    path.parent.mkdir(mode=0o700)
    async with lab(path=path) as made:
        site = await _filled(made, path)
        await made.signer.sign()
        return site


async def _filled(made: Lab, path: Path) -> Site:
    bundle = mini_bundle()
    await Reviser(made.world, lambda: bundle, lambda: bundle.revision).look()
    incident = (await made.gateway.open_incident(ALICE, new(), "slow checkout")).id
    await made.gateway.add_hypothesis(AGENT, new(), incident, "too many sessions")
    assert (await made.settled(READ, incident=incident)).state == "SUCCEEDED"
    made.policy.obligations = [VERIFY]
    undone = await _undone(made)
    drifting = await made.settled(OWNED)
    assert (await made.after(11_000, drifting.id)).state == "COMMITTED"
    made.target.iac = None
    leased = await made.settled(WRITE, lease_s=600)
    assert (await made.after(11_000, leased.id)).state == "LEASED"
    verifying = await made.settled(SHOP, incident=incident)
    assert verifying.state == "VERIFYING"
    made.policy.permit = "approve"
    made.policy.obligations = [{"code": "TWO", "approvals": [{"group": "sre-oncall", "n": 2, "assurance": "socket"}]}]
    held = await made.settled(b'psql -c "ALTER ROLE other CONNECTION LIMIT 5"')
    await made.approve(held.id, BOB)
    await stop(made, agent="agent-9")
    await _given_up(made)
    probed, proposed = await _in_flight(made)
    return Site(
        path, made.world.keys(), held.id, verifying.id, leased.id, undone, drifting.id, probed, proposed, incident,
        made.clock.now_ms(),
    )  # fmt: skip


async def _undone(made: Lab) -> str:
    """A change outside its owner in code that harms: a mishap, and an entry of the ledger that is closed."""
    made.target.iac = {"manager": "argo", "app": "shop", "file": "roles.yaml", "owner": "team-db"}
    view = await made.settled(b'psql -c "ALTER ROLE cart CONNECTION LIMIT 5"')
    made.telemetry.value = 50.0
    assert (await made.after(11_000, view.id)).state == "UNDONE"
    made.telemetry.value = 1.0
    return view.id


async def _given_up(made: Lab) -> None:
    """A sink that would not take a leaf, as `deliver` writes it."""

    def unit(tx: Tx) -> None:
        tx.put_dead_letter("oncall", 3, "no answer", made.clock.now_ms())
        body = {"sink": "oncall", "index": 3, "code": "NOT_DELIVERED", "detail": "no answer"}
        global_leaf(made.world, tx, K.DEAD_LETTER, body)
        tx.set_cursor("oncall", 4)

    await made.world.store.write(unit)


async def _in_flight(made: Lab) -> tuple[str, str]:
    """A change whose executor is lost, and one that nobody observes: the executor is gone."""
    made.policy.permit, made.policy.obligations = "allow", []
    made.target.vanish = True
    probed = await made.settled(b'psql -c "ALTER ROLE lost CONNECTION LIMIT 5"')
    assert probed.state == "EXECUTING"
    made.tasks[-1].cancel()
    await asyncio.gather(made.tasks[-1], return_exceptions=True)
    await made.clock.settle()
    proposed = await made.settled(b'psql -c "ALTER ROLE mute CONNECTION LIMIT 5"')
    assert proposed.state == "PROPOSED"
    return probed.id, proposed.id


def _audited(site: Site) -> Report:
    with closing(existing(site.path).connect(read_only=True)) as connection:
        return audit(replace(evidence_of(connection), now_ms=site.now_ms), keys=site.keys, origin="test/log")


def test_nothing_is_found_before_anybody_edits() -> None:
    report = _audited(made_once())
    assert [f"{v.action} {v.code}: {v.detail}" for v in report.violations] == []


_VOTE = "action, nonce, subject, groups, assurance, approve, at_ms, plan_digest, decision_digest, state_digest, comment"
_INCIDENT = "id, source, status, alert_ms, opened_ms, doc"
EDITS = {
    "a step counts as never applied": ("steps", "UPDATE steps SET status = 'pending' WHERE action = :verifying"),
    "a step has another fence": ("steps", "UPDATE steps SET fence = fence + 1 WHERE action = :verifying"),
    "the journal is gone": ("steps", "DELETE FROM steps WHERE action = :verifying"),
    "a step that nobody took": ("steps", "INSERT INTO steps VALUES (:held, 0, 'applied', 1, '')"),
    "a vote of somebody else": ("votes", "UPDATE votes SET subject = 'carol'"),
    "a vote with more assurance": ("votes", "UPDATE votes SET assurance = 'passkey'"),
    "a vote for became one against": ("votes", "UPDATE votes SET approve = 0"),
    "a vote that is neither": ("votes", "UPDATE votes SET approve = 7"),
    "a vote that nobody cast": (
        "votes",
        f"INSERT INTO votes ({_VOTE}) SELECT {_VOTE.replace('subject', repr('mallory'))} FROM votes",
    ),
    "a vote is gone": ("votes", "DELETE FROM votes"),
    "a comment was rewritten": ("votes", "UPDATE votes SET comment = 'looks fine'"),
    "a switch is gone": ("switches", "DELETE FROM switches"),
    "a switch is about another agent": ("switches", "UPDATE switches SET agent = 'agent-8'"),
    "a switch was turned on by another": ("switches", "UPDATE switches SET by = 'mallory'"),
    "a freeze that nobody turned on": ("switches", "INSERT INTO switches VALUES ('freeze', '', '', 1, 'alice', '')"),
    "an incident was closed": ("incidents", "UPDATE incidents SET status = 'closed'"),
    "an incident comes from a trusted source": ("incidents", "UPDATE incidents SET source = 'alertmanager'"),
    "an incident has another text": ("incidents", "UPDATE incidents SET doc = replace(doc, 'slow', 'fast')"),
    "an incident that nobody opened": (
        "incidents",
        f"INSERT INTO incidents ({_INCIDENT}) VALUES ('inc_x', 'human', 'open', 1, 1, '')",
    ),
    "an incident is gone": ("incidents", "DELETE FROM incidents"),
    "evidence of another outcome": ("reads", "UPDATE reads SET outcome = 'failed'"),
    "evidence for another target": ("reads", "UPDATE reads SET targets = '[\"pg:orders-db/role/shop\"]'"),
    "evidence that nobody made": (
        "reads",
        "INSERT INTO reads SELECT incident, 7, :verifying, hypothesis, targets, outcome, at_ms FROM reads",
    ),
    "evidence that is no JSON": ("reads", "UPDATE reads SET targets = '['"),
    "a revision was withdrawn": ("revisions", "UPDATE revisions SET status = 'withdrawn'"),
    "a revision that was never loaded": ("revisions", "INSERT INTO revisions VALUES ('sha256:x', 'active')"),
    "a lock is gone": ("locks", "DELETE FROM locks WHERE action = :verifying"),
    "a lock of another": ("locks", "UPDATE locks SET action = :held"),
    "a lock that nobody took": ("locks", "INSERT INTO locks VALUES ('pg:orders-db/role/x', :held)"),
    "a lease never ends": ("due", "UPDATE due SET at_ms = 1 << 50 WHERE action = :leased AND kind = 'lease_end'"),
    "a lease has no end": ("due", "DELETE FROM due WHERE action = :leased AND kind = 'lease_end'"),
    "a request for approval never ends": ("due", "UPDATE due SET at_ms = 1 << 50 WHERE kind = 'approval_ttl'"),
    "a verification never ends": ("due", "DELETE FROM due WHERE kind = 'verify_deadline'"),
    "an undo that nothing asked for": ("due", "INSERT INTO due VALUES (:leased, 'undo', 0, '', 0)"),
    "a timer of no kind": ("due", "INSERT INTO due VALUES (:leased, 'party', 0, '', 0)"),
    "a lease is hidden from the driver": (
        "due", "UPDATE due SET claimed_until_ms = 1 << 50 WHERE action = :leased AND kind = 'lease_end'",
    ),
    "a lease ends at once": ("due", "UPDATE due SET at_ms = 1 WHERE action = :leased AND kind = 'lease_end'"),
    "a lease that is being verified never ends": (
        "due", "INSERT INTO due VALUES (:verifying, 'lease_end', 1 << 50, '', 0)",
    ),
    "a request for approval ends at once": ("due", "UPDATE due SET at_ms = 1 WHERE kind = 'approval_ttl'"),
    "a verification ends early": ("due", "UPDATE due SET at_ms = at_ms - 5000 WHERE kind = 'verify_deadline'"),
    "a verification ends long after its window": (
        "due", "UPDATE due SET at_ms = at_ms + 3600000 WHERE kind = 'verify_deadline'",
    ),
    "samples are not taken any more": ("due", "UPDATE due SET at_ms = 1 << 50 WHERE kind = 'sample'"),
    "what keeps a way back ends early": (
        "due", "UPDATE due SET at_ms = at_ms - 1 WHERE action = :drifting AND kind = 'undo_window'",
    ),
    "what keeps a way back never ends": (
        "due", "UPDATE due SET at_ms = 1 << 50 WHERE action = :drifting AND kind = 'undo_window'",
    ),
    "what keeps a way back is gone": ("due", "DELETE FROM due WHERE action = :drifting AND kind = 'undo_window'"),
    "a drift is due never": ("due", "UPDATE due SET at_ms = 1 << 50 WHERE action = :drifting AND kind = 'drift'"),
    "nobody asks about a drift": ("due", "DELETE FROM due WHERE action = :drifting AND kind = 'drift'"),
    "an attempt never ends": ("due", "UPDATE due SET at_ms = 1 << 50 WHERE action = :probed"),
    "an attempt ended before it began": ("due", "UPDATE due SET at_ms = 1 WHERE action = :probed"),
    "a timer carries nonsense": ("due", "UPDATE due SET payload = 'x' WHERE action = :probed"),
    "an observation may come for ever": (
        "due", "UPDATE due SET at_ms = 1 << 50 WHERE action = :proposed AND kind = 'observe_deadline'",
    ),
    "an observation is offered never again": (
        "due", "UPDATE due SET at_ms = 1 << 50 WHERE action = :proposed AND kind = 'dispatch'",
    ),
    "a change counts as never applied": ("applied", "DELETE FROM applied WHERE action = :leased"),
    "a change was applied long ago": ("applied", "UPDATE applied SET at_ms = 1 WHERE action = :leased"),
    "a change of another agent": ("applied", "UPDATE applied SET agent = 'agent-8' WHERE action = :leased"),
    "a change counts as taken back": ("applied", "UPDATE applied SET undone_ms = at_ms WHERE action = :leased"),
    "a rollback is forgotten": ("applied", "UPDATE applied SET undone_ms = 0 WHERE action = :undone"),
    "a change that nobody made": ("applied", "INSERT INTO applied VALUES (:held, 'agent-1', 5, 0)"),
    "a change touched nothing": ("applied_targets", "DELETE FROM applied_targets WHERE action = :leased"),
    "a change touched something else": (
        "applied_targets", "INSERT INTO applied_targets VALUES ('pg:orders-db/role/x', :leased)",
    ),
    "a mishap is forgotten": ("mishaps", "DELETE FROM mishaps WHERE action = :undone"),
    "a mishap is long past": ("mishaps", "UPDATE mishaps SET at_ms = 1 WHERE action = :undone"),
    "a mishap elsewhere": ("mishaps", "UPDATE mishaps SET environment = 'dev' WHERE action = :undone"),
    "a mishap of another agent": ("mishaps", "UPDATE mishaps SET agent = 'agent-8' WHERE action = :undone"),
    "a mishap that never was": (
        "mishaps", "INSERT INTO mishaps VALUES (:held, 'prod', 'roles.connection_limit', 'agent-1', 5)",
    ),
    "a drift is closed": ("drift", "UPDATE drift SET status = 'closed'"),
    "a drift is another's": ("drift", "UPDATE drift SET owner = 'team-x'"),
    "a drift is from another value": ("drift", "UPDATE drift SET before = '7'"),
    "a drift is gone": ("drift", "DELETE FROM drift"),
    "a drift that nobody made": ("drift", "UPDATE drift SET id = 'dft_x' WHERE action = :drifting"),
    "a grant counts as never used": ("nonces", "DELETE FROM nonces WHERE action = :leased AND purpose = 'apply'"),
    "a way back counts as never used": ("nonces", "DELETE FROM nonces WHERE action = :undone AND purpose = 'undo'"),
    "a grant was used under another fence": ("nonces", "UPDATE nonces SET fence = 9 WHERE action = :leased"),
    "a grant counts as used": ("nonces", "INSERT INTO nonces VALUES (:held, 'apply', 'x', 1)"),
    "a grant to look of nobody": ("nonces", "INSERT INTO nonces VALUES ('act_x', 'observe', 'x', 0)"),
    "a request is forgotten": ("requests", "DELETE FROM requests WHERE answer = :leased"),
    "a request has another answer": ("requests", "UPDATE requests SET answer = :held WHERE answer = :leased"),
    "a request was another": ("requests", "UPDATE requests SET digest = 'sha256:x' WHERE answer = :leased"),
    "a vote's request is forgotten": ("requests", "DELETE FROM requests WHERE caller = 'bob'"),
    "a switch's request is of another time": ("requests", "UPDATE requests SET at_ms = 1 WHERE caller = 'alice'"),
    "a request that nobody sent": ("requests", "INSERT INTO requests VALUES ('agent-1', 'x', 'sha256:x', :held, 1)"),
    "a sink has everything already": ("cursors", "UPDATE cursors SET next = 1 << 40"),
    "a message that was given up is forgotten": ("dead_letters", "DELETE FROM dead_letters"),
    "a message that nobody gave up": ("dead_letters", "INSERT INTO dead_letters VALUES ('siem', 2, '', 1)"),
    "a leaf is found under no action": ("leaves", "UPDATE leaves SET action = '' WHERE action = :leased"),
    "a leaf is found under another kind": ("leaves", "UPDATE leaves SET kind = 'CM1039' WHERE action = :leased"),
}  # fmt: skip
ACTIONS = tuple(f.name for f in fields(Site) if f.name not in {"path", "keys", "now_ms"})
CODES = {
    "steps": "JOURNAL_", "votes": "VOTE_", "switches": "SWITCH_", "incidents": "INCIDENT_", "reads": "READ_",
    "revisions": "REVISION_",
    "locks": "LOCK_", "due": "TIMER_", "leaves": "LEAF_COLUMNS",
    "applied": "APPLIED_", "applied_targets": "APPLIED_", "mishaps": "MISHAP_", "drift": "DRIFT_", "nonces": "NONCE_",
    "requests": "REQUEST_", "cursors": "CURSOR_AHEAD", "dead_letters": "DEAD_LETTER_",
}  # fmt: skip


@pytest.mark.parametrize("what", EDITS)
def test_an_edited_row_is_found_and_named(what: str) -> None:
    site = made_once()
    table, statement = EDITS[what]
    with Attacker(site.path).undone(table):
        _edit(site, statement)
        report = _audited(site)
    assert report.violations, what
    assert all(v.code.startswith(CODES[table]) for v in report.violations), report.violations
    named = {getattr(site, word) for word in ACTIONS if f":{word}" in statement}
    told = {v.action for v in report.violations} | {w for v in report.violations for w in v.detail.split()}
    assert named <= told or table in {"leaves", "requests"}


def test_a_hidden_leaf_is_no_way_around_the_comparison_with_the_log() -> None:
    """The newest leaves of an action under another name: an audit says so, whatever the row looks like."""
    site = made_once()
    with Attacker(site.path).undone("leaves"):
        _edit(
            site,
            "UPDATE leaves SET action = 'act_other' WHERE idx = (SELECT MAX(idx) FROM leaves WHERE action = :leased)",
        )
        [violation] = _audited(site).violations
    assert violation.code == "LEAF_COLUMNS"
    assert violation.index >= 0


def _edit(site: Site, statement: str) -> None:
    for word in ACTIONS:
        statement = statement.replace(f":{word}", f"'{getattr(site, word)}'")
    assert Attacker(site.path).run(statement) == []
