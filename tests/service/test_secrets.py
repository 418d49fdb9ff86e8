"""Secrets that callers, targets and executors let slip reach no leaf, document, view, message or log line."""

import logging

import pytest

from gateway.core.canonical import canonical
from gateway.ports import Tx
from gateway.service.deliver import message_of
from gateway.service.live import Live
from gateway.service.reports import ChunkReport, ObservationReport, RefusalReport, StepReport, UndoReport
from gateway.service.views import OutputView
from tests.fakes.world import AGENT, ALICE, READ, VERIFY, Lab, lab
from tests.service.hand import Hand, applied, running, seen, undone
from tests.service.say import new

pytestmark = pytest.mark.anyio
SECRET = "hunter2hunter2"  # planted
SAID = f"it says password={SECRET} and Bearer {SECRET}"
KEY = "AKIAIOSFODNN7EXAMPLE"


async def _everything(made: Lab) -> bytes:
    """Return all that an auditor, a SIEM, a person or an agent may ever see."""

    def unit(tx: Tx) -> list[bytes]:
        leaves = tx.leaves(0, tx.log_head().size)
        messages = [canonical(m) for index, leaf in leaves if (m := message_of(made.world, tx, index, leaf))]
        return [leaf for _, leaf in leaves] + messages + _rows(tx)

    found = await made.world.store.read(unit)
    views, _ = await made.gateway.list_actions(ALICE, page_size=100, page_token="", incident="", states=())
    incidents, _ = await made.gateway.list_incidents(ALICE, page_size=100, page_token="", open_only=False)
    return b"\n".join([*found, *(repr(v).encode() for v in (*views, *incidents)), await _documents(made)])


def _rows(tx: Tx) -> list[bytes]:
    return [repr(row).encode() for row in (*tx.actions(limit=100), *tx.incidents(), *tx.switches())]


async def _documents(made: Lab) -> bytes:
    store = made.world.store._store  # type: ignore[attr-defined]
    connection = store._files.connect(read_only=True)
    try:
        found = (
            connection.execute("SELECT * FROM documents").fetchall()
            + connection.execute("SELECT * FROM votes").fetchall()
        )
    finally:
        connection.rollback()
        connection.close()
    return repr(found).encode()


async def test_what_people_and_agents_write_is_redacted_everywhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        alert = await made.gateway.open_alert(
            "alertmanager", title=SAID, labels={"token": SECRET, "why": SAID}, alert_ms=made.clock.now_ms(),
            fingerprint="f",
        )  # fmt: skip
        _, hypothesis = await made.gateway.add_hypothesis(AGENT, new(), alert.id, SAID)
        read = await made.settled(READ, incident=alert.id, hypothesis=hypothesis)
        await made.gateway.declare_cause(AGENT, new(), alert.id, hypothesis, SAID, (read.id,))
        for text in (b"rm -rf / --password=" + SECRET.encode(), f"psql -c \"SELECT 'password={SECRET}'\"".encode(),
                     f"psql -c \"ALTER ROLE x PASSWORD '{SECRET}'\"".encode(), f"{KEY} get pods".encode(),
                     f"kubectl --token={SECRET} get pods".encode()):  # fmt: skip
            await made.gateway.submit(
                AGENT, request_id=new(), command=text, steps=None, scope="", justification=SAID, incident="",
                hypothesis="", lease_s=0, validate_only=False,
            )  # fmt: skip
        done = await made.settled(incident=alert.id)
        await made.clock.advance(11_000)
        await made.gateway.rollback(ALICE, new(), done.id, SAID)
        await made.clock.advance(1_000)
        made.policy.permit = "approve"
        asked = await made.settled()
        await made.gateway.reject(ALICE, new(), asked.id, SAID)
        asked = await made.settled()
        await made.gateway.cancel(ALICE, new(), asked.id, SAID)
        made.policy.permit = "allow"
        held = await made.settled()
        await made.gateway.freeze(ALICE, new(), "", "", SAID)
        await made.gateway.resolve(ALICE, new(), held.id, "kept", SAID)
        await made.gateway.resume(ALICE, new(), "", "", SAID)
        await made.gateway.withdraw(ALICE, new(), made.policy.revision, SAID)
        everything = await _everything(made)
    assert b"hmac-sha256:" in everything
    for planted in (SECRET, KEY):
        assert planted not in everything.decode()
        assert planted not in caplog.text


async def test_what_executors_report_is_redacted_everywhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with lab(executor=False) as made:
        made.policy.obligations = [VERIFY]
        hand = Hand.attach(made)
        await made.settled()
        work = await hand.take("observe")
        await hand.begin(work)
        document = seen(made)
        step = document["steps"][0]
        step["facts"][0]["value"] |= {"password": SECRET, "note": SAID}
        step["preflight"]["changes"][0] |= {"from": SAID}
        step["snapshot"] = {"limit": 0, "password": SECRET}
        await hand.say(work, ObservationReport(canonical(document)))
        work = await hand.take("apply")
        await hand.begin(work)
        await hand.say(work, StepReport(0, "applied", "", SAID, SAID.encode(), truncated=False, after=b""))
        await made.gateway.cancel(AGENT, new(), work.action, "wrong")
        work = await hand.take("undo")
        await hand.say(work, RefusalReport("GRANT_KEY_UNKNOWN", SAID))
        await made.clock.advance(31_000)
        work = await hand.take("undo")
        await hand.begin(work)
        back = canonical({"limit": 3, "password": SECRET, "note": SAID})
        await hand.say(work, UndoReport(0, "conflict", "EDITED", SAID, back))
        everything = await _everything(made)
    assert b"EDITED" in everything
    assert SECRET not in everything.decode()
    assert SECRET not in caplog.text


async def test_the_raw_plan_and_snapshot_are_sealed_and_forgotten_in_time() -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made)
        await hand.say(hand.taken[-1], applied())
        await made.gateway.cancel(AGENT, new(), action, "wrong")
        work = await hand.take("undo")
        await hand.begin(work)
        await hand.say(work, undone())
        await hand.sample_again()
        sealed = await made.world.store.read(lambda tx: tx.sealed(action, "snapshot"))
        assert sealed is not None
        assert b"limit" not in sealed
        await made.clock.leap(604_800_001)
        await made.clock.advance(6_000)
        assert await made.world.store.read(lambda tx: tx.sealed(action, "snapshot")) is None
        assert (await made.get(action)).state == "UNDONE"


async def test_live_output_hides_a_secret_that_comes_in_two_pieces() -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled(READ)
        work = await hand.take("apply")
        await hand.begin(work)
        watched = made.world.bus.watch(view.id)
        await anext(watched)
        for piece in (b"a row\npassw", b"ord=hunter2", b"hunter2\nthe ", b"end\n"):
            await hand.say(work, ChunkReport(0, piece))
        events = [await anext(watched) for _ in range(3)]
    shown = b"".join(e.data for e in events if isinstance(e, OutputView)).decode()
    assert shown.startswith("a row\npassword=hmac-sha256:")
    assert shown.endswith("\nthe end\n")
    assert "hunter2" not in shown


@pytest.mark.parametrize("size", [1, 7, 64, 4096])
async def test_live_output_never_shows_a_part_of_a_key(size: int) -> None:
    body = "\n".join(f"c2VjcmV0{i:04d}" * 4 for i in range(40))
    text = f"one\n-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\ntwo\n".encode()
    async with lab(executor=False) as made:
        live, shown = Live(), b""
        for i in range(0, len(text), size):
            shown += live.add("wrk", 0, text[i : i + size], made.world.redactor)
    assert shown.startswith(b"one\n")
    assert b"c2VjcmV0" not in shown


async def test_live_output_ends_where_it_would_grow_without_bound() -> None:
    async with lab(executor=False) as made:
        live = Live()
        assert live.add("wrk", 0, b"x" * 300_000 + b"\n", made.world.redactor) == b""
        assert live.add("wrk", 0, b"more\n", made.world.redactor) == b""
        assert live.add("wrk", 1, b"other step\n", made.world.redactor) == b"other step\n"
