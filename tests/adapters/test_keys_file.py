import json
import stat
from pathlib import Path

import pytest

from gateway.adapters.keys_file import KeyDirectory, local_passphrase, passphrase_from
from gateway.core import b64
from gateway.core.keys import parse_jwks
from gateway.errors import ConfigFault, SignerFault

pytestmark = pytest.mark.anyio

PASSPHRASE = b"correct horse battery staple"
NOW = 1_700_000_000_000
HOUR = 3_600_000


@pytest.fixture
def keys(tmp_path: Path) -> KeyDirectory:
    return KeyDirectory(tmp_path / "keys", PASSPHRASE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


async def test_a_signature_verifies_with_the_published_key(keys: KeyDirectory, folder: Path) -> None:
    made = keys.generate(NOW)
    signer = keys.signer(NOW)
    published = parse_jwks((folder / "jwks.json").read_bytes())
    assert signer.kid == made.kid
    assert published[signer.kid].verify(await signer.sign(b"statement"), b"statement")
    assert not published[signer.kid].verify(await signer.sign(b"statement"), b"another")


def test_files_are_private_and_hold_no_private_key_in_the_clear(keys: KeyDirectory, folder: Path) -> None:
    made = keys.generate(NOW)
    private = keys.signer(NOW)._private.private_bytes_raw()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {file.name for file in folder.iterdir()} == {"jwks.json", f"{made.kid}.key"}
    for file in folder.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        text = file.read_bytes()
        assert not any(form in text for form in (private, private.hex().encode(), b64.encode_url(private).encode()))


def test_without_a_key_nothing_can_be_signed(keys: KeyDirectory) -> None:
    assert keys.keys() == {}
    with pytest.raises(SignerFault) as fault:
        keys.signer(NOW)
    assert fault.value.code == "KEY_MISSING"


def test_the_newest_key_that_is_valid_now_signs(keys: KeyDirectory) -> None:
    first = keys.generate(NOW)
    second = keys.generate(NOW + HOUR)
    assert keys.active(NOW).kid == first.kid
    assert keys.active(NOW + HOUR).kid == second.kid
    with pytest.raises(SignerFault):
        keys.active(NOW - 1)


def test_rotation_lets_old_keys_verify_for_the_overlap(keys: KeyDirectory) -> None:
    old = keys.rotate(NOW, HOUR)
    new = keys.rotate(NOW + 5, HOUR)
    assert keys.signer(NOW + 5).kid == new.kid
    assert keys.keys()[old.kid].expires_ms == NOW + 5 + HOUR
    assert keys.keys()[new.kid].expires_ms is None


def test_a_second_rotation_does_not_lengthen_the_life_of_a_retired_key(keys: KeyDirectory) -> None:
    first = keys.rotate(NOW, HOUR)
    keys.rotate(NOW + 5, HOUR)
    keys.rotate(NOW + 10, HOUR)
    assert keys.keys()[first.kid].expires_ms == NOW + 5 + HOUR
    assert len(keys.keys()) == 3


def test_a_revoked_key_signs_no_more_and_stays_listed(keys: KeyDirectory) -> None:
    only = keys.generate(NOW)
    assert keys.revoke(only.kid, NOW + 9).revoked_ms == NOW + 9
    assert keys.revoke(only.kid, NOW + 99).revoked_ms == NOW + 9
    assert keys.keys()[only.kid].revoked_ms == NOW + 9
    with pytest.raises(SignerFault):
        keys.signer(NOW)
    with pytest.raises(SignerFault):
        keys.revoke("unknown", NOW)


def test_a_wrong_passphrase_opens_nothing(keys: KeyDirectory, folder: Path) -> None:
    keys.generate(NOW)
    with pytest.raises(SignerFault) as fault:
        KeyDirectory(folder, b"another passphrase").signer(NOW)
    assert fault.value.code == "KEY_LOCKED"
    assert "another passphrase" not in str(fault.value)


@pytest.mark.parametrize("name", ["", "jwks.json", "*.key"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_what_others_may_read_or_write_is_refused(keys: KeyDirectory, folder: Path, name: str, mode: int) -> None:
    keys.generate(NOW)
    path = next(folder.glob(name)) if name else folder
    path.chmod(mode | 0o100 if path.is_dir() else mode)
    with pytest.raises(ConfigFault) as fault:
        KeyDirectory(folder, PASSPHRASE).signer(NOW)
    assert fault.value.code == "FILE_NOT_PRIVATE"


def edit(folder: Path, **changes: object) -> None:
    (path,) = folder.glob("*.key")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kid": "x" * 43}, "KEY_LOCKED"),
        ({"sealed": b64.encode_url(bytes(48))}, "KEY_LOCKED"),
        ({"nonce": b64.encode_url(bytes(12))}, "KEY_LOCKED"),
        ({"nonce": ""}, "KEY_MALFORMED"),
        ({"sealed": ""}, "KEY_MALFORMED"),
        ({"schema": "countermand.key/2"}, "KEY_MALFORMED"),
        ({"alg": "ES256"}, "KEY_MALFORMED"),
        ({"extra": 1}, "KEY_MALFORMED"),
        ({"kdf": {"name": "scrypt", "n": 2**30, "r": 8, "p": 1, "salt": "AAAA"}}, "KEY_MALFORMED"),
        ({"kdf": {"name": "scrypt", "n": 2, "r": 8, "p": 1, "salt": "AAAA"}}, "KEY_MALFORMED"),
    ],
)
def test_a_changed_key_file_is_refused(keys: KeyDirectory, folder: Path, changes: dict[str, object], code: str) -> None:
    keys.generate(NOW)
    edit(folder, **changes)
    with pytest.raises(SignerFault) as fault:
        keys.signer(NOW)
    assert fault.value.code == code


def test_a_key_file_under_the_name_of_another_is_refused(keys: KeyDirectory, folder: Path) -> None:
    first, second = keys.generate(NOW), keys.generate(NOW + 1)
    (folder / f"{second.kid}.key").write_bytes((folder / f"{first.kid}.key").read_bytes())
    with pytest.raises(SignerFault) as fault:
        keys.signer(NOW + 1)
    assert fault.value.code == "KEY_MISMATCH"


def test_a_missing_private_half_is_said_so(keys: KeyDirectory, folder: Path) -> None:
    made = keys.generate(NOW)
    (folder / f"{made.kid}.key").unlink()
    with pytest.raises(SignerFault) as fault:
        keys.signer(NOW)
    assert fault.value.code == "KEY_MISSING"


@pytest.mark.parametrize("text", ["", "{}", '{"keys": []}', "nonsense"])
def test_a_broken_key_set_is_refused(keys: KeyDirectory, folder: Path, text: str) -> None:
    keys.generate(NOW)
    (folder / "jwks.json").write_text(text)
    with pytest.raises(SignerFault) as fault:
        keys.keys()
    assert fault.value.code == "KEY_SET_MALFORMED"


def test_a_passphrase_comes_from_a_private_file_without_its_line_break(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_bytes(PASSPHRASE + b"\n")
    path.chmod(0o600)
    assert passphrase_from(path) == PASSPHRASE
    path.chmod(0o644)
    with pytest.raises(ConfigFault):
        passphrase_from(path)


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.touch(mode=0o600)
    path.write_bytes(b"hunter2\n")
    with pytest.raises(SignerFault) as fault:
        passphrase_from(path)
    assert fault.value.code == "PASSPHRASE_SHORT"
    assert "hunter2" not in str(fault.value)


def test_the_local_passphrase_is_made_at_random_once(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    made = local_passphrase(path)
    assert len(made) == 43
    assert local_passphrase(path) == made
    assert local_passphrase(tmp_path / "another") != made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
