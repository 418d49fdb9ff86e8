"""What every store promises about mishaps and the drift ledger."""

from dataclasses import replace

import pytest

from gateway.ports import DriftRow, MishapRow, Store, Tx
from tests.contract.stores import store as store

pytestmark = pytest.mark.anyio
MISHAP = MishapRow("act_1", "prod", "deployments.scale", "agent/a", 10)
ENTRY = DriftRow(
    id="dft_1", action="act_1", step=0, target="k8s:prod/web", path="/spec/replicas", before="2", after="3",
    manager="argo", name="web", file="apps/web.yaml", owner="team-web", opened_ms=10, due_ms=100,
)  # fmt: skip


async def test_mishaps_are_counted_by_agent_or_operation_and_environment_inside_a_window(store: Store) -> None:
    def fill(tx: Tx) -> None:
        tx.note_mishap(MISHAP)
        tx.note_mishap(replace(MISHAP, operation="deployments.restart"))
        tx.note_mishap(replace(MISHAP, action="act_2", at_ms=20))
        tx.note_mishap(replace(MISHAP, action="act_3", environment="staging", at_ms=30))
        tx.note_mishap(replace(MISHAP, action="act_4", agent="agent/b", at_ms=40))

    def counts(tx: Tx) -> list[int]:
        return [
            tx.mishaps("prod", 0, agent="agent/a"), tx.mishaps("prod", 11, agent="agent/a"),
            tx.mishaps("prod", 0, operation="deployments.scale"), tx.mishaps("staging", 0, agent="agent/a"),
            tx.mishaps("dev", 0, agent="agent/a"), tx.mishaps("prod", 0, operation="deployments.restart"),
        ]  # fmt: skip

    await store.write(fill)
    assert await store.read(counts) == [2, 1, 3, 1, 0, 1]


async def test_an_action_goes_wrong_once(store: Store) -> None:
    await store.write(lambda tx: tx.note_mishap(MISHAP))
    await store.write(lambda tx: tx.note_mishap(replace(MISHAP, at_ms=99)))
    assert await store.read(lambda tx: tx.mishaps("prod", 11, agent="agent/a")) == 0


async def test_an_entry_of_the_ledger_is_read_back_and_replaced(store: Store) -> None:
    closed = replace(ENTRY, status="closed", how="reverted", by="alice", reference="pr/7", closed_ms=50)
    await store.write(lambda tx: tx.put_drift(ENTRY))
    assert await store.read(lambda tx: tx.drift_entry("dft_1")) == ENTRY
    await store.write(lambda tx: tx.put_drift(closed))
    assert await store.read(lambda tx: tx.drift_entry("dft_1")) == closed
    assert await store.read(lambda tx: tx.drift_entry("dft_9")) is None


async def test_the_ledger_is_paged_newest_first_and_filtered(store: Store) -> None:
    rows = [replace(ENTRY, id=f"dft_{i}", action="act_1" if i < 3 else "act_2") for i in range(1, 5)]
    rows[1] = replace(rows[1], status="closed")

    def fill(tx: Tx) -> None:
        for row in rows:
            tx.put_drift(row)

    await store.write(fill)
    ids = await store.read(lambda tx: [r.id for r in tx.drift(limit=3)])
    assert ids == ["dft_4", "dft_3", "dft_2"]
    assert await store.read(lambda tx: [r.id for r in tx.drift(before="dft_2")]) == ["dft_1"]
    assert await store.read(lambda tx: [r.id for r in tx.drift(status="open")]) == ["dft_4", "dft_3", "dft_1"]
    assert await store.read(lambda tx: [r.id for r in tx.drift_on("k8s:prod/web")]) == ["dft_1", "dft_3", "dft_4"]
    assert await store.read(lambda tx: tx.drift_on("k8s:prod/other")) == []
    assert await store.read(lambda tx: [r.id for r in tx.drift_of("act_1")]) == ["dft_1", "dft_2"]
