"""Rows forged in the database of a real gateway in front of a real executor: each is refused, with its own reason.

The attacker writes to the database while the gateway runs, and holds no key (but for one test, that of sealing). A
forged state row is found by the gateway, which compares it with the log; a forged grant of an action that is truly
granted is found by the executor. What the executor refuses for itself is also in test_forged_work.py.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.adapters.seal import sealer_from
from gateway.core.dsse import Envelope
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import State
from tests.chaos.history import Write
from tests.chaos.judge import state_of
from tests.chaos.process import Process, until
from tests.chaos.site import AUDIENCE, Intended, Site, running_targets, site
from tests.core.signing import sign

pytestmark = [pytest.mark.alone, pytest.mark.paired, pytest.mark.timeout(300)]
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(7, 39)))
READ = 'psql -c "SELECT count(*) FROM pg_stat_activity"'
GRANT_MS = 8_000


@dataclass
class Attacker:
    """Whoever can write to the database of a running gateway."""

    site: Site
    executor: Process

    def run(self, statement: str, *args: object) -> list[tuple[object, ...]]:
        """Run one statement and commit it."""
        with closing(sqlite3.connect(self.site.database, timeout=20)) as db:
            rows = db.execute(statement, args).fetchall()
            db.commit()
        return rows

    def document(self, action: str, kind: str) -> bytes:
        """Return a stored document."""
        [(data,)] = self.run("SELECT data FROM documents WHERE action = ? AND kind = ?", action, kind)
        assert isinstance(data, bytes)
        return data

    def push(self, action: str, **columns: object) -> None:
        """Let the gateway take an action for one that is granted, and waits to be done now."""
        for name, value in {"state": "GRANTED", **columns}.items():
            self.run(f"UPDATE actions SET {name} = ? WHERE id = ?", value, action)
        self.run("DELETE FROM steps WHERE action = ?", action)
        self.run("DELETE FROM nonces WHERE action = ?", action)
        for kind, at_ms in (("grant_expiry", 2**50), ("dispatch", 0)):
            self.run("INSERT OR REPLACE INTO due (action, kind, at_ms, payload, claimed_until_ms) "
                     "VALUES (?, ?, ?, '', 0)", action, kind, at_ms)  # fmt: skip

    def held(self) -> Intended:
        """Return a change that waits for a person: observed and sealed, never granted."""
        change = self.site.change_role(role=self.site.fresh_role("held"))
        until(lambda: state_of(self.site, change) is State.AWAITING_APPROVAL, "a person is asked")
        return change

    def done(self) -> Intended:
        """Return a change that was done, with its genuine grants."""
        change = self.site.change_role(role=self.site.fresh_role())
        until(lambda: state_of(self.site, change) is State.COMMITTED, "the change is committed")
        return change

    def waiting(self) -> str:
        """Return a read that is truly granted while no executor is there to do it."""
        self.executor.kill()
        until(lambda: AUDIENCE not in self.site.person.status().audiences, "the executor is gone")
        return self.site.agent.propose(READ).id

    def attach(self) -> None:
        """Start an executor; what waits is sent to it."""
        self.executor = self.site.executor()

    def history(self, change: Intended) -> list[Write]:
        """Return what the target remembers."""
        return [w for w in self.site.roles.history() if w.target == change.target]

    def refused(self, action: str, code: str) -> None:
        """Let an executor come, and check that it refused the read for this reason."""
        self.attach()
        until(lambda: self.site.person.get(action).state == State.REFUSED, f"refused as {code}")
        assert self.site.person.get(action).reason == code
        assert not self.site.person.get(action).outputs

    def found(self, change: Intended, code: str) -> None:
        """Check that the gateway tells security of it, and that nothing more was done to the target."""
        before = self.history(change)
        told = "SELECT COUNT(*) FROM leaves WHERE kind = ? AND instr(body, ?) AND instr(body, ?)"
        seen = (K.SECURITY.value, change.action.encode(), code.encode())
        until(lambda: self.run(told, *seen) == [(1,)], f"found as {code}")
        assert self.history(change) == before


@pytest.fixture(scope="module")
def attacker() -> Iterator[Attacker]:
    with running_targets() as targets, site(targets, timing={"grant_ttl_ms": GRANT_MS}) as made:
        made.gateway()
        yield Attacker(made, made.executor())


def test_an_approval_forged_in_the_state_row_is_no_grant(attacker: Attacker) -> None:
    held = attacker.held()
    attacker.push(held.action)
    attacker.found(held, "ROW_EDITED")
    assert attacker.history(held) == []


@pytest.mark.parametrize(
    "columns", [{}, {"fence": 0}, {"audience": "executor/other"}], ids=["kept", "fence", "audience"]
)
def test_a_finished_row_set_back_to_granted_is_not_done_again(attacker: Attacker, columns: dict[str, object]) -> None:
    done = attacker.done()
    if "audience" in columns:
        attacker.site.executor(audience="executor/other")
        until(lambda: "executor/other" in attacker.site.person.status().audiences, "the other executor is attached")
    attacker.push(done.action, **columns)
    attacker.found(done, "ROW_EDITED")


def test_a_finished_row_is_not_done_again_when_gateway_and_executor_have_forgotten_it(attacker: Attacker) -> None:
    done = attacker.done()
    attacker.executor.kill()
    attacker.site.processes[0].kill()
    attacker.push(done.action)
    attacker.site.processes[0] = attacker.site.gateway()
    attacker.attach()
    attacker.found(done, "ROW_EDITED")


def _none(attacker: Attacker, action: str) -> None:
    attacker.run("DELETE FROM documents WHERE action = ? AND kind = 'grant_action'", action)


def _replaced(forge: Callable[[Attacker, str], bytes]) -> Callable[[Attacker, str], None]:
    def put(attacker: Attacker, action: str) -> None:
        data = forge(attacker, action)
        attacker.run("UPDATE documents SET data = ? WHERE action = ? AND kind = 'grant_action'", data, action)

    return put


def _by_a_stranger(attacker: Attacker, action: str) -> bytes:
    return sign(Envelope.from_bytes(attacker.document(action, "grant_action")).payload, STRANGER)


def _in_the_gateways_name(attacker: Attacker, action: str) -> bytes:
    genuine = Envelope.from_bytes(attacker.document(action, "grant_action"))
    forged = Envelope.from_bytes(sign(genuine.payload, STRANGER))
    signature = type(forged.signatures[0])(genuine.signatures[0].keyid, forged.signatures[0].sig)
    return Envelope(forged.payload, forged.payload_type, (signature,)).to_bytes()


def _of_another_action(attacker: Attacker, _: str) -> bytes:
    return attacker.document(attacker.site.agent.propose(READ).id, "grant_action")


def _to_observe(attacker: Attacker, _: str) -> bytes:
    [(data,)] = attacker.run("SELECT data FROM documents WHERE kind = 'grant_observe/0' LIMIT 1")
    assert isinstance(data, bytes)
    return data


@pytest.mark.parametrize(
    ("code", "forge"),
    [
        ("GRANT_MISSING", _none),
        ("GRANT_KEY_UNKNOWN", _replaced(_by_a_stranger)),
        ("GRANT_SIGNATURE", _replaced(_in_the_gateways_name)),
        ("GRANT_SUBJECT", _replaced(_of_another_action)),
        ("GRANT_PREDICATE", _replaced(_to_observe)),
    ],
)
def test_a_forged_grant_in_the_database_is_refused(
    attacker: Attacker, code: str, forge: Callable[[Attacker, str], None]
) -> None:
    action = attacker.waiting()
    forge(attacker, action)
    attacker.refused(action, code)


def test_a_grant_that_ran_out_is_refused_though_its_timer_was_moved(attacker: Attacker) -> None:
    action = attacker.waiting()
    attacker.run("UPDATE due SET at_ms = ? WHERE action = ? AND kind = 'grant_expiry'", 2**50, action)
    [(began,)] = attacker.run("SELECT created_ms FROM actions WHERE id = ?", action)
    assert isinstance(began, int)
    until(lambda: time.time() * 1000 > began + GRANT_MS, "the grant ran out")
    attacker.refused(action, "GRANT_EXPIRED")


def test_a_changed_byte_of_a_sealed_plan_is_not_sent_at_all(attacker: Attacker) -> None:
    action = attacker.waiting()
    attacker.run(
        "UPDATE sealed SET data = CAST(substr(data, 1, length(data) - 1) || x'00' AS BLOB) "
        "WHERE action = ? AND kind = 'plan'", action,
    )  # fmt: skip
    attacker.attach()
    gateway = attacker.site.processes[0]
    until(lambda: f"timer dispatch of {action} failed" in gateway.text(), "the gateway cannot open the plan")
    until(lambda: gateway.says("SEALED_UNREADABLE"), "the gateway says why")
    assert not attacker.site.person.get(action).outputs


def test_a_changed_plan_sealed_again_is_refused_by_the_executor(attacker: Attacker) -> None:
    """With the sealing key, which is not in the database, the bytes can be changed; the grant names others."""
    action = attacker.waiting()
    sealer, aad = sealer_from(attacker.site.state / "secrets" / "seal.key"), f"{action}/plan".encode()
    [(sealed,)] = attacker.run("SELECT data FROM sealed WHERE action = ? AND kind = 'plan'", action)
    assert isinstance(sealed, bytes)
    plan = sealer.open(sealed, aad).replace(b"pg_stat_activity", b"pg_stat_database")
    attacker.run("UPDATE sealed SET data = ? WHERE action = ? AND kind = 'plan'", sealer.seal(plan, aad), action)
    attacker.refused(action, "GRANT_SUBJECT")


def test_grants_of_a_withdrawn_revision_are_dead_whatever_the_rows_say(attacker: Attacker) -> None:
    """The last test of the site: afterwards nothing new is granted there."""
    done = attacker.done()
    revision = attacker.site.person.status().revision
    attacker.site.person.withdraw(revision, "bad rule")
    attacker.run("UPDATE revisions SET status = 'active' WHERE revision = ?", revision)
    attacker.push(done.action)
    attacker.found(done, "ROW_EDITED")
