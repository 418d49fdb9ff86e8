"""Where Prometheus and Alertmanager come from, and what is said where they cannot come."""

from pathlib import Path

import pytest

from gateway.cli.demo import monitoring
from tools import monitoring as fetching


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no program at all on its PATH, and an empty cache."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setenv("COUNTERMAND_TOOLS", str(tmp_path / "cache"))
    return tmp_path


def test_without_apt_one_line_says_that_tests_are_skipped(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetching.main() == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "tests are skipped" in printed.err
    assert not (bare / "cache").exists()


def test_an_unpacked_program_is_found_in_the_cache(bare: Path) -> None:
    assert monitoring.find("prometheus") is None
    _pretend(bare / "cache" / "monitoring-debian" / "usr" / "bin" / "prometheus")
    assert monitoring.find("prometheus") == bare / "cache" / "monitoring-debian" / "usr" / "bin" / "prometheus"


def test_an_installed_program_comes_first(bare: Path) -> None:
    _pretend(bare / "cache" / "monitoring-debian" / "usr" / "bin" / "prometheus")
    _pretend(bare / "nothing" / "prometheus")
    assert monitoring.find("prometheus") == bare / "nothing" / "prometheus"


def test_only_an_unpacked_alertmanager_needs_another_view_of_usr_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "_SHARE", tmp_path / "share")
    alertmanager, prometheus = (tmp_path / "usr" / "bin" / name for name in fetching.PROGRAMS[::-1])
    assert monitoring.command(prometheus) == [str(prometheus)]
    assert monitoring.command(alertmanager)[0] == "unshare"
    assert monitoring.command(alertmanager)[-2:] == [str(tmp_path / "usr" / "share"), str(alertmanager)]
    (tmp_path / "share" / "prometheus" / "alertmanager").mkdir(parents=True)
    assert monitoring.command(alertmanager) == [str(alertmanager)]


def _pretend(program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.touch(0o755)
