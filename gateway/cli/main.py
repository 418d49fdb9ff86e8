"""The command line: a group that imports a command only when it is called, so that `check` starts fast."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import click

from gateway.cli.failure import report

# command → (where it is defined, what `--help` says about it before anything is imported)
Lazy = Mapping[str, tuple[str, str]]
COMMANDS: Lazy = {
    "bench": ("gateway.cli.bench.command:bench", "Measure what the gateway costs on this machine."),
    "cancel": ("gateway.cli.cancel:cancel", "Cancel ACTION before it begins, or abort it."),
    "check": ("gateway.cli.check:check", "Decide about commands without running anything."),
    "demo": ("gateway.cli.demo.command:demo", "Play an incident end to end on real local targets."),
    "doctor": ("gateway.cli.doctor:doctor", "Look at a site piece by piece and say what is wrong."),
    "executor": ("gateway.cli.executor:executor", "Serve one gateway with the targets of one settings file."),
    "freeze": ("gateway.cli.freeze:freeze", "Let nothing begin; undos wait for people."),
    "resume": ("gateway.cli.resume:resume", "Take the stop or freeze of exactly this scope back."),
    "rollback": ("gateway.cli.rollback:rollback", "Take the committed ACTION back, inside its undo window."),
    "serve": ("gateway.cli.serve:serve", "Run the gateway, and its executor as a child."),
    "show": ("gateway.cli.show:show", "Show ACTION, or list the newest actions."),
    "status": ("gateway.cli.status:status", "Show switches, policy revision, executors and the size of the log."),
    "stop": ("gateway.cli.stop:stop", "Let no new attempt begin; undos go on."),
    "submit": ("gateway.cli.submit:submit", "Propose CMD and print the decision."),
    "version": ("gateway.cli.version:version", "Print the version of the package and of Python."),
    "watch": ("gateway.cli.watch:watch", "Follow ACTION until its state is final."),
}
GROUPS: Mapping[str, tuple[str, Lazy]] = {
    "approvals": (
        "What people decide.",
        {
            "ack": ("gateway.cli.approvals.ack:ack", "Say of a suggestion: would do, did it, or wrong."),
            "approve": ("gateway.cli.approvals.approve:approve", "Show what waits as ACTION, ask, and vote for it."),
            "keep": ("gateway.cli.approvals.keep:keep", "Keep the verifying or leased ACTION for good."),
            "list": ("gateway.cli.approvals.list_pending:list_pending", "List the actions that wait for people."),
            "reject": ("gateway.cli.approvals.reject:reject", "Vote against ACTION; one vote is enough."),
            "resolve": ("gateway.cli.approvals.resolve:resolve", "End NEEDS_HUMAN of ACTION."),
        },
    ),
    "audit": (
        "The log and its proofs.",
        {
            "checkpoint": ("gateway.cli.audit.checkpoint:checkpoint", "Print the newest signed checkpoint."),
            "export": ("gateway.cli.audit.export:export", "Write the log of a state directory as JSON Lines."),
            "proof": ("gateway.cli.audit.proof:proof", "Print and check the proof of a leaf or a receipt."),
            "tail": ("gateway.cli.audit.tail:tail", "Print the leaves of a running gateway."),
            "verify": ("gateway.cli.audit.verify:verify", "Verify log, tree, checkpoints and state offline."),
        },
    ),
    "drift": (
        "Changes outside their owner in code.",
        {
            "close": ("gateway.cli.drift.close:close", "Close ENTRY, whose proposal was handed to its owner."),
            "list": ("gateway.cli.drift.list_drift:list_drift", "List the fields that are not as code says."),
            "show": ("gateway.cli.drift.show:show", "Show ENTRY and the text of its pull request."),
        },
    ),
    "incidents": (
        "The record of incidents.",
        {
            "cause": ("gateway.cli.incidents.cause:cause", "Declare HYPOTHESIS the cause of INCIDENT."),
            "close": ("gateway.cli.incidents.close:close", "Close INCIDENT."),
            "hypothesis": ("gateway.cli.incidents.hypothesis:hypothesis", "Add a possible cause to INCIDENT."),
            "list": ("gateway.cli.incidents.list_incidents:list_incidents", "List the newest incidents."),
            "open": ("gateway.cli.incidents.open_incident:open_incident", "Open an incident."),
            "show": ("gateway.cli.incidents.show:show", "Show INCIDENT."),
        },
    ),
    "keys": (
        "Signing keys on disk.",
        {
            "list": ("gateway.cli.keys.list_keys:list_keys", "List the public keys."),
            "new": ("gateway.cli.keys.new:new", "Make another signing key."),
            "revoke": ("gateway.cli.keys.revoke:revoke", "Trust a key no more."),
            "rotate": ("gateway.cli.keys.rotate:rotate", "Make another key and let the others expire."),
        },
    ),
    "leases": (
        "Changes that end by themselves.",
        {
            "list": ("gateway.cli.leases.list_leases:list_leases", "List the leased changes."),
            "release": ("gateway.cli.leases.release:release", "End the lease of ACTION now."),
            "renew": ("gateway.cli.leases.renew:renew", "Extend the lease of ACTION."),
        },
    ),
    "policy": (
        "Bundles before they are in force, and the revision that is.",
        {
            "check": ("gateway.cli.policy.check_bundle:check_bundle", "Lint, load and canary a bundle."),
            "explain": ("gateway.cli.policy.explain:explain", "Say what a bundle says about one policy input."),
            "test": ("gateway.cli.policy.test_bundle:test_bundle", "Run the Rego tests of a bundle."),
            "withdraw": ("gateway.cli.policy.withdraw:withdraw", "Withdraw a policy REVISION: its grants die."),
        },
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
        rows = [(name, self._about(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _about(self, ctx: click.Context, name: str) -> str:
        if name in self.lazy:
            return self.lazy[name][1]
        group = self.get_command(ctx, name)
        return "" if group is None else group.help or ""


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 refused or failed, 2 usage.",
)
def cli() -> None:
    """Countermand: a policy-as-code execution proxy between LLM agents and infrastructure."""


for _name, (_about, _lazy) in GROUPS.items():
    cli.add_command(LazyGroup(_name, help=_about, lazy=_lazy))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 refused or failed as asked, 2 usage."""
    try:
        code = cli.main(args=None if argv is None else list(argv), prog_name="countermand", standalone_mode=False)
    except BaseException as exc:  # noqa: BLE001  # the last place: every error becomes a code and a line on stderr
        return report(exc)
    return code if isinstance(code, int) else 0
