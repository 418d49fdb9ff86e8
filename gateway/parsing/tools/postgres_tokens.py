"""SQL as tokens: a strict subset of PostgreSQL's lexical rules, and its canonical spelling.

The canonical text is what is decided and what is executed. It differs from the proposed text only where
PostgreSQL itself sees no difference: blanks between tokens, letter case of what is not quoted, one final `;`.
"""

import re
from typing import Literal, NamedTuple, cast

from gateway.parsing.names import names
from gateway.parsing.result import Refusal
from gateway.parsing.tools.postgres_names import FUNCTIONS, TYPES

MAX_SQL_BYTES = 8 * 1024
MAX_TOKENS = 640
MAX_DEPTH = 16
# sqlglot reads nested arrays in exponential time; no question about an incident nests them.
MAX_BRACKET_DEPTH = 2
MAX_BRACKETS = 32
# So are joins whose conditions come later, as in `a JOIN b JOIN c ON .. ON ..`.
MAX_OPEN_JOINS = 4
_CONDITIONS = frozenset({"on", "using"})
_UNCONDITIONAL = frozenset({"cross", "natural"})
MAX_IDENTIFIER = 63
Kind = Literal["word", "quoted", "string", "number", "operator", "mark"]
OPERATORS = names(
    "+ - * / % ^ < > = <= >= <> != || ~ ~* !~ !~* ~~ !~~ ~~* !~~* -> ->> #> #>> @> <@ && << >> <<= >>= =>"
)
_TOKEN = re.compile(
    r"""(?P<blank>[ \t\n]+)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
      | (?P<string>'(?:[^'\n\t]|'')*')
      | (?P<quoted>"[^"\n\t]+")
      | (?P<operator>[+\-*/<>=~!@\#%^&|`?]+)
      | (?P<mark>::|[(),.\[\];])
      | (?P<foreign>.)""",
    re.VERBOSE | re.DOTALL,
)
# PostgreSQL lets an operator of several characters end in + or - only if it has one of these.
_KEEPS_SIGN = frozenset("~!@#%^&|`?")
_NO_SPACE_BEFORE = frozenset({",", ")", ".", "::", "[", "]"})
_GLUED = FUNCTIONS | TYPES | {"current_setting"}
_NO_SPACE_AFTER = frozenset({"(", ".", "::", "["})


class Token(NamedTuple):
    """One token; an unquoted word is in lower case, quoted texts keep their quotes.

    A tuple and not a dataclass: hundreds are made and compared for one statement.
    """

    kind: Kind
    text: str


def tokenize(sql: str) -> tuple[Token, ...] | Refusal:
    """Split one statement into tokens, without its final `;`."""
    size = len(sql.encode("utf-8", "replace"))
    if size > MAX_SQL_BYTES:
        return Refusal("SQL_TOO_LONG", args={"bytes": size, "max": MAX_SQL_BYTES})
    tokens: list[Token] = []
    position, glued = 0, False
    while position < len(sql):
        match = cast("re.Match[str]", _TOKEN.match(sql, position))
        kind, position = match.lastgroup, match.end()
        if kind == "blank":
            glued = False
            continue
        token = _token(match, tokens[-1] if glued and tokens else None)
        if isinstance(token, Refusal):
            return token
        position -= len(match[0]) - len(token.text)
        tokens.append(token)
        glued = True
    return _statement(tokens)


def render(tokens: tuple[Token, ...]) -> str:
    """Return the canonical text; tokenizing it again gives the same tokens."""
    parts: list[str] = []
    before: Token | None = None
    for token in tokens:
        if before is not None and _spaced(before, token):
            parts.append(" ")
        parts.append(token.text)
        before = token
    return "".join(parts)


def _spaced(before: Token, token: Token) -> bool:
    if before.kind == "mark" and before.text in _NO_SPACE_AFTER:
        return False
    if token.text == "(" and before.kind == "word" and before.text in _GLUED:
        return False
    return not (token.kind == "mark" and token.text in _NO_SPACE_BEFORE)


def _token(match: re.Match[str], glued: Token | None) -> Token | Refusal:
    kind, text = match.lastgroup, match[0]
    if kind == "foreign":
        return Refusal(_foreign(text))
    # A literal may have backslashes, as patterns do, but where it ends may depend on no setting.
    if "\\" in text and (kind != "string" or "\\'" in text):
        return Refusal("SQL_BACKSLASH")
    if kind == "operator":
        return _operator(text)
    if glued is not None and _runs_together(cast("Kind", kind), glued):
        return Refusal("SQL_RUN_TOGETHER")
    if kind in {"word", "quoted"} and len(text.encode()) > MAX_IDENTIFIER + (2 if kind == "quoted" else 0):
        return Refusal("SQL_IDENTIFIER_TOO_LONG", args={"max": MAX_IDENTIFIER})
    plain = text.lower() if kind in {"word", "number"} else text
    return Token(cast("Kind", kind), plain)


def _runs_together(kind: Kind, glued: Token) -> bool:
    """Tell `E'..'`, `1abc` and `"a""b"` from their parts: no blank stands between."""
    texts = {"word", "quoted", "string", "number"}
    return kind in texts and glued.kind in texts


def _foreign(text: str) -> str:
    if text in "'\"":
        return "SQL_UNCLOSED_QUOTE"
    if text == "$":
        return "SQL_DOLLAR"
    if text == ":":
        return "SQL_COLON"
    if text == "\\":
        return "SQL_BACKSLASH"
    return "SQL_CHARACTER"


def _operator(run: str) -> Token | Refusal:
    if "--" in run or "/*" in run:
        return Refusal("SQL_COMMENT")
    while len(run) > 1 and run[-1] in "+-" and not _KEEPS_SIGN & set(run[:-1]):
        run = run[:-1]
    run = "<>" if run == "!=" else run  # one operator, as PostgreSQL's own lexer has it
    return Token("operator", run) if run in OPERATORS else Refusal("SQL_OPERATOR", args={"operator": run[:8]})


def _statement(tokens: list[Token]) -> tuple[Token, ...] | Refusal:
    if tokens and tokens[-1].text == ";":
        tokens = tokens[:-1]
    if not tokens:
        return Refusal("SQL_EMPTY")
    if any(token.kind == "mark" and token.text == ";" for token in tokens):
        return Refusal("SQL_SEVERAL_STATEMENTS")
    if len(tokens) > MAX_TOKENS:
        return Refusal("SQL_TOO_LARGE", args={"max": MAX_TOKENS})
    return _neighbours(tokens) or _nested(tokens) or _joins(tokens) or tuple(tokens)


def _neighbours(tokens: list[Token]) -> Refusal | None:
    """Refuse dots that PostgreSQL would read as part of a number, and literals that it would join."""
    for before, token in zip([Token("mark", ";"), *tokens], [*tokens, Token("mark", ";")], strict=True):
        if token.text == "." and before.kind not in {"word", "quoted"}:
            return Refusal("SQL_DOT")
        if before.text == "." and token.kind not in {"word", "quoted"} and token.text != "*":
            return Refusal("SQL_DOT")
        if before.kind == token.kind == "string":
            return Refusal("SQL_RUN_TOGETHER")
    return None


def _nested(tokens: list[Token]) -> Refusal | None:
    depth = brackets = total = 0
    for kind, text in tokens:
        if kind == "mark":
            depth += (text in "([") - (text in ")]")
            brackets += (text == "[") - (text == "]")
            total += text == "["
        if depth > MAX_DEPTH or brackets > MAX_BRACKET_DEPTH or total > MAX_BRACKETS:
            return Refusal("SQL_TOO_DEEP", args={"max": MAX_DEPTH})
    return None


def _joins(tokens: list[Token]) -> Refusal | None:
    words = ["", "", "", *(token.text if token.kind == "word" else "" for token in tokens)]
    waiting = 0
    for index, word in enumerate(words):
        if word == "join" and not _UNCONDITIONAL & set(words[index - 3 : index]):
            waiting += 1
        elif word in _CONDITIONS:
            waiting = max(0, waiting - 1)
        if waiting > MAX_OPEN_JOINS:
            return Refusal("SQL_JOINS", args={"max": MAX_OPEN_JOINS})
    return None
