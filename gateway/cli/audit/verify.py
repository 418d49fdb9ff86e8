"""countermand audit verify: offline, without a running gateway, trusting only the public keys."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.store_audit import stored_evidence
from gateway.cli.audit.logfile import read_log
from gateway.cli.audit.trusted import keys_from
from gateway.cli.emit import emit
from gateway.cli.failure import CommandError
from gateway.core.audit import Evidence, Report, StoredLeaf, audit
from gateway.core.auditfold import Violation
from gateway.core.keys import VerifyKey
from gateway.parts import Layout

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("verify")
@click.option(
    "--state-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="COUNTERMAND_STATE_DIR",
    help="State directory of a gateway, or a copy of one.",
)
@click.option(
    "--log", "logs", type=_FILE, multiple=True, help="Exported log (JSON Lines) instead; its rotated files in order."
)
@click.option("--keys", type=_FILE, help="Public keys (JWK set) that you keep; else those beside the log.")
@click.option("--since", type=_FILE, help="A signed checkpoint that you kept: tells whether the tail was cut since.")
@click.option("--origin", default="", help="Name of the log in its checkpoints; else that of the first one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(
    *, state_dir: Path | None, logs: Sequence[Path], keys: Path | None, since: Path | None, origin: str, as_json: bool
) -> None:
    """Verify that every leaf is in the log as it was signed and that the state is what the leaves fold to.

    Ends with 1 and names leaf or action of each violation.
    """
    if not logs and state_dir is None:
        raise click.UsageError("give --state-dir or --log")
    trusted = _keys(keys, None if logs else state_dir, needed=not logs or since is not None)
    note = "" if since is None else since.read_text(encoding="utf-8", errors="replace")
    with _evidence(None if logs else state_dir, logs) as evidence:
        report = audit(_shown(replace(evidence, since=note)), keys=trusted, origin=origin)
    emit(_json(report), as_json=as_json, text=_text(report))
    if not report.holds:
        raise CommandError("AUDIT_VIOLATIONS", f"the log does not hold: {len(report.violations)} violations")


@contextmanager
def _evidence(state_dir: Path | None, logs: Sequence[Path]) -> Iterator[Evidence]:
    if state_dir is None:
        with ExitStack() as opened:
            yield Evidence(read_log([opened.enter_context(path.open("rb")) for path in logs]))
        return
    with stored_evidence(Layout(state_dir).database) as evidence:
        yield replace(evidence, now_ms=SystemClock().now_ms())


def _keys(path: Path | None, state_dir: Path | None, *, needed: bool) -> Mapping[str, VerifyKey]:
    if path is None and state_dir is not None:
        click.echo("note: the keys are those of the state directory; who could change it all could change them too. "
                   "Keep a copy elsewhere and give it with --keys", err=True)  # fmt: skip
        path = Layout(state_dir).keys / "jwks.json"
    if path is None and needed:
        raise click.UsageError("--since needs --keys")
    return {} if path is None else keys_from(path)


def _shown(evidence: Evidence) -> Evidence:
    """Show progress on a terminal."""
    size = evidence.head.size if evidence.head is not None else None
    return replace(evidence, leaves=_progress(evidence.leaves, size))


def _progress(leaves: Iterable[StoredLeaf], size: int | None) -> Iterator[StoredLeaf]:
    if not sys.stderr.isatty():
        yield from leaves
        return
    with click.progressbar(leaves, length=size, label="leaves", file=sys.stderr) as bar:
        yield from bar


def _json(report: Report) -> dict[str, object]:
    return {
        "holds": report.holds, "leaves": report.leaves, "root": report.root, "signed": report.signed,
        "checkpoints": report.checkpoints, "actions": report.actions, "violations": report.violations,
    }  # fmt: skip


def _text(report: Report) -> str:
    lines = [_line(violation) for violation in report.violations]
    seen = f"{report.leaves} leaves, {report.signed} of them signed by {report.checkpoints} checkpoints"
    word = "holds" if report.holds else "does not hold"
    return "\n".join([*lines, f"{word}: {seen}, {report.actions} actions, root {report.root}"])


def _line(violation: Violation) -> str:
    where = [f"leaf {violation.index}"] if violation.index >= 0 else []
    where += [violation.action] if violation.action else []
    return f"{' '.join(where) or 'log'}: {violation.code}: {violation.detail}"
