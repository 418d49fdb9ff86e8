"""`countermand doctor`: each thing that is wrong is named with its code."""

from pathlib import Path

from gateway import strict_yaml
from tests.cli.call import call
from tests.cli.running import write_site


def outcomes(config: Path) -> tuple[int, dict[str, tuple[str, str]]]:
    answer = call("doctor", "--config", str(config), "--json")
    return answer.code, {f["name"]: (f["outcome"], f["code"]) for f in answer.json["findings"]}


def test_a_site_that_was_never_started_has_nothing_wrong(tmp_path: Path) -> None:
    code, found = outcomes(write_site(tmp_path))
    assert code == 0
    assert found["policy"] == ("ok", "")
    assert {n for n, (outcome, _) in found.items() if outcome == "skipped"} == {
        "secrets", "keys", "store", "doors", "executors",
    }  # fmt: skip


def test_settings_that_cannot_be_read_end_the_examination(tmp_path: Path) -> None:
    config = tmp_path / "gateway.yaml"
    config.write_text("surprise: 1\n")
    assert outcomes(config) == (1, {"settings": ("failed", "CONFIG_UNKNOWN_KEY")})


def test_each_broken_part_is_named(tmp_path: Path) -> None:
    config = write_site(tmp_path)
    document = strict_yaml.load(config.read_text())
    (tmp_path / "executor.yaml").write_text("audience: 1\n")
    (tmp_path / "broken").mkdir()
    config.write_text(strict_yaml.dump({**document, "policy": {"bundle": "broken"}, "aws_services": ["nonsense"]}))
    state = tmp_path / "state"
    (state / "secrets").mkdir(parents=True, mode=0o700)
    code, found = outcomes(config)
    assert code == 1
    failed = {name: code for name, (outcome, code) in found.items() if outcome == "failed"}
    assert set(failed) == {"tables", "policy", "executor settings", "secrets", "keys", "store"}
    assert all(failed.values())
