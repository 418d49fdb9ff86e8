"""`countermand keys`: the directory of a gateway, changed by hand."""

import re
from pathlib import Path

import pytest

from gateway.adapters.keys_file import KeyDirectory, passphrase_from
from tests.chaos.process import until
from tests.cli.call import call
from tests.cli.running import gateway


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


def test_a_revoked_key_is_marked_and_why_is_kept_beside_it_and_not_published(tmp_path: Path) -> None:
    state = tmp_path / "state"
    old = call("keys", "new", "--state-dir", str(state)).out.strip()
    new = call("keys", "rotate", "--state-dir", str(state)).out.strip()
    told = call("keys", "revoke", "--state-dir", str(state), "--reason", "stolen laptop", "--json", "--", old)
    assert (told.code, told.json["kid"], "revoked_ms" in told.json) == (0, old, True)
    keys = KeyDirectory(state / "keys", passphrase_from(state / "secrets" / "passphrase"))
    assert keys.why_revoked(old)["reason"] == "stolen laptop"
    assert keys.why_revoked(new) == {}
    listed = call("keys", "list", "--state-dir", str(state)).out
    assert "REVOKED" in listed
    assert "stolen" not in (state / "keys" / "jwks.json").read_text()
    assert keys.signer(told.json["revoked_ms"]).kid == new


def test_the_last_key_that_may_sign_gets_a_successor_when_it_is_revoked(tmp_path: Path) -> None:
    state = tmp_path / "state"
    only = call("keys", "new", "--state-dir", str(state)).out.strip()
    told = call("keys", "revoke", "--state-dir", str(state), "--reason", "stolen", "--", only)
    assert told.code == 0
    keys = KeyDirectory(state / "keys", passphrase_from(state / "secrets" / "passphrase"))
    successor = keys.signer(keys.keys()[only].revoked_ms or 0).kid
    assert successor != only
    assert successor in told.err


def test_a_key_is_not_revoked_without_a_reason_and_an_unknown_one_is_an_error(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    kid = call("keys", "new", "--state-dir", state).out.strip()
    assert call("keys", "revoke", "--state-dir", state, "--", kid).code == 2
    answer = call("keys", "revoke", "--state-dir", state, "--reason", "x", "--", "nobody")
    assert (answer.code, answer.err.startswith("error: KEY_MISSING")) == (1, True)


@pytest.mark.alone
@pytest.mark.paired
def test_a_running_gateway_follows_a_revocation_and_its_log_still_verifies(tmp_path: Path) -> None:
    with gateway(tmp_path) as state:
        old = call("keys", "list", "--state-dir", str(state), "--json").json["keys"][0]["kid"]
        _reads(state)
        assert call("keys", "revoke", "--state-dir", str(state), "--reason", "stolen", "--", old).code == 0
        until(lambda: b"revoked_ms" in (state / "keys" / "trusted.json").read_bytes(), "the executor is told")
        _reads(state)
        until(lambda: call("audit", "verify", "--state-dir", str(state)).code == 0, "a trusted key signs the log")
        tail = ("audit", "tail", "--state-dir", str(state), "--json")
        until(lambda: "stolen" in call(*tail).out, "the log says why")


def _reads(state: Path) -> None:
    """Propose a read, and see it done."""
    answer = call("submit", "uptime", "--wait", "--state-dir", str(state), "--json")
    assert (answer.code, answer.json["state"]) == (0, "SUCCEEDED"), answer.out


def test_times_of_keys_are_shown_as_people_read_them(tmp_path: Path) -> None:
    assert call("keys", "new", "--state-dir", str(tmp_path / "state")).code == 0
    shown = call("keys", "list", "--state-dir", str(tmp_path / "state")).out
    assert re.search(r"from 20\d\d-\d\d-\d\d \d\d:\d\d:\d\dZ  no end", shown)
