"""`countermand keys`: the directory of a gateway, changed by hand."""

from pathlib import Path

from gateway.adapters.keys_file import KeyDirectory, passphrase_from
from tests.cli.call import call


def test_a_first_key_makes_a_private_directory_that_a_gateway_can_sign_with(tmp_path: Path) -> None:
    state = tmp_path / "state"
    made = call("keys", "new", "--state-dir", str(state), "--json")
    assert made.code == 0
    assert (state / "keys").stat().st_mode & 0o777 == 0o700
    keys = KeyDirectory(state / "keys", passphrase_from(state / "secrets" / "passphrase"))
    assert keys.signer(made.json["nbf_ms"]).kid == made.json["kid"]
    assert "d" not in made.json, "a private key was printed"


def test_a_rotation_lets_the_others_expire_and_the_list_says_so(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    old = call("keys", "new", "--state-dir", state).out.strip()
    new = call("keys", "rotate", "--state-dir", state, "--overlap-s", "60").out.strip()
    listed = {k["kid"]: k for k in call("keys", "list", "--state-dir", state, "--json").json["keys"]}
    assert set(listed) == {old, new}
    assert listed[old]["exp_ms"] - listed[new]["nbf_ms"] == 60_000
    assert "exp_ms" not in listed[new]
    assert new in call("keys", "list", "--state-dir", state).out


def test_keys_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    answer = call("keys", "list", "--state-dir", str(tmp_path))
    assert (answer.code, answer.err.startswith("error: KEY_SET_UNREADABLE")) == (1, True)


def test_a_directory_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o755)
    answer = call("keys", "new", "--state-dir", str(state))
    assert (answer.code, answer.err.startswith("error: FILE_NOT_PRIVATE")) == (1, True)
