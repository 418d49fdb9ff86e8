"""Every store and the rows that the contract suites put into it; a new adapter joins by one line in `OPENERS`."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.adapters.store_sqlite import SqliteStore
from gateway.core.merkle import (
    leaf_hash,
    root_of,
)
from gateway.ports import ActionRow, LogHead, Store, Tx, VoteRow

OPENERS: dict[str, Callable[[Path], Store]] = {
    "sqlite-file": lambda folder: SqliteStore.open(folder / "store" / "countermand.db"),
    "sqlite-memory": lambda _: SqliteStore.in_memory(),
}

ACTION = ActionRow(
    id="act_01",
    state="PROPOSED",
    version=1,
    agent="agent/a",
    owner="team",
    door="agent",
    audience="executor/local",
    environments=("prod", "dev"),
    incident="inc_1",
    plan_digest="sha256:p",
    doc_digest="sha256:d",
    created_ms=10,
    updated_ms=11,
    fence=3,
    reason="WHY",
    decision_digest="sha256:dec",
    state_digest="sha256:st",
    lease_end_ms=12,
    undo_until_ms=2**53,
    revision="sha256:rev",
)
VOTE = VoteRow("act_01", "human/b", ("sre", "dba"), "mtls", True, 5, "p", "d", "s", "n1", "ja – geprüft")  # noqa: FBT003


@pytest.fixture(params=sorted(OPENERS))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    opened = OPENERS[request.param](tmp_path)
    yield opened
    await opened.close()


def append(*leaves: bytes, action: str = "act_1", kind: str = "decision") -> Callable[[Tx], list[int]]:
    return lambda tx: [tx.append_leaf(leaf, action=action, kind=kind) for leaf in leaves]


async def assert_log_adds_up(store: Store, expected: list[bytes]) -> None:
    """Compare leaves, hashes, head and frontier with a tree built from nothing."""

    def everything(tx: Tx) -> tuple[list[tuple[int, bytes]], list[bytes], LogHead, bytes]:
        return tx.leaves(0, 10_000), tx.leaf_hashes(0, 10_000), tx.log_head(), tx.last_leaf_hash()

    hashes = [leaf_hash(leaf) for leaf in expected]
    head = LogHead(len(expected), root_of(hashes))
    for seen in (await store.read(everything), await store.write(everything)):
        assert seen == (list(enumerate(expected)), hashes, head, hashes[-1] if hashes else b"")
