"""The command language: words, quotes, `&&`, `;` and line continuation; everything else is refused.

Every accepted text has the same argv in bash (tests/oracles/test_bash_argv.py). The opposite is not
attempted: what needs expansion, redirection or a shell keyword is refused with its own code. Braces without a comma
or `..` are literal in bash; behind `=`, `@` and `^` people write them bare (`-o jsonpath={.status.phase}`, `HEAD@{1}`).
So are the brackets of a path of fields, because no file has its name (`--sort-by=.status.containerStatuses[0].ready`).
"""

import re
from dataclasses import dataclass, field
from typing import cast

from gateway.core.step import MAX_STEPS, Connector
from gateway.parsing.charset import byte_offsets
from gateway.parsing.names import names
from gateway.parsing.result import Refusal, Span
from gateway.parsing.words import Word

MAX_WORDS = 512
MAX_WORD_BYTES = 8 * 1024
_TOKEN = re.compile(
    r"""(?P<blank>[ \t]+)
      | (?P<bare>[A-Za-z0-9_\-./:,=@%+^]+)
      | '(?P<single>[^']*)'
      | "(?P<double>[^"\\$`]*)"
      | "(?P<escaped>(?:[^"\\$`]++|\\[^\n!])*+)"
      | (?P<curly>(?<=[=@^])\{(?:[A-Za-z0-9_-]|\.(?!\.)|\[(?:[0-9]{1,3}|\*)?\])*\})
      | (?P<index>(?<=[A-Za-z0-9_])\[(?:[0-9]{1,3}|\*)?\])
      | (?P<inner>[!\#~])
      | (?P<join>&&|;)
      | (?P<continuation>\\\n)
      | (?P<foreign>.)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r'\\(["\\$`])')  # before any other character bash keeps the backslash
_FOREIGN = {
    "\\": "LEX_BACKSLASH", "$": "LEX_EXPANSION", "`": "LEX_EXPANSION", "*": "LEX_GLOB", "?": "LEX_GLOB",
    "[": "LEX_GLOB", "]": "LEX_GLOB", "{": "LEX_BRACE", "}": "LEX_BRACE", "<": "LEX_REDIRECT",
    ">": "LEX_REDIRECT", "&": "LEX_BACKGROUND", "(": "LEX_SUBSHELL", ")": "LEX_SUBSHELL",
    "\n": "LEX_NEWLINE", "'": "LEX_UNCLOSED_QUOTE",
}  # fmt: skip
_INNER = {"!": "LEX_BANG", "#": "LEX_COMMENT", "~": "LEX_TILDE"}
_KEYWORDS = names("if then elif else fi case esac for select while until do done in function time coproc")


@dataclass(frozen=True, slots=True)
class Command:
    """One argv and how it is joined to the command before it."""

    words: tuple[Word, ...]
    connector: Connector | None
    span: Span


@dataclass(slots=True)
class _State:
    """What has been read so far; `parts` is None between words."""

    offsets: tuple[int, ...] | None
    commands: list[Command] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    parts: list[str] | None = None
    start: int = 0
    count: int = 0
    connector: Connector | None = None

    def span(self, start: int, end: int) -> Span:
        return (start, end) if self.offsets is None else (self.offsets[start], self.offsets[end])


def lex(text: str) -> tuple[Command, ...] | Refusal:
    """Split a proposal into commands; a single trailing newline is ignored."""
    state = _State(None if text.isascii() else byte_offsets(text))
    body = text.removesuffix("\n")
    for match in _TOKEN.finditer(body):
        refusal = _token(state, match)
        if refusal is not None:
            return refusal
    refusal = _end_word(state, len(body)) or _end_command(state, len(body))
    return refusal or tuple(state.commands)


def _token(state: _State, match: re.Match[str]) -> Refusal | None:
    kind, start = match.lastgroup or "foreign", match.start()
    if kind in {"bare", "single", "double", "curly", "escaped"}:
        _append(state, match[kind] if kind != "escaped" else _ESCAPE.sub(r"\1", match[kind]), start)
        return None
    if kind == "blank":
        return _end_word(state, start)
    if kind in {"inner", "index"}:
        return _inner(state, match)
    if kind == "join":
        refusal = _end_word(state, start) or _end_command(state, start)
        state.connector = cast("Connector", match[0])
        return refusal
    if kind == "continuation" and state.parts is None and (start == 0 or match.string[start - 1] in " \t\n"):
        return None
    return _foreign(state, match)


def _append(state: _State, text: str, start: int) -> None:
    if state.parts is None:
        state.parts, state.start = [], start
    state.parts.append(text)


def _inner(state: _State, match: re.Match[str]) -> Refusal | None:
    """Accept `!`, `#`, `~` and `[0]` inside a word only, where bash takes them literally (`HEAD~3`)."""
    start, text = match.start(), match[0]
    before = match.string[start - 1] if start else ""
    if match.lastgroup == "index":
        literal = _is_path(state)
    else:
        literal = state.parts is not None and (text != "~" or before.isalnum() or before in "^~@")
    if not literal:
        return Refusal(_INNER.get(text, "LEX_GLOB"), state.span(start, start + 1))
    _append(state, text, start)
    return None


def _is_path(state: _State) -> bool:
    """Tell whether a word names fields, as `-o=jsonpath={.items[*].kind}` and `--query Stacks[0].Name` do.

    No file has such a name, so bash finds nothing to put in its place.
    """
    if not state.words or state.parts is None:
        return False
    return (
        state.parts[0].startswith(".") or any("=" in part for part in state.parts) or state.words[-1].text == "--query"
    )


def _foreign(state: _State, match: re.Match[str]) -> Refusal:
    text, start = match.string, match.start()
    character, following = text[start], text[start + 1 : start + 2]
    span = state.span(start, start + 1)
    if character == "|":
        return Refusal("LEX_OR" if following == "|" else "LEX_PIPE", span)
    if character == '"':
        return _double(state, text, start)
    return Refusal(_FOREIGN.get(character, "LEX_NON_ASCII"), span)


def _double(state: _State, text: str, start: int) -> Refusal:
    """Say why a double-quoted string was not taken: what it contains, or that it does not end."""
    skipped = -1
    for index in range(start + 1, len(text)):
        if index == skipped:
            continue
        if text[index] == "\\" and text[index + 1 : index + 2] not in {"\n", "!", ""}:
            skipped = index + 1
        elif text[index] in "\\$`":
            code = "LEX_QUOTED_BACKSLASH" if text[index] == "\\" else "LEX_QUOTED_EXPANSION"
            return Refusal(code, state.span(index, index + 1))
    return Refusal("LEX_UNCLOSED_QUOTE", state.span(start, len(text)))


def _end_word(state: _State, end: int) -> Refusal | None:
    if state.parts is None:
        return None
    text, span = "".join(state.parts), state.span(state.start, end)
    state.parts = None
    state.count += 1
    if len(text) > MAX_WORD_BYTES or len(text.encode("utf-8", "replace")) > MAX_WORD_BYTES:
        return Refusal("LEX_WORD_TOO_LONG", span, {"max": MAX_WORD_BYTES})
    if state.count > MAX_WORDS:
        return Refusal("LEX_TOO_MANY_WORDS", span, {"max": MAX_WORDS})
    state.words.append(Word(text, span))
    return _tool_word(text, span) if len(state.words) == 1 else None


def _tool_word(text: str, span: Span) -> Refusal | None:
    """Refuse first words that bash would not look up as a command."""
    if not text:
        return Refusal("LEX_EMPTY_TOOL", span)
    if "=" in text:
        return Refusal("LEX_ASSIGNMENT", span)
    if text in _KEYWORDS:
        return Refusal("LEX_KEYWORD", span)
    return Refusal("LEX_JOB", span) if text.startswith("%") else None


def _end_command(state: _State, end: int) -> Refusal | None:
    if not state.words:
        return Refusal("LEX_EMPTY_COMMAND", state.span(end, end))
    span = (state.words[0].span[0], state.words[-1].span[1])
    if len(state.commands) == MAX_STEPS:
        return Refusal("LEX_TOO_MANY_COMMANDS", span, {"max": MAX_STEPS})
    state.commands.append(Command(tuple(state.words), state.connector, span))
    state.words = []
    return None
