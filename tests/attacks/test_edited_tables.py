"""Rows beside the state rows, edited in a database file with sqlite3: `audit verify` finds each, and names it.

One attack for each table: a step, a vote, a switch, an incident, a policy revision, a lock, a timer; and the columns by
which the gateway finds a leaf, which no hash covers.
"""

import functools
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from gateway.adapters.store_audit import evidence_of
from gateway.adapters.store_files import existing
from gateway.core.audit import Report, audit
from gateway.core.keys import VerifyKey
from gateway.service.revise import Reviser
from tests.attacks.database import Attacker
from tests.fakes.mini_bundle import mini_bundle
from tests.fakes.world import AGENT, ALICE, BOB, READ, VERIFY, WRITE, Lab, lab
from tests.service.say import new, stop

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
    incident: str


@functools.cache
def made_once() -> Site:
    return anyio.run(_made)


async def _made() -> Site:
    path = Path(tempfile.mkdtemp(prefix="cm-tables-")) / "state" / "countermand.db"
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
    leased = await made.settled(WRITE, lease_s=600)
    assert (await made.after(11_000, leased.id)).state == "LEASED"
    verifying = await made.settled(SHOP, incident=incident)
    assert verifying.state == "VERIFYING"
    made.policy.permit = "approve"
    made.policy.obligations = [{"code": "TWO", "approvals": [{"group": "sre-oncall", "n": 2, "assurance": "socket"}]}]
    held = await made.settled(b'psql -c "ALTER ROLE other CONNECTION LIMIT 5"')
    await made.approve(held.id, BOB)
    await stop(made, agent="agent-9")
    return Site(path, made.world.keys(), held.id, verifying.id, leased.id, incident)


def _audited(site: Site) -> Report:
    with closing(existing(site.path).connect(read_only=True)) as connection:
        return audit(evidence_of(connection), keys=site.keys, origin="test/log")


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
    "a leaf is found under no action": ("leaves", "UPDATE leaves SET action = '' WHERE action = :leased"),
    "a leaf is found under another kind": ("leaves", "UPDATE leaves SET kind = 'CM1039' WHERE action = :leased"),
}  # fmt: skip
CODES = {
    "steps": "JOURNAL_", "votes": "VOTE_", "switches": "SWITCH_", "incidents": "INCIDENT_", "reads": "READ_",
    "revisions": "REVISION_",
    "locks": "LOCK_", "due": "TIMER_", "leaves": "LEAF_COLUMNS",
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
    named = {
        name for name in (site.held, site.verifying, site.leased, site.incident) if f":{_word(site, name)}" in statement
    }
    told = {v.action for v in report.violations} | {w for v in report.violations for w in v.detail.split()}
    assert named <= told or table == "leaves"


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


def _word(site: Site, name: str) -> str:
    return {site.held: "held", site.verifying: "verifying", site.leased: "leased", site.incident: "incident"}[name]


def _edit(site: Site, statement: str) -> None:
    for word in ("held", "verifying", "leased"):
        statement = statement.replace(f":{word}", f"'{getattr(site, word)}'")
    assert Attacker(site.path).run(statement) == []
