"""Rows forged in the database, pushed out by the real gateway to a real executor: each is refused, with its own reason.

The attacker writes to the database while the gateway runs, and holds no key (but for one test, that of sealing). What
the executor refuses for itself is in test_forged_work.py; here the gateway is the one that was lied to.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.adapters.seal import sealer_from
from gateway.core.dsse import Envelope
from gateway.core.lifecycle import State
from tests.chaos.history import Write
from tests.chaos.judge import state_of
from tests.chaos.process import Process, until
from tests.chaos.site import Intended, Site, running_targets, site
from tests.core.signing import sign

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(7, 39)))


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

    def grant(self, action: str, data: bytes) -> None:
        """Put something in the place of the grant to act."""
        self.run("INSERT OR REPLACE INTO documents (action, kind, data) VALUES (?, 'grant_action', ?)", action, data)

    def push(self, action: str, **columns: object) -> None:
        """Let the gateway take an action for one that is granted, and waits to be done now."""
        for name, value in {"state": "GRANTED", **columns}.items():
            self.run(f"UPDATE actions SET {name} = ? WHERE id = ?", value, action)
        self.run("DELETE FROM steps WHERE action = ?", action)
        for kind, at_ms in (("grant_expiry", 2**50), ("dispatch", 0)):
            self.run("INSERT OR REPLACE INTO due (action, kind, at_ms, payload, claimed_until_ms) "
                     "VALUES (?, ?, ?, '', 0)", action, kind, at_ms)  # fmt: skip

    def held(self) -> Intended:
        """Return a change that waits for a person: observed and sealed, never granted."""
        change = self.site.change_role(role=self.site.fresh_role("held"))
        until(lambda: state_of(self.site, change) is State.AWAITING_APPROVAL, "a person is asked")
        return change

    def done(self, prefix: str = "role") -> Intended:
        """Return a change that was done, with its genuine grants."""
        change = self.site.change_role(role=self.site.fresh_role(prefix))
        until(lambda: state_of(self.site, change) is State.COMMITTED, "the change is committed")
        return change

    def history(self, change: Intended) -> list[Write]:
        """Return what the target remembers."""
        return [w for w in self.site.roles.history() if w.target == change.target]

    def refused(self, change: Intended, code: str) -> None:
        """Check that the executor refused it, that the log says so, and that nothing more was done to the target."""
        before = self.history(change)
        until(lambda: state_of(self.site, change) is State.REFUSED, f"refused as {code}")
        assert self.site.person.get(change.action).reason == code
        assert self.history(change) == before

    def not_begun(self, change: Intended, code: str) -> None:
        """Check that the gateway gave no leave, and that nothing more was done to the target."""
        before = self.history(change)
        until(lambda: self.executor.says(f"of {change.action} not begun: {code}"), f"not begun as {code}")
        assert self.history(change) == before


@pytest.fixture(scope="module")
def attacker() -> Iterator[Attacker]:
    with running_targets() as targets, site(targets) as made:
        made.gateway()
        yield Attacker(made, made.executor())


def test_an_approval_forged_in_the_state_row_is_no_grant(attacker: Attacker) -> None:
    held = attacker.held()
    attacker.push(held.action)
    attacker.refused(held, "GRANT_MISSING")
    assert attacker.history(held) == []


def _payload(attacker: Attacker) -> bytes:
    """Return the statement of a genuine grant."""
    return Envelope.from_bytes(attacker.document(attacker.done().action, "grant_action")).payload


def _by_a_stranger(attacker: Attacker, _: Intended) -> bytes:
    return sign(_payload(attacker), STRANGER)


def _in_the_gateways_name(attacker: Attacker, _: Intended) -> bytes:
    genuine = Envelope.from_bytes(attacker.document(attacker.done().action, "grant_action"))
    forged = Envelope.from_bytes(sign(genuine.payload, STRANGER))
    signature = type(forged.signatures[0])(genuine.signatures[0].keyid, forged.signatures[0].sig)
    return Envelope(forged.payload, forged.payload_type, (signature,)).to_bytes()


def _of_another_action(attacker: Attacker, _: Intended) -> bytes:
    return attacker.document(attacker.done().action, "grant_action")


def _to_observe(attacker: Attacker, change: Intended) -> bytes:
    return attacker.document(change.action, "grant_observe/0")


@pytest.mark.parametrize(
    ("code", "forge"),
    [
        ("GRANT_KEY_UNKNOWN", _by_a_stranger),
        ("GRANT_SIGNATURE", _in_the_gateways_name),
        ("GRANT_SUBJECT", _of_another_action),
        ("GRANT_PREDICATE", _to_observe),
    ],
)
def test_a_forged_grant_in_the_database_is_refused(
    attacker: Attacker, code: str, forge: Callable[[Attacker, Intended], bytes]
) -> None:
    held = attacker.held()
    attacker.grant(held.action, forge(attacker, held))
    attacker.push(held.action)
    attacker.refused(held, code)
    assert attacker.history(held) == []


def test_a_grant_that_ran_out_is_refused(attacker: Attacker) -> None:
    done = attacker.done("brief")  # its grant lives for a second, less than its verification takes
    attacker.push(done.action)
    attacker.refused(done, "GRANT_EXPIRED")


def test_a_grant_for_another_executor_is_refused(attacker: Attacker) -> None:
    done = attacker.done()
    other = attacker.site.executor(audience="executor/other")
    until(lambda: "executor/other" in attacker.site.person.status().audiences, "the other executor is attached")
    attacker.push(done.action, audience="executor/other")
    attacker.refused(done, "GRANT_AUDIENCE")
    other.stop()


def test_a_changed_byte_of_a_sealed_plan_is_not_sent_at_all(attacker: Attacker) -> None:
    done = attacker.done()
    attacker.run(
        "UPDATE sealed SET data = CAST(substr(data, 1, length(data) - 1) || x'00' AS BLOB) "
        "WHERE action = ? AND kind = 'plan'", done.action,
    )  # fmt: skip
    before = attacker.history(done)
    attacker.push(done.action)
    gateway = attacker.site.processes[0]
    until(lambda: f"timer dispatch of {done.action} failed" in gateway.text(), "the gateway cannot open the plan")
    until(lambda: gateway.says("SEALED_UNREADABLE"), "the gateway says why")
    assert attacker.history(done) == before


def test_a_changed_plan_sealed_again_is_refused_by_the_executor(attacker: Attacker) -> None:
    """With the sealing key, which is not in the database, the bytes can be changed; the grant names others."""
    done = attacker.done()
    sealer, aad = sealer_from(attacker.site.state / "secrets" / "seal.key"), f"{done.action}/plan".encode()
    [(sealed,)] = attacker.run("SELECT data FROM sealed WHERE action = ? AND kind = 'plan'", done.action)
    assert isinstance(sealed, bytes)
    plan = sealer.open(sealed, aad).replace(str(done.new).encode(), b"999")
    attacker.run(
        "UPDATE sealed SET data = ? WHERE action = ? AND kind = 'plan'", sealer.seal(plan, aad), done.action
    )  # fmt: skip
    attacker.push(done.action)
    attacker.refused(done, "GRANT_SUBJECT")


def test_a_lower_fence_is_refused_by_the_executor_that_saw_a_higher_one(attacker: Attacker) -> None:
    done = attacker.done()
    attacker.push(done.action, fence=0)
    attacker.refused(done, "GRANT_FENCE")


def test_a_used_nonce_is_refused_when_the_executor_has_forgotten_the_fence(attacker: Attacker) -> None:
    done = attacker.done()
    attacker.executor.kill()
    attacker.executor = attacker.site.executor()
    attacker.push(done.action, fence=0)
    attacker.not_begun(done, "NONCE_REPLAYED")


def test_grants_of_a_withdrawn_revision_are_dead_whatever_the_state_row_says(attacker: Attacker) -> None:
    """The last test of the site: afterwards nothing new is granted there."""
    done = attacker.done()
    attacker.site.person.withdraw(attacker.site.person.status().revision, "bad rule")
    attacker.push(done.action)
    attacker.not_begun(done, "REVISION_WITHDRAWN")
