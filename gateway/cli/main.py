"""The command line: a group that imports a command only when it is called, so that `check` starts fast."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import click

from gateway.cli.failure import report

# command → (where it is defined, what `--help` says about it); a test compares the texts with the commands' own
COMMANDS: Mapping[str, tuple[str, str]] = {
    "bench": ("gateway.cli.bench.command:bench", "Measure what the gateway costs on this machine."),
    "check": ("gateway.cli.check:check", "Decide about commands without running anything."),
    "demo": ("gateway.cli.demo.command:demo", "Play an incident end to end on real local targets."),
    "executor": (
        "gateway.cli.executor:executor",
        "Serve one gateway with the targets of one settings file until SIGTERM.",
    ),
    "serve": (
        "gateway.cli.serve:serve",
        "Run the gateway until SIGTERM; with `executor:` in the settings its executor runs as a child.",
    ),
}


class LazyGroup(click.Group):
    """A group whose commands are named by `module:attribute` and imported when they are called."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        """Take the table of commands."""
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, sorted."""
        return sorted({*self.lazy, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them."""
        rows = [(name, self.lazy[name][1] if name in self.lazy else "") for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 refused or failed, 2 usage.",
)
def cli() -> None:
    """Countermand: a policy-as-code execution proxy between LLM agents and infrastructure."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused or failed as asked, 2 usage."""
    try:
        code = cli.main(args=None if argv is None else list(argv), prog_name="countermand", standalone_mode=False)
    except BaseException as exc:  # noqa: BLE001  # the last place: every error becomes a code and a line on stderr
        return report(exc)
    return code if isinstance(code, int) else 0
