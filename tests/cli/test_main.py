"""The command line as a whole: every command is there, documented, and starts without what it does not need."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from gateway.cli.main import COMMANDS, GROUPS, cli
from tests.cli.call import call

PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
PATHS = sorted([(name,) for name in COMMANDS] + [(group, name) for group, (_, lazy) in GROUPS.items() for name in lazy])


def command(path: tuple[str, ...]) -> click.Command:
    found: click.Command | None = cli
    for name in path:
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), name)
    assert found is not None
    return found


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_a_command_exists_under_its_name_and_is_documented(path: tuple[str, ...]) -> None:
    found = command(path)
    assert found.name == path[-1]
    assert found.help
    leaves = (
        [f"{' '.join(path)} {name}" for name in found.commands] if isinstance(found, click.Group) else [" ".join(path)]
    )
    for leaf in leaves:
        assert f"## countermand {leaf}\n" in PAGE, leaf


@pytest.mark.parametrize("path", [p for p in PATHS if p[0] not in {"serve", "executor", "bench"}], ids=" ".join)
def test_every_command_that_answers_can_answer_in_json(path: tuple[str, ...]) -> None:
    assert "--json" in {option for param in command(path).params for option in param.opts}


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_no_command_takes_a_secret_in_its_arguments(path: tuple[str, ...]) -> None:
    for param in command(path).params:
        name = param.name or ""
        assert not {"token", "password", "passphrase", "secret"} & set(name.split("_")) or name.endswith("_file")


def test_help_lists_every_command_and_imports_none() -> None:
    code = (
        "import sys\nfrom gateway.cli.main import main\nmain(['--help'])\n"
        "print('agent_client' in sys.modules, 'grpc' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "False False"
    for name in (*COMMANDS, *GROUPS):
        assert f"  {name} " in ran.stdout


def test_the_version_is_printed() -> None:
    assert call("version").out.startswith("countermand 0.")
    assert set(call("version", "--json").json) == {"countermand", "python"}


def test_a_fault_that_nobody_expects_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gateway.cli.version.installed", broken)
    with pytest.raises(ZeroDivisionError):
        call("version")
