"""A log with a bit of everything in it, made by the real use cases, as an auditor finds it: the evidence, the keys."""

import functools
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace

import anyio

from gateway.adapters.store_audit import evidence_of
from gateway.core.audit import Evidence, Report, StoredCheckpoint, StoredLeaf, StoredNode, audit
from gateway.core.keys import VerifyKey
from gateway.service.log import checkpoint as newest
from tests.fakes.world import ALICE, READ, VERIFY, Lab, lab


@dataclass(frozen=True)
class Kept:
    """All of a database, in memory, so that a test can change any of it."""

    evidence: Evidence
    keys: Mapping[str, VerifyKey]
    first_note: str
    """A checkpoint signed long before the end."""
    last_note: str
    database: bytes

    @property
    def leaves(self) -> list[StoredLeaf]:
        return list(self.evidence.leaves)

    @property
    def checkpoints(self) -> list[StoredCheckpoint]:
        return list(self.evidence.checkpoints)

    @property
    def nodes(self) -> list[StoredNode]:
        return list(self.evidence.nodes or ())

    def audited(self, **changes: object) -> Report:
        return audit(replace(self.evidence, **changes), keys=self.keys, origin="test/log")  # type: ignore[arg-type]


@functools.cache
def kept() -> Kept:
    return anyio.run(_kept)


async def _kept() -> Kept:
    async with lab() as made:
        await made.settled(READ)
        await made.submit(b"rm -rf /")
        await made.signer.sign()
        first = await newest(made.world, 0)
        made.policy.obligations = [VERIFY]
        await _committed(made)
        await made.signer.sign()
        await _undone(made)
        made.policy.permit = "approve"
        await made.approve((await made.settled()).id)
        await made.signer.sign()
        return _read(made, first, await newest(made.world, 0))


async def _committed(made: Lab) -> None:
    view = await made.settled()
    assert (await made.after(11_000, view.id)).state == "COMMITTED"


async def _undone(made: Lab) -> None:
    view = await made.settled(b'psql -c "ALTER ROLE shop CONNECTION LIMIT 5"')
    made.telemetry.value = 50.0
    assert (await made.after(11_000, view.id)).state == "UNDONE"
    made.telemetry.value = 1.0
    assert ALICE.door == "approver"


def _read(made: Lab, first: str, last: str) -> Kept:
    files = made.world.store._store._files  # type: ignore[attr-defined]
    connection: sqlite3.Connection = files.connect(read_only=True)
    try:
        found = evidence_of(connection)
        evidence = replace(
            found, leaves=list(found.leaves), nodes=list(found.nodes or ()), documents=list(found.documents or ())
        )
        connection.rollback()
        return Kept(evidence, made.world.keys(), first, last, connection.serialize())
    finally:
        connection.close()
