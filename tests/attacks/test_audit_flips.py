"""Ten thousand single bits are flipped in a log made by the real use cases; `audit` finds every one."""

import functools
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from gateway.core.audit import Report, StoredLeaf
from gateway.core.events import read_leaf
from gateway.core.merkle import leaf_hash
from tests.fakes.audited import Kept, kept

FLIPS = 10_000
Attack = tuple[str, int, Callable[[], Report]]
"""What was changed, the index of the leaf that must be named (-1: none), and the audit of the result."""


@pytest.fixture(autouse=True)
def read_each_leaf_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One leaf in sixty changes from one audit to the next; reading is pure, so the others need not be read again."""
    monkeypatch.setattr("gateway.core.auditfold.read_leaf", functools.lru_cache(maxsize=1024)(read_leaf))


def flipped(data: bytes, random: random.Random) -> bytes:
    place = random.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :]


def flipped_text(text: str, random: random.Random) -> str:
    return flipped(text.encode(), random).decode(errors="replace")


def attacks(found: Kept, random: random.Random) -> Iterator[Attack]:
    """Yield endless attacks, chosen by how many bytes there are of each kind of thing."""
    leaves, checkpoints, nodes = found.leaves, found.checkpoints, found.nodes
    places = [("leaf", i, len(leaf.data)) for i, leaf in enumerate(leaves)]
    places += [("hash", i, 320) for i in range(len(leaves))]
    places += [(kind, i, 2_000) for kind in ("root", "note") for i in range(len(checkpoints))]
    places += [("node", i, 100) for i in range(len(nodes))]
    sizes = [size for _, _, size in places]

    def swap(items: list[object], index: int, item: object) -> list[object]:
        return [*items[:index], item, *items[index + 1 :]]

    while True:
        [(kind, i, _)] = random.choices(places, sizes)
        match kind:
            case "leaf":
                new = replace(leaves[i], data=flipped(leaves[i].data, random))
                yield kind, i, functools.partial(found.audited, leaves=swap([*leaves], i, new))
            case "hash":
                new = replace(leaves[i], hash=flipped(leaves[i].hash or b"", random))
                yield kind, i, functools.partial(found.audited, leaves=swap([*leaves], i, new))
            case "root":
                edited = replace(checkpoints[i], root=flipped(checkpoints[i].root or b"", random))
                yield kind, -1, functools.partial(found.audited, checkpoints=swap([*checkpoints], i, edited))
            case "note":
                edited = replace(checkpoints[i], note=flipped_text(checkpoints[i].note, random))
                yield kind, -1, functools.partial(found.audited, checkpoints=swap([*checkpoints], i, edited))
            case _:
                node = replace(nodes[i], hash=flipped(nodes[i].hash, random))
                yield kind, -1, functools.partial(found.audited, nodes=swap([*nodes], i, node))


@pytest.mark.timeout(300)
def test_every_flipped_bit_of_ten_thousand_is_found_and_its_leaf_is_named() -> None:
    found, source = kept(), random.Random(20261119)
    assert found.audited().holds, "an untouched log must hold, or finding proves nothing"
    tried: dict[str, int] = {}
    stream = attacks(found, source)
    for _ in range(FLIPS):
        kind, index, audited = next(stream)
        report = audited()
        tried[kind] = tried.get(kind, 0) + 1
        assert not report.holds, (kind, index)
        if index >= 0:
            assert index in {v.index for v in report.violations}, (kind, index, report.violations)
    assert min(tried.values()) > 300, tried
    assert set(tried) == {"leaf", "hash", "root", "note", "node"}


def test_a_log_rewritten_with_all_its_hashes_is_found_by_the_signature() -> None:
    """An attacker with the database but without the key mends everything that can be computed."""
    found = kept()
    leaves: list[StoredLeaf] = []
    for leaf in found.leaves:
        prev = f'"prev":"{leaves[-1].hash.hex()}"' if leaves and leaves[-1].hash else '"prev":""'
        data = re.sub(rb'"prev":"[0-9a-f]*"', prev.encode(), leaf.data)
        data = data.replace(b'"at_ms":', b'"at_ms":1') if leaf.index == 5 else data
        leaves.append(StoredLeaf(leaf.index, data, leaf_hash(data)))
    report = found.audited(leaves=leaves, head=None, nodes=None, rows=None, documents=None)
    assert {v.code for v in report.violations} == {"CHECKPOINT_ROOT"}
    assert report.signed < len(leaves)


def test_a_cut_tail_is_found_by_the_checkpoints_that_remain() -> None:
    found = kept()
    report = found.audited(leaves=found.leaves[:-3], head=None, nodes=None, rows=None, documents=None)
    assert "LOG_TRUNCATED" in {v.code for v in report.violations}


def test_a_cut_tail_that_took_its_checkpoints_along_is_found_by_one_kept_elsewhere() -> None:
    found = kept()
    size = found.checkpoints[0].size
    alone = {"leaves": found.leaves[:size], "checkpoints": found.checkpoints[:1],
             "head": None, "nodes": None, "rows": None, "documents": None}  # fmt: skip
    assert "LOG_TRUNCATED" not in {v.code for v in found.audited(**alone).violations}
    report = found.audited(**alone, since=found.last_note)
    assert [(v.code, v.index) for v in report.violations if v.code == "LOG_TRUNCATED"] == [("LOG_TRUNCATED", size)]
