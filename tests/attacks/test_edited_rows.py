"""State rows edited in the database file of a running gateway: nothing begins, and people are told.

The attacker puts everything else right too: steps and nonces are forgotten, the grant is genuine and not expired, the
fence is kept. The judge is the target's own history.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.core.events import Leaf
from gateway.core.kinds import LeafKind as K
from gateway.ports import ActionRow
from gateway.service.keyring import record_keys
from gateway.service.recorded import newest_transition
from gateway.service.start import started
from gateway.service.views import WorkView
from gateway.service.work import make_work
from tests.attacks.database import Attacker
from tests.fakes.world import AUDIENCE, VERIFY, WRITE, Lab, lab
from tests.service.hand import Hand, applied
from tests.service.say import records

pytestmark = pytest.mark.anyio
TOUCHED = ("actions", "steps", "nonces", "due", "leaves", "documents")


@dataclass
class Scene:
    """A gateway on a file, and a change that was done there."""

    made: Lab
    attacker: Attacker
    action: str

    async def told(self) -> list[tuple[str, str]]:
        """Return (kind, code) of what security and on-call were told about the action."""
        told = [leaf for leaf in await records(self.made, "") if leaf.kind in {K.SECURITY, K.NOTIFICATION}]
        named = [leaf for leaf in told if self.action in {leaf.body.get("subject"), leaf.body.get("action")}]
        return [(leaf.kind.name, str(leaf.body["code"])) for leaf in named]

    async def row(self) -> ActionRow:
        """Return the row as it is stored now."""
        row = await self.made.world.store.read(lambda tx: tx.action(self.action))
        assert row is not None
        return row

    async def newest(self) -> tuple[int, Leaf]:
        """Return the newest transition of the action."""
        found = await self.made.world.store.read(lambda tx: newest_transition(tx, self.action))
        assert found is not None
        return found[0], found[2]


@asynccontextmanager
async def scene(folder: Path, *, signed: bool = True) -> AsyncIterator[Scene]:
    """Run a change to its end on a file, and give what is needed to attack it."""
    path = folder / "state" / "countermand.db"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    async with lab(path=path) as made:
        made.policy.obligations = [VERIFY]
        view = await made.settled(WRITE)
        assert (await made.after(11_000, view.id)).state == "COMMITTED"
        if signed:
            await made.signer.sign()
        attacker = Attacker(path)
        with attacker.undone(*TOUCHED):
            yield Scene(made, attacker, view.id)


def _history(made: Lab) -> list[tuple[str, str, int]]:
    return list(made.target.history)


@pytest.mark.parametrize("fence", ["kept", "lowered"])
async def test_a_finished_row_set_back_to_granted_is_sent_to_nobody(tmp_path: Path, fence: str) -> None:
    async with scene(tmp_path) as it:
        before = _history(it.made)
        lowered = {"fence": 0} if fence == "lowered" else {}
        it.attacker.push(it.action, "GRANTED", "dispatch", **lowered)
        await it.made.clock.advance(5_000)
        assert _history(it.made) == before
        assert await it.told() == [("SECURITY", "ROW_EDITED"), ("NOTIFICATION", "ROW_EDITED")]


async def test_a_finished_row_set_back_to_granted_is_not_begun_by_whoever_has_work_for_it(tmp_path: Path) -> None:
    """The work was made before: only BeginAttempt stands between it and the target."""
    async with scene(tmp_path) as it:
        hand, work = await _work(it)
        it.attacker.push(it.action, "GRANTED", "grant_expiry")
        assert await hand.begin(work) == (False, "ROW_EDITED")
        assert await it.told() == [("SECURITY", "ROW_EDITED"), ("NOTIFICATION", "ROW_EDITED")]


async def test_after_a_restart_a_finished_row_set_back_to_granted_is_still_not_begun(tmp_path: Path) -> None:
    """The memory of what began is gone; the log is not."""
    async with scene(tmp_path) as first:
        action = first.action
    async with lab(path=tmp_path / "state" / "countermand.db", executor=False) as made:
        it = Scene(made, Attacker(tmp_path / "state" / "countermand.db"), action)
        with it.attacker.undone(*TOUCHED):
            hand, work = await _work(it)
            it.attacker.push(action, "GRANTED", "grant_expiry")
            assert not made.world.hub.has_begun(action)
            assert await hand.begin(work) == (False, "ROW_EDITED")


async def test_a_forged_row_and_a_forged_leaf_that_agree_are_found_by_the_signed_root(tmp_path: Path) -> None:
    async with scene(tmp_path) as first:
        action = first.action
    async with lab(path=tmp_path / "state" / "countermand.db", executor=False) as made:
        await made.signer.resume()
        it = Scene(made, Attacker(tmp_path / "state" / "countermand.db"), action)
        with it.attacker.undone(*TOUCHED):
            hand, work = await _work(it)
            index, leaf = await it.newest()
            it.attacker.push(action, "GRANTED", "grant_expiry")
            it.attacker.forge_leaf(index, row=(await it.row()).digest, state_after="GRANTED")
            assert leaf.row != (await it.newest())[1].row
            assert await hand.begin(work) == (False, "LOG_EDITED")
            assert await it.told() == [("SECURITY", "LOG_EDITED"), ("NOTIFICATION", "LOG_EDITED")]


async def test_before_its_checkpoint_a_forged_leaf_does_not_let_the_same_process_begin_again(tmp_path: Path) -> None:
    """The window of at most a second: what began in this process is remembered."""
    async with scene(tmp_path, signed=False) as it:
        hand, work = await _work(it)
        index, _ = await it.newest()
        it.attacker.push(it.action, "GRANTED", "grant_expiry")
        it.attacker.forge_leaf(index, row=(await it.row()).digest, state_after="GRANTED")
        assert await hand.begin(work) == (False, "ROW_EDITED")


@pytest.mark.parametrize("how", ["another action", "another leaf"])
async def test_newest_leaves_that_were_hidden_do_not_help_after_a_restart(tmp_path: Path, how: str) -> None:
    """The columns that leaves are found by are not hashed; or the leaves are made to look like those of another."""
    async with scene(tmp_path) as first:
        action = first.action
        granted = (await records(first.made, action))[-1]
        assert granted.state_after == "COMMITTED"
    async with lab(path=tmp_path / "state" / "countermand.db") as made:
        await made.signer.resume()
        it = Scene(made, Attacker(tmp_path / "state" / "countermand.db"), action)
        with it.attacker.undone(*TOUCHED):
            await _hide(it, how)
            await made.clock.advance(5_000)
            assert made.target.history == []
            assert await it.told() == [("SECURITY", "LOG_EDITED"), ("NOTIFICATION", "LOG_EDITED")]


async def _hide(it: Scene, how: str) -> None:
    """Hide what came after the grant, and put the row back to what its leaf says."""
    rows = it.attacker.run("SELECT idx, body FROM leaves WHERE action = ? ORDER BY idx", it.action)
    told = [(index, json.loads(str(body, "utf-8"))) for index, body in rows if isinstance(body, bytes)]
    after = min(index for index, leaf in told if leaf["state_after"] == "EXECUTING")
    for index, _ in told:
        if index >= after and how == "another leaf":
            it.attacker.forge_leaf(index, action="act_other")
    it.attacker.run("UPDATE leaves SET action = 'act_other' WHERE action = ? AND idx >= ?", it.action, after)
    wanted = (await it.newest())[1]
    was = await it.row()
    grant = next(leaf for _, leaf in told if leaf["kind"] == "CM1005" and "nonce" in leaf["body"])
    row = was.changed(
        state="GRANTED", version=wanted.version, updated_ms=wanted.at_ms, fence=0, reason="", undo_until_ms=0,
    )  # fmt: skip
    assert row.digest == wanted.row, "the attacker did not get the row right"
    it.attacker.push(it.action, "GRANTED", "dispatch", version=row.version, updated_ms=row.updated_ms, fence=0,
                     undo_until_ms=0)  # fmt: skip
    it.attacker.run(
        "INSERT OR REPLACE INTO due VALUES (?, 'grant_expiry', ?, '', 0)", it.action, grant["body"]["expires_ms"]
    )


async def test_a_finished_row_set_back_to_executing_does_not_go_on(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        before = _history(it.made)
        it.attacker.push(it.action, "EXECUTING", "dispatch")
        await it.made.clock.advance(5_000)
        assert _history(it.made) == before
        assert ("SECURITY", "ROW_EDITED") in await it.told()


async def test_an_undo_forged_in_the_state_row_does_not_begin(tmp_path: Path) -> None:
    async with scene(tmp_path) as it:
        hand, work = await _work(it, "undo")
        it.attacker.run("UPDATE actions SET state = 'UNDOING' WHERE id = ?", it.action)
        assert await hand.begin(work) == (False, "ROW_EDITED")
        assert await it.told() == [("SECURITY", "ROW_EDITED"), ("NOTIFICATION", "ROW_EDITED")]


async def test_a_granted_action_whose_proposal_was_edited_does_not_begin(tmp_path: Path) -> None:
    path = tmp_path / "state" / "countermand.db"
    path.parent.mkdir(mode=0o700)
    async with lab(path=path, executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.granted()
        attacker = Attacker(path)
        with attacker.undone("documents"):
            attacker.run(
                "UPDATE documents SET data = CAST(replace(data, 'checkout', 'checkin!') AS BLOB) "
                "WHERE action = ? AND kind = 'proposal'", view.id,
            )  # fmt: skip
            assert await hand.begin(work) == (False, "PROPOSAL_EDITED")


async def test_an_honest_row_begins_and_nobody_is_told_anything(tmp_path: Path) -> None:
    """The control: the same path, nothing edited."""
    path = tmp_path / "state" / "countermand.db"
    path.parent.mkdir(mode=0o700)
    async with lab(path=path, executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.granted()
        await made.signer.sign()
        assert await hand.begin(work) == (True, "")
        assert await hand.say(work, applied()) == (False, "")
        assert await Scene(made, Attacker(path), view.id).told() == []


async def _work(it: Scene, purpose: str = "apply") -> tuple[Hand, WorkView]:
    """Return work under the genuine grant of the action, in the hand of an executor, under the next fence."""
    hand = Hand.attach(it.made)
    kind = "grant_action" if purpose == "apply" else "grant_undo"
    grant = await it.made.world.store.read(lambda tx: tx.document(it.action, kind))
    assert grant is not None
    row = await it.row()
    work = make_work(it.made.world, row, purpose, grant=grant, plan=b"", fence=row.fence + 1)  # type: ignore[arg-type]
    sent = replace(work, work_id=f"wrk_{purpose}")
    for session in list(it.made.world.hub._sessions[AUDIENCE]):
        if session is not hand.session:
            session.close()
    assert it.made.world.hub.send(AUDIENCE, sent)
    return hand, sent


@pytest.mark.parametrize("kind", [K.KEY_EVENT, K.NOTIFICATION, K.GRANT, K.ATTEMPT])
async def test_a_leaf_edited_into_nonsense_ends_nothing_that_runs(tmp_path: Path, kind: K) -> None:
    """It says nothing any more; the driver, the keys and the doors go on, and the audit names it."""
    path = tmp_path / "state" / "countermand.db"
    path.parent.mkdir(mode=0o700)
    async with lab(path=path, executor=False) as made:
        await started(made.world)
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.granted()
        assert await hand.begin(work) == (True, "")
        hand.session.close()
        await made.clock.advance(120_000)
        attacker = Attacker(path)
        with attacker.undone("leaves"):
            attacker.run("UPDATE leaves SET body = x'00' WHERE kind = ?", kind.value)
            await record_keys(made.world, lambda _: {})
            await made.clock.advance(120_000)
            assert not made.tasks[0].done(), "the driver has ended"
            proceed, reason = await hand.say(work, applied())
            assert (proceed, reason in {"REPORT_FOREIGN", "FENCE_STALE"}) == (False, True)
            assert (await Scene(made, attacker, view.id).row()).state == "EXECUTING"
