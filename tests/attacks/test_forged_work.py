"""Forged work, sent to a real executor process in front of a real PostgreSQL: refused, each with its own reason.

The judge is the database's own append-only history: a trigger of the server writes down every login, and xmin changes
with every write to a role's row.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from countermand.gateway.v1 import executor_service_pb2 as pb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.canonical import Json
from gateway.core.dsse import Envelope
from gateway.core.grant import GrantKind, statement
from gateway.core.step import Step
from tests.core.signing import GATEWAY, STRANGER, public_key, sign
from tests.executor.grants import FAR_MS, grant, jwks, plan_of, work
from tests.executor.processes import executor_process, write_config
from tests.executor.steps import role_limit
from tests.fakes.executor_gateway import ExecutorGateway, serving
from tests.fixtures_pg import Postgres

pytestmark = pytest.mark.anyio
REVOKED = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
STEP = role_limit("shop", 3)
SNAPSHOT = [{"connection_limit": 20}]
_HISTORY = (
    "CREATE TABLE history (n bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), who text)",
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'append only'; END $$",
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history EXECUTE FUNCTION refuse()",
    """CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
         IF session_user = 'executor' THEN INSERT INTO public.history (who) VALUES (session_user); END IF;
       END $$""",
    "CREATE EVENT TRIGGER logins ON login EXECUTE FUNCTION note()",
    "ALTER EVENT TRIGGER logins ENABLE ALWAYS",
)


@dataclass(frozen=True, slots=True)
class Site:
    """A gateway that may lie, an executor, and what the database itself remembers."""

    gateway: ExecutorGateway
    history: Callable[[], object]


@pytest.fixture
def history(postgres: Postgres) -> Iterator[Callable[[], object]]:
    postgres.run(
        "CREATE DATABASE forged", "CREATE ROLE executor LOGIN SUPERUSER", "CREATE ROLE shop CONNECTION LIMIT 20"
    )
    postgres.run(*_HISTORY, database="forged")

    def read() -> object:
        logins = postgres.run("SELECT count(*) FROM history", database="forged")
        role = postgres.run("SELECT rolconnlimit, xmin::text FROM pg_authid WHERE rolname = 'shop'")
        return logins, role

    yield read
    postgres.run("DROP DATABASE forged WITH (FORCE)", "DROP ROLE executor", "DROP ROLE shop")


@pytest.fixture
async def site(postgres: Postgres, history: Callable[[], object], tmp_path: Path) -> AsyncIterator[Site]:
    gateway = ExecutorGateway()
    keys = jwks(public_key(GATEWAY), public_key(REVOKED, revoked_ms=1))
    dsn = postgres.dsn_of("forged", "executor")
    async with serving(gateway, tmp_path / "gateway.sock") as address:
        config = write_config(tmp_path, address, keys, {"db": {"tool": "postgres", "dsn": dsn}})
        async with executor_process(config):
            await gateway.wait_for(lambda: bool(gateway.attached))
            yield Site(gateway, history)


def apply(**changes: Json) -> pb.Work:
    return work([STEP], pb.PURPOSE_APPLY, snapshots=SNAPSHOT, **changes)


def granted(kind: GrantKind = GrantKind.ACTION, step: Step = STEP, **changes: Json) -> bytes:
    return statement(grant(plan_of([step]), kind, b"{}", **changes))


def resealed(envelope: bytes, kid: str) -> bytes:
    """Return an envelope that claims to be signed by another key."""
    found = Envelope.from_bytes(envelope)
    signature = type(found.signatures[0])(kid, found.signatures[0].sig)
    return Envelope(found.payload, found.payload_type, (signature,)).to_bytes()


def retyped(envelope: bytes) -> bytes:
    """Return an envelope under the payload type that its signature covers."""
    found = Envelope.from_bytes(envelope)
    return Envelope(found.payload, "text/plain", found.signatures).to_bytes()


def tampered(envelope: bytes) -> bytes:
    """Return an envelope whose statement was edited after it was signed."""
    found = Envelope.from_bytes(envelope)
    return Envelope(
        found.payload.replace(b'"tier":"approval"', b'"tier":"autonomous"'), found.payload_type, found.signatures
    ).to_bytes()


OTHER_PLAN = plan_of([role_limit("shop", 0)]).to_bytes()
FORGERIES: dict[str, tuple[str, Callable[[], pb.Work]]] = {
    "no grant": ("GRANT_MISSING", lambda: apply(grant=b"")),
    "not an envelope": ("GRANT_ENVELOPE", lambda: apply(grant=b'{"payload":"e30"}')),
    "another payload type": (
        "GRANT_ENVELOPE", lambda: apply(grant=retyped(sign(granted(), payload_type="text/plain"))),
    ),
    "a key nobody trusts": ("GRANT_KEY_UNKNOWN", lambda: apply(grant=sign(granted(), STRANGER))),
    "a key that was revoked": ("GRANT_KEY_REVOKED", lambda: apply(grant=sign(granted(), REVOKED))),
    "a trusted key's name": (
        "GRANT_SIGNATURE", lambda: apply(grant=resealed(sign(granted(), STRANGER), public_key(GATEWAY).kid)),
    ),
    "an edited statement": ("GRANT_SIGNATURE", lambda: apply(grant=tampered(sign(granted())))),
    "a grant to observe": ("GRANT_PREDICATE", lambda: apply(grant=sign(granted(GrantKind.OBSERVE)))),
    "a grant to undo": ("GRANT_PREDICATE", lambda: apply(grant=sign(granted(GrantKind.UNDO)))),
    "another executor's": ("GRANT_AUDIENCE", lambda: apply(grant=sign(granted(audience="executor/prod")))),
    "not yet valid": ("GRANT_NOT_YET", lambda: apply(grant=sign(granted(not_before_ms=FAR_MS - 1)))),
    "expired": ("GRANT_EXPIRED", lambda: apply(grant=sign(granted(expires_ms=1)))),
    "another plan": ("GRANT_SUBJECT", lambda: apply(plan=OTHER_PLAN)),
    "one byte more": ("GRANT_SUBJECT", lambda: apply(plan=plan_of([STEP]).to_bytes() + b" ")),
    "another action's": ("GRANT_SUBJECT", lambda: apply(action_id="act_2")),
    "a changed way back": (
        "GRANT_SUBJECT",
        lambda: work(
            [STEP], pb.PURPOSE_UNDO, snapshots=SNAPSHOT, snapshot=b'{"steps":[{"connection_limit":0}]}'
        ),
    ),
    "no way back": ("GRANT_SUBJECT", lambda: work([STEP], pb.PURPOSE_UNDO, snapshots=SNAPSHOT, snapshot=b"")),
    "a fence of nothing": ("GRANT_FENCE", lambda: apply(fence=0)),
    "a snapshot of another plan": ("WORK_MALFORMED", lambda: apply(snapshot=b'{"steps":[]}')),
    "a step beyond the plan": ("WORK_MALFORMED", lambda: apply(first_step=1)),
    "checks that are none": ("WORK_MALFORMED", lambda: apply(checks=[{"name": "x"}])),
}  # fmt: skip


async def test_every_forgery_is_refused_with_its_reason_and_touches_nothing(site: Site) -> None:
    before = site.history()
    for name, (code, forge) in FORGERIES.items():
        reports = await site.gateway.send(forge())
        assert [r.refusal.code for r in reports] == [code], name
    assert site.gateway.begins == []
    assert site.history() == before


async def test_the_same_work_with_a_right_grant_does_reach_the_target(site: Site) -> None:
    """The control: without it the test above would prove nothing."""
    before = site.history()
    reports = await site.gateway.send(apply())
    assert [r.step.status for r in reports] == [pb.STEP_STATUS_APPLIED]
    assert site.history() != before


async def test_a_fence_that_is_not_above_every_attempt_is_refused(site: Site) -> None:
    await site.gateway.send(apply(fence=5))
    before = site.history()
    for purpose in (pb.PURPOSE_APPLY, pb.PURPOSE_PROBE, pb.PURPOSE_UNDO):
        for fence in (4, 5):
            reports = await site.gateway.send(work([STEP], purpose, snapshots=SNAPSHOT, fence=fence))
            assert [r.refusal.code for r in reports] == ["GRANT_FENCE"]
    late = await site.gateway.send(work([STEP], pb.PURPOSE_OBSERVE, fence=4))
    assert [r.refusal.code for r in late] == ["GRANT_FENCE"]
    assert site.history() == before


@pytest.mark.parametrize("reason", ["NONCE_USED", "REVISION_WITHDRAWN", "STOPPED", "TARGET_BUSY"])
async def test_without_leave_nothing_is_touched_whatever_the_purpose(site: Site, reason: str) -> None:
    """A replayed nonce and a withdrawn revision are known to the gateway alone, and refused there."""
    site.gateway.begin = lambda _: pb.BeginAttemptResponse(begun=False, reason=reason)
    before = site.history()
    purposes = (
        pb.PURPOSE_OBSERVE, pb.PURPOSE_APPLY, pb.PURPOSE_PROBE, pb.PURPOSE_SAMPLE, pb.PURPOSE_UNDO,
    )  # fmt: skip
    for purpose in purposes:
        await site.gateway.work.put(work([STEP], purpose, snapshots=SNAPSHOT))
    # Work of one action is done in order: once the refusal of the last piece is heard, the others are over.
    reports = await site.gateway.send(apply(grant=b""))
    assert [r.refusal.code for r in reports] == ["GRANT_MISSING"]
    assert [b.purpose for b in site.gateway.begins] == list(purposes)
    assert len(site.gateway.reports) == 1
    assert site.history() == before


async def test_work_that_is_delivered_twice_is_done_once(site: Site) -> None:
    twice = apply()
    await site.gateway.work.put(twice)
    await site.gateway.send(twice)
    await site.gateway.send(apply(grant=b""))
    assert len(site.gateway.begins) == 1
    assert len([r for r in site.gateway.reports if r.work_id == twice.work_id]) == 1
