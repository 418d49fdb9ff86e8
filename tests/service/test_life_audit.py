"""All rows of a long life leave a log that the auditor finds whole: leaves, documents, state rows."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.store_audit import evidence_of
from gateway.adapters.store_files import existing
from gateway.core.audit import audit
from gateway.service.log import checkpoint
from gateway.service.settings import Timing
from gateway.service.world import World
from tests.fakes.audited import _read
from tests.fakes.world import ALICE, VERIFY, Lab, lab, violations
from tests.service.say import new

pytestmark = pytest.mark.anyio
ARGO = {"manager": "argo", "name": "orders", "path": "roles.yaml"}


def limit(n: int, role: str = "checkout") -> bytes:
    return f'psql -c "ALTER ROLE {role} CONNECTION LIMIT {n}"'.encode()


async def _kept(made: Lab, command: bytes, lease_s: int = 0) -> str:
    view = await made.settled(command, lease_s=lease_s)
    return (await made.after(11_000, view.id)).id


async def test_supersession_drift_recheck_conflict_and_every_asking_again_are_audited_clean() -> None:
    async with lab() as made:
        made.policy.obligations = [VERIFY]
        made.target.iac = ARGO
        await _kept(made, limit(5), lease_s=60)
        await made.signer.sign()
        first = await checkpoint(made.world, 0)
        over = await _kept(made, limit(9), lease_s=60)  # superseded, its way back signed again
        await made.gateway.renew(ALICE, new(), over, 600)
        await made.gateway.keep(ALICE, new(), over)
        await made.gateway.rollback(ALICE, new(), over, "not needed")
        assert (await made.after(2_000, over)).state == "UNDONE"
        [entry, *_] = (await made.gateway.list_drift(entry="", open_only=False, page_size=9, page_token=""))[0]
        assert entry.status == "closed"
        edited = await made.settled(limit(7, "shop"))
        made.target.values["pg:orders-db/role/shop"] = 99
        assert (await made.after(2_000, edited.id)).state == "NEEDS_HUMAN"
        await made.gateway.resolve(ALICE, new(), edited.id, "kept", "theirs is right")
        [entry] = (await made.gateway.list_drift(entry="", open_only=True, page_size=9, page_token=""))[0]
        await made.gateway.close_drift(ALICE, new(), entry.id, "pr/7")
        harmed = await made.settled(limit(6, "web"))
        made.telemetry.value, made.telemetry.after_undo = 50.0, 50.0
        assert (await made.after(14_000, harmed.id)).reason == "CHECKS_STILL_BAD"
        made.policy.limits = [{"code": "TEST_LIMIT", "limit": "deny", "step": 0, "args": {}}]
        await made.gateway.resolve(ALICE, new(), harmed.id, "undone_by_hand", "mended")
        await made.signer.sign()
        report = _read(made, first, await checkpoint(made.world, 0)).audited()
        assert report.violations == ()
        assert report.leaves > 60


async def test_what_could_not_be_told_and_was_taken_back_by_a_person_is_audited_clean() -> None:
    async with lab(executor=False) as made:
        made.target.fail, made.target.unreadable = "unknown", True
        made.attach()
        view = await made.settled()
        view = await made.after(600_000, view.id)
        assert (view.state, view.reason) == ("NEEDS_HUMAN", "PROBE_CANNOT_TELL")
        made.target.unreadable = False
        await made.gateway.resolve(ALICE, new(), view.id, "retry_undo", "")
        assert (await made.after(5_000, view.id)).state == "UNDONE"  # and the lab finds nothing wrong


async def test_a_start_with_shorter_deadlines_leaves_those_of_what_runs_and_is_audited_clean(tmp_path: Path) -> None:
    async with lab(executor=False, path=tmp_path / "store.db") as made:
        made.target.vanish = True
        made.attach()
        view = await made.settled()
        assert view.state == "EXECUTING"
    async with lab(
        Timing(attempt_ms=5_000, attempt_margin_ms=1_000), executor=False, path=tmp_path / "store.db"
    ) as two:
        await two.gateway.cancel(ALICE, new(), view.id, "no")
        assert (await two.get(view.id)).reason == "ABORT_REQUESTED"
        assert not await violations(two)


async def test_a_log_that_an_older_gateway_began_is_audited_clean_and_guarded_from_the_first_start_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_: World) -> None:
        """Start as a gateway did that told no deadlines."""

    with monkeypatch.context() as before:
        before.setattr("tests.fakes.world.started", silent)
        async with lab(path=tmp_path / "store.db") as made:
            older = await _kept(made, limit(5))
    async with lab(path=tmp_path / "store.db") as made:
        newer = await _kept(made, limit(5, "shop"))
    with closing(existing(tmp_path / "store.db").connect(read_only=True)) as connection:
        evidence = evidence_of(connection)
        assert evidence.tables is not None
        strange = {("agent-1", "forgotten"): "sha256:0"}
        edited = replace(evidence.tables.ledgers, applied={}, requests=strange)
        whole = replace(evidence, checkpoints=(), tables=replace(evidence.tables, ledgers=edited))
        found = {(v.action, v.code) for v in audit(whole, keys={}).violations}
    assert (newer, "APPLIED_MISSING") in found
    assert ("", "REQUEST_MISSING") in found
    assert older not in {action for action, _ in found}
    assert "REQUEST_UNKNOWN" not in {code for _, code in found}
