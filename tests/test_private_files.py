import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import ConfigFault
from gateway.private_files import create_private, private_directory, read_private, replace_private, touch_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_directory_is_its_owners_alone(tmp_path: Path) -> None:
    private_directory(tmp_path / "a" / "b")
    assert mode(tmp_path / "a" / "b") == 0o700


def test_new_files_are_their_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        touch_private(tmp_path / "touched")
        create_private(tmp_path / "created", b"1")
        replace_private(tmp_path / "replaced", b"2")
    finally:
        os.umask(old)
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}
    assert [read_private(tmp_path / name) for name in ("touched", "created", "replaced")] == [b"", b"1", b"2"]


def test_what_is_created_never_replaces_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert create_private(path, b"first")
    assert not create_private(path, b"second")
    assert read_private(path) == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_replacement_is_whole_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "set"
    replace_private(path, b"first, and longer")
    replace_private(path, b"second")
    assert read_private(path) == b"second"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("wide", [0o604, 0o640, 0o610, 0o602])
def test_a_file_that_others_may_touch_is_refused_with_the_remedy(tmp_path: Path, wide: int) -> None:
    path = tmp_path / "secret"
    create_private(path, b"hunter2")
    path.chmod(wide)
    for use in (read_private, touch_private):
        with pytest.raises(ConfigFault) as fault:
            use(path)
        assert fault.value.code == "FILE_NOT_PRIVATE"
        assert f"chmod 600 {path}" in fault.value.message


def test_a_directory_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    with pytest.raises(ConfigFault) as fault:
        private_directory(tmp_path)
    assert fault.value.code == "FILE_NOT_PRIVATE"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    create_private(path, b"x")
    os.chown(path, 12345, -1)
    with pytest.raises(ConfigFault) as fault:
        read_private(path)
    assert fault.value.code == "FILE_NOT_OURS"


def test_what_cannot_be_used_is_said_so_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    uses: list[Callable[[], object]] = [
        lambda: read_private(tmp_path / "missing"),
        lambda: create_private(tmp_path / "no" / "folder", b""),
        lambda: replace_private(tmp_path / "no" / "folder", b""),
        lambda: private_directory(tmp_path / "file"),
    ]
    for use in uses:
        with pytest.raises(ConfigFault) as fault:
            use()
        assert fault.value.code in {"FILE_UNUSABLE", "FILE_NOT_PRIVATE"}
        assert str(tmp_path) in fault.value.message
