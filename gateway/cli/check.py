"""countermand check: what would be decided, without recording or running anything.

An answer is an answer: the exit code is 0 whatever the verdict is. With `--jsonl` every input line has one
output line, in the same order, also when the line cannot be read.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import click

from gateway.adapters.clock import SystemClock
from gateway.cli.check_output import Answer, document, human, human_line, json_line
from gateway.cli.explainer import open_explainer
from gateway.cli.failure import CommandError
from gateway.cli.lines import capped_lines
from gateway.core.canonical import Json, loads_strict
from gateway.service.explain import Explainer, unanswerable
from gateway.service.explain_line import MAX_LINE_BYTES, LineError, Question, read_question

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_Asked = Question | LineError


@click.command()
@click.argument("command", required=False, metavar="[CMD|-]")
@click.option("--jsonl", is_flag=True, help="Read one JSON question per line from stdin, write one JSON answer each.")
@click.option("--explain", is_flag=True, help="Show the policy input too: what was supposed or given as context.")
@click.option("--context", "context_file", type=_FILE, help="JSON file: a partial policy input to decide under.")
@click.option("--config", type=_FILE, help="Settings file whose scopes and commands apply; else a sample site.")
@click.option("--bundle", type=click.Path(exists=True, path_type=Path), help="Policy bundle, a folder or .tar.gz.")
@click.option("--scope", help="The cluster, account, database, repository or host when the command names none.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: a document for CMD, a line each for `-`.")
def check(
    *,
    command: str | None,
    jsonl: bool,
    explain: bool,
    context_file: Path | None,
    config: Path | None,
    bundle: Path | None,
    scope: str | None,
    as_json: bool,
) -> None:
    """Decide about commands without running anything.

    CMD is one command; `-` reads one command per line from stdin and answers each on one line that begins with
    the verdict: deny, shadow, approve or allow.
    """
    if jsonl == (command is not None):
        raise click.UsageError("give one command, `-`, or --jsonl")
    default = Question(scope=scope, context=None if context_file is None else _context(context_file))
    many = jsonl or command == "-"
    write = (json_line if as_json or jsonl else human_line) if many else (document if as_json else human)
    asyncio.run(_run(_questions(command, default), config, bundle, lambda a: write(a, explain=explain), many=jsonl))


def _questions(command: str | None, default: Question) -> Iterator[_Asked]:
    if command is not None and command != "-":
        yield replace(default, command=os.fsencode(command))
        return
    for number, line in enumerate(capped_lines(sys.stdin.buffer, MAX_LINE_BYTES), 1):
        yield _read(line, default) if command is None else replace(default, id=number, command=line)


def _read(line: bytes, default: Question) -> _Asked:
    """Read a JSON line; what it does not say comes from the options."""
    try:
        asked = read_question(line)
    except LineError as exc:
        return exc
    return replace(
        asked,
        scope=default.scope if asked.scope is None else asked.scope,
        context=default.context if asked.context is None else asked.context,
    )


async def _run(
    questions: Iterable[_Asked], config: Path | None, bundle: Path | None, write: Callable[[Answer], str], *, many: bool
) -> None:
    explainer = await open_explainer(config, bundle, many=many)
    for question in questions:
        sys.stdout.write(write(await _answer(explainer, question)))
    sys.stdout.flush()


async def _answer(explainer: Explainer, asked: _Asked) -> Answer:
    began = time.perf_counter_ns()
    if isinstance(asked, LineError):
        explanation = unanswerable("CHECK_LINE", str(asked))
        return Answer(asked.ident, explanation, 0)
    explanation = await explainer.explain(asked, SystemClock().now_ms())
    return Answer(asked.id, explanation, (time.perf_counter_ns() - began) // 1_000)


def _context(path: Path) -> Json:
    try:
        return loads_strict(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise CommandError("CONTEXT_UNREADABLE", f"{path}: {exc}", remedy="write one JSON object") from exc
