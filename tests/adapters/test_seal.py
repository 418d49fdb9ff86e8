import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.seal import Sealer, sealer_from
from gateway.errors import ConfigFault, StoreFault

KEY = bytes(range(32))


@given(plaintext=st.binary(max_size=2_000), aad=st.binary(max_size=50))
def test_what_was_sealed_opens_with_the_same_key_and_context(plaintext: bytes, aad: bytes) -> None:
    sealed = Sealer(KEY).seal(plaintext, aad)
    assert Sealer(KEY).open(sealed, aad) == plaintext


@given(data=st.data())
def test_no_changed_byte_opens(data: st.DataObject) -> None:
    sealed = bytearray(Sealer(KEY).seal(b"snapshot", b"act_1/snapshot"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(StoreFault) as fault:
        Sealer(KEY).open(bytes(sealed), b"act_1/snapshot")
    assert fault.value.code == "SEALED_UNREADABLE"


@pytest.mark.parametrize("cut", [b"", b"\x01", b"\x01" + b"n" * 12, b"\x01" + b"n" * 27])
def test_what_is_too_short_does_not_open(cut: bytes) -> None:
    with pytest.raises(StoreFault):
        Sealer(KEY).open(cut, b"")


def test_a_blob_does_not_open_in_the_place_of_another() -> None:
    sealed = Sealer(KEY).seal(b"snapshot", b"act_1/snapshot")
    with pytest.raises(StoreFault):
        Sealer(KEY).open(sealed, b"act_2/snapshot")


def test_another_key_does_not_open() -> None:
    with pytest.raises(StoreFault):
        Sealer(bytes(32)).open(Sealer(KEY).seal(b"snapshot", b""), b"")


def test_the_same_text_is_never_sealed_to_the_same_bytes() -> None:
    assert len({Sealer(KEY).seal(b"snapshot", b"") for _ in range(100)}) == 100


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ConfigFault):
        Sealer(bytes(length))


def test_the_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "seal.key"
    sealed = sealer_from(path).seal(b"snapshot", b"")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sealer_from(path).open(sealed, b"") == b"snapshot"
    assert [file.name for file in tmp_path.iterdir()] == ["seal.key"]


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seal.key"
    sealer_from(path)
    path.chmod(0o640)
    with pytest.raises(ConfigFault) as fault:
        sealer_from(path)
    assert fault.value.code == "FILE_NOT_PRIVATE"
