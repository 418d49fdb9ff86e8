"""bash is the oracle of the lexer: whatever the lexer accepts, bash splits into the same words."""

import random
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence

import pytest

from gateway.parsing.lexer import lex
from gateway.parsing.result import Refusal

# A command name that no machine has; bash then calls command_not_found_handle with the argv it arrived at.
TOOLS = ("kubectl_x", "aws_x", "psql_x", "g.t_x")
PLAIN = (
    "get", "pods", "-n", "prod", "--replicas=3", "deploy/web", "a,b", "x@y", "%d", "100%", "HEAD~3", "HEAD^", "a+b",
    "status.phase!=Running", "a#b", "k=v", "_", "-", "--", ".", "..", ":", "a:b", "=", "1", "0x1f", "e.g.", "A=b", "!x",
    "HEAD@{1}", "-o=jsonpath={.status.phase}", "@{u}", "v1^{commit}", "@~2", "^{}", "={a}",
    "-o=x={.a[0].b[*]}", "--q=A[].B[*].c[10]", ".a[0].b", "--query",
    "A[0].B[]", "={1.2}", "={a},b={c}",
)  # fmt: skip
QUOTED = (
    "'single words'", '"double words"', "''", '""', "'$HOME'", "'`id`'", "'a\\b'", "'*'", "'~'", '"*"', '"it\'s"',
    "'say \"x\"'", "'{a,b}'", '"{a,b}"', "'#'", '"!"', "'é'", '"→"', "'a\nb'", "'\t'", "'~'~", "'a'~",
    '"say \\"x\\""', '"\\`id\\`"', '"\\$HOME"', '"\\\\"', '"a\\.b"', '"\\\\\\""',
    "\"\\'\"", '"\\{a,b\\}"', '"\\é"', '"\\ "',
)  # fmt: skip
JOINS = (" ", "  ", "\t", "", "", " \\\n", " \\\n  ", " && ", ";", " ; ", "&&", "; ")
HOSTILE = (
    "$HOME", "$(id)", "`id`", "*", "?", "[a]", "{a,b}", "~", "~root", "#", "\\n", "\\", "\\\n", "|", "||", "&", ">x",
    "<x", "(", ")", "\n", "\r", "!", "\x0b", "\u00a0", "'", '"', "$'a'", "time", "if", "A=b", "a=~", ":~", "%1", "é",
    "2>&1", " a=~ ", " A=b:~ ", " a=~/x ", "{a}",
    "={a,b}", "@{a..c}", "={a}{b,c}", "^{", "@{", "}", "={", ",", "..", "{a,x@{1}}", "={a.b..c}",
    "coproc", "[[", "]]", "((", "=~", "a=(b)", "~+", "~-", "^a^b", "!!", "!$", "a\u200bb", "-~",
    "[0]", "a[*]", "[]", "x[a]", "=a[!0]", "={[0-9]}", "=a[0", "=a]", "[-1]", "='x'[0]", "*[0]",
    '"\\"', '\\"', '"\\\\$HOME"', '"\\\\`id`"', '"\\\n"', '"\\!"',
)  # fmt: skip
BASH = shutil.which("bash") or "bash"
ACCEPTED = 4_000
BATCH = 500
HANDLER = r"""
command_not_found_handle() { printf 'argv'; printf '\001%s' "$@"; printf '\002'; }
"""


def _strings(seed: int) -> Iterator[str]:
    """Yield strings of shell fragments for ever; most of them are harmless, so that enough are accepted."""
    rng = random.Random(seed)
    while True:
        parts: list[str] = [rng.choice(TOOLS)]
        for _ in range(rng.randint(0, 7)):
            pool: Sequence[str] = rng.choices((PLAIN, QUOTED, JOINS, TOOLS, HOSTILE), (8, 6, 9, 2, 2))[0]
            parts.append(rng.choice(pool))
        yield "".join(parts)


def _lexed(text: str) -> list[list[str]] | None:
    commands = lex(text)
    if isinstance(commands, Refusal):
        return None
    return [[word.text for word in command.words] for command in commands]


def _unknown_to_bash(argvs: list[list[str]]) -> bool:
    """Keep to names that reach the handler: no path, no builtin, no program."""
    return all("/" not in argv[0] and any(argv[0].startswith(tool) for tool in TOOLS) for argv in argvs)


def _bash(texts: Sequence[str]) -> list[list[list[str]]]:
    """Run every text in its own `eval` and return the argv of each command it ran.

    The handler runs in a subshell and fails, so commands behind `&&` are reached by making it succeed.
    """
    evals = [f"eval {shlex.quote(text)} 2>/dev/null; printf '\\003'" for text in texts]
    script = [HANDLER, *evals]
    ran = subprocess.run(
        [BASH, "--norc", "--noprofile", "-c", "\n".join(script)],
        capture_output=True, check=False, timeout=60, env={"PATH": "/nonexistent", "LC_ALL": "C.UTF-8"}, cwd="/",
    )  # fmt: skip
    results = ran.stdout.decode().split("\003")[:-1]
    return [[c.split("\001")[1:] for c in result.split("\002")[:-1]] for result in results]


@pytest.mark.parametrize("seed", [1, 20261124])
def test_bash_arrives_at_the_same_words_as_the_lexer(seed: int) -> None:
    accepted: list[tuple[str, list[list[str]]]] = []
    tried = 0
    for text in _strings(seed):
        tried += 1
        argvs = _lexed(text)
        if argvs is not None and _unknown_to_bash(argvs):
            accepted.append((text, argvs))
        if len(accepted) == ACCEPTED:
            break
    for start in range(0, ACCEPTED, BATCH):
        batch = accepted[start : start + BATCH]
        real = _bash([text for text, _ in batch])
        assert len(real) == len(batch)
        different = [(t, ours, theirs) for (t, ours), theirs in zip(batch, real, strict=True) if ours != theirs]
        assert different == []
    assert tried > ACCEPTED  # some of them were hostile, and refused


def test_the_oracle_sees_a_difference_where_there_is_one() -> None:
    assert _bash(["kubectl_x {a,b}"]) == [[["kubectl_x", "a", "b"]]]
    assert _lexed("kubectl_x {a,b}") is None


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_fragment_alone_or_after_a_blank_is_refused_or_literal(hostile: str) -> None:
    text = f"kubectl_x {hostile}"
    argvs = _lexed(text)
    assert argvs is None or _bash([text]) == [argvs]
