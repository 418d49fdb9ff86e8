"""The Merkle tree: RFC 6962 vectors, every small tree, and sigstore as the oracle."""

import hashlib
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore.errors import VerificationError

from gateway.core.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    consistency_ranges,
    inclusion_proof,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The leaves and roots of the reference implementation of RFC 6962.
VECTOR = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                     "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
MANY = [leaf_hash(str(i).encode()) for i in range(70)]


def plain_root(hashes: list[bytes]) -> bytes:
    """Return MTH as RFC 6962 §2.1 writes it, by recursion."""
    if len(hashes) <= 1:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(plain_root(hashes[:split]), plain_root(hashes[split:]))


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_implementation(size: int) -> None:
    assert root_of(leaf_hash(leaf) for leaf in VECTOR[:size]).hex() == ROOTS[size]


def test_proofs_are_those_of_the_reference_implementation() -> None:
    hashes = [leaf_hash(leaf) for leaf in VECTOR]
    assert [h.hex()[:8] for h in inclusion_proof(0, 8, hashes)] == ["96a296d2", "5f083f0a", "6b47aaf2"]
    assert [h.hex()[:8] for h in inclusion_proof(5, 8, hashes)] == ["bc1a0643", "ca854ea1", "d37ee418"]
    assert inclusion_proof(0, 1, hashes) == []
    assert [h.hex()[:8] for h in consistency_proof(1, 8, hashes)] == ["96a296d2", "5f083f0a", "6b47aaf2"]
    assert [h.hex()[:8] for h in consistency_proof(6, 8, hashes)] == ["0ebc5d34", "ca854ea1", "d37ee418"]


@pytest.mark.parametrize("size", range(len(MANY)))
def test_the_frontier_has_the_root_of_the_plain_definition(size: int) -> None:
    assert Frontier().extend(MANY[:size]).root() == plain_root(MANY[:size])


@pytest.mark.parametrize("size", range(1, 34))
def test_every_leaf_of_every_small_tree_is_proven_and_no_other(size: int) -> None:
    root = plain_root(MANY[:size])
    for index in range(size):
        proof = inclusion_proof(index, size, MANY)
        assert verify_inclusion(index, size, MANY[index], root, proof)
        for other in range(size):
            assert verify_inclusion(other, size, MANY[index], root, proof) is (other == index)
        assert not verify_inclusion(index, size, MANY[-1], root, proof)
        assert not verify_inclusion(index, size, MANY[index], EMPTY_ROOT, proof)
        assert not verify_inclusion(index, size, MANY[index], root, [*proof, root])
        assert not verify_inclusion(index, size, MANY[index], root, proof[:-1]) or not proof


@pytest.mark.parametrize("second", range(1, 34))
def test_every_pair_of_small_trees_is_consistent_and_no_other(second: int) -> None:
    new = plain_root(MANY[:second])
    for first in range(1, second + 1):
        old = plain_root(MANY[:first])
        proof = consistency_proof(first, second, MANY)
        assert verify_consistency(first, second, old, new, proof)
        assert not verify_consistency(first, second, old, new, [*proof, new])
        assert not verify_consistency(first, second, EMPTY_ROOT, new, proof)
        assert not verify_consistency(first, second, old, EMPTY_ROOT, proof)
        assert not proof or not verify_consistency(first, second, old, new, proof[:-1])


@given(st.integers(1, 300), st.data())
def test_sigstore_accepts_our_inclusion_proofs(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = [str(i).encode() for i in range(size)]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    proof = inclusion_proof(index, size, hashes)
    _sigstore(index, size, leaves[index], root_of(hashes), proof)
    with pytest.raises(VerificationError):
        _sigstore(index, size, b"other", root_of(hashes), proof)


def _sigstore(index: int, size: int, leaf: bytes, root: bytes, proof: list[bytes]) -> None:
    inner = SimpleNamespace(log_index=index, tree_size=size, hashes=proof, root_hash=root)
    entry = SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=inner, canonicalized_body=leaf))
    verify_merkle_inclusion(entry)  # type: ignore[arg-type]  # only these members are read


@given(st.integers(1, 64), st.data())
def test_a_rewritten_leaf_breaks_consistency(second: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, second))
    rewritten = list(MANY)
    rewritten[data.draw(st.integers(0, first - 1))] = leaf_hash(b"rewritten")
    old, new = root_of(MANY[:first]), root_of(rewritten[:second])
    assert not verify_consistency(first, second, old, new, consistency_proof(first, second, rewritten))


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40), st.integers(0, 40))
def test_a_frontier_survives_storage_and_goes_on(hashes: list[bytes], cut: int) -> None:
    stored = Frontier.from_bytes(Frontier().extend(hashes[:cut]).to_bytes())
    assert stored.extend(hashes[cut:]) == Frontier().extend(hashes)


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 7, b"\0" * 7 + b"\1", b"\0" * 8 + b"x" * 32, b"\0" * 7 + b"\1" + b"x" * 31]
)
def test_a_malformed_frontier_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"frontier|peaks"):
        Frontier.from_bytes(data)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_a_leaf_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_ranges(index, size)
    assert not verify_inclusion(index, size, MANY[0], MANY[0], [])


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3), (-1, 2)])
def test_a_tree_extends_no_larger_or_empty_one(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="does not extend"):
        consistency_ranges(first, second)
    assert not verify_consistency(first, second, MANY[0], MANY[0], [])


def test_too_few_leaf_hashes_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        inclusion_proof(0, 3, MANY[:2])


def test_a_proof_may_not_be_missing_or_too_long_where_the_path_has_ended() -> None:
    assert not verify_consistency(3, 5, MANY[0], MANY[1], [])
    assert not verify_inclusion(0, 1, MANY[0], MANY[0], [MANY[1]])
