"""All rows of a long life leave a log that the auditor finds whole: leaves, documents, state rows."""

import pytest

from gateway.service.log import checkpoint
from tests.fakes.audited import _read
from tests.fakes.world import ALICE, VERIFY, Lab, lab
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
