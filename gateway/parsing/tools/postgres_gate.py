"""The token gate: proves from PostgreSQL's own grammar that a statement only reads.

A statement that starts with SELECT, WITH or `(`, is one statement, and contains none of the words below as a bare
word cannot be anything but a SELECT in PostgreSQL's grammar: a writing CTE needs INSERT, UPDATE, DELETE or MERGE,
SELECT INTO needs INTO, a row lock needs FOR UPDATE or FOR SHARE. What is left are functions and casts, which are
checked by name. The tree gate (`postgres_tree`) then checks the same statement with a parser.
"""

from gateway.parsing.names import names
from gateway.parsing.result import Refusal
from gateway.parsing.tools.postgres_names import FUNCTIONS, SETTINGS, TYPES
from gateway.parsing.tools.postgres_series import SERIES, check_series
from gateway.parsing.tools.postgres_tokens import MAX_IDENTIFIER, Token

_WRITES = frozenset({"insert", "update", "delete", "merge", "into", "table"})
_LOCKS = frozenset({"update", "share", "no", "key"})
# Words that may stand before `(` and cannot name a function: reserved, or column-name keywords, in PostgreSQL.
_BEFORE_PAREN = names(
    "all and any array as between case distinct else except exists from group having in intersect lateral limit "
    "not offset on or row select some then to union using values when where with"
)
# Unreserved words that are syntax only after these tokens; anywhere else they could name a function.
_BEFORE_PAREN_AFTER = {
    "by": frozenset({"group", "order", "partition"}),
    "bernoulli": frozenset({"tablesample"}),
    "materialized": frozenset({"as", "not"}),
    "sets": frozenset({"grouping"}),
    "system": frozenset({"tablesample"}),
    "varying": frozenset({"character"}),
}
# Words after which a string literal is a value; elsewhere `name 'text'` calls the input function of a type.
_BEFORE_STRING = names(
    "all and any between both by case distinct else escape from having ilike in interval is leading like limit not "
    "offset on or select some symmetric then time timestamp timestamptz to trailing using when where zone date "
    "asymmetric except union inet cidr json jsonb uuid"
)
_QUERIES = frozenset({Token("word", "select"), Token("word", "with"), Token("word", "values")})
_OPENS_QUERY = frozenset({"select", "with", "("})
_OPEN, _CLOSE, _START = Token("mark", "("), Token("mark", ")"), Token("mark", ";")
_NAMES_FOLLOW = (Token("word", "as"), Token("mark", "."))  # any word is a name behind these
_AS, _CAST, _FOR = Token("word", "as"), Token("mark", "::"), Token("word", "for")


def gate(tokens: tuple[Token, ...], extra: frozenset[str]) -> tuple[str, ...] | Refusal:
    """Return the names of the functions that a SELECT calls, sorted; `extra` are declared pure by the site."""
    return _words(tokens) or _texts(tokens) or _functions(tokens, extra)


def _words(tokens: tuple[Token, ...]) -> Refusal | None:
    for before, token in zip((_START, *tokens), tokens, strict=False):
        if token.kind == "word" and token.text in _WRITES and before not in _NAMES_FOLLOW:
            return Refusal("SQL_NOT_READ", args={"word": token.text})
        if before == _FOR and token.kind == "word" and token.text in _LOCKS:
            return Refusal("SQL_LOCK")
    return None


def _texts(tokens: tuple[Token, ...]) -> Refusal | None:
    """Check the types of `::type` and of `type 'text'`, which calls the input function of the type."""
    padded = (_START, _START, *tokens)
    for earlier, before, token in zip(padded, padded[1:], tokens, strict=False):
        if before == _CAST and not _is_type(token):
            return Refusal("SQL_TYPE", args={"type": token.text[:MAX_IDENTIFIER]})
        named = token.kind == "string" and before.kind in {"word", "quoted"}
        if named and (before.text not in _BEFORE_STRING or earlier.text == "."):
            return Refusal("SQL_TYPE", args={"type": before.text[:MAX_IDENTIFIER]})
    return None


def _functions(tokens: tuple[Token, ...], extra: frozenset[str]) -> tuple[str, ...] | Refusal:
    names: set[str] = set()
    closing = _closing(tokens)
    opening = {end: start for start, end in closing.items()}
    for index, token in enumerate(tokens[:-1]):
        if tokens[index + 1] != _OPEN or token.kind not in {"word", "quoted"}:
            continue
        suffix = _is_suffix(tokens, index, opening) or _is_alias(tokens, index, opening, closing)
        if suffix or _is_syntax(tokens, index) or _is_cte(tokens, index, closing):
            continue
        refusal = _function(tokens, index, extra)
        if refusal is None and token.text == SERIES:
            again = SERIES in names  # two of them multiply
            refusal = check_series(tokens, index, closing.get(index + 1, 0), again=again)
        if refusal is not None:
            return refusal
        names.add(token.text)
    return tuple(sorted(names))


def _is_syntax(tokens: tuple[Token, ...], index: int) -> bool:
    """Tell whether `token (` is syntax, the modifier of a type or names of columns, and not a call."""
    token, before = tokens[index], tokens[index - 1] if index else _START
    if before == _AS:
        return True
    if before.text == "." or token.kind == "quoted":
        return False
    if token.text in _BEFORE_PAREN or before.text in _BEFORE_PAREN_AFTER.get(token.text, ()):
        return True
    if token.text in {"rollup", "cube"} and before.text == "by":  # behind ORDER BY or PARTITION BY they are functions
        return tokens[index - 2] == Token("word", "group")
    if token.text == "join":  # a function of that name could not be called with a bare query
        return tokens[index + 2 : index + 3] != () and tokens[index + 2] in _QUERIES
    return before == _CAST and token.text in TYPES


def _is_suffix(tokens: tuple[Token, ...], index: int, opening: dict[int, int]) -> bool:
    """Tell whether this is FILTER or OVER behind a call, and not a call behind `DISTINCT ON (..)`."""
    if tokens[index].text not in {"filter", "over"} or not index or tokens[index - 1] != _CLOSE:
        return False
    start = opening.get(index - 1, 0)
    return start > 0 and tokens[start - 1].kind == "word" and tokens[start - 1].text != "on"


def _is_alias(tokens: tuple[Token, ...], index: int, opening: dict[int, int], closing: dict[int, int]) -> bool:
    """Tell whether this is `(SELECT ..) name (a, b)`: an expression begins behind `)` only in `DISTINCT ON (..)`."""
    if not index or tokens[index - 1] != _CLOSE or tokens[index].kind != "word":
        return False
    before = tokens[max(0, opening.get(index - 1, 0) - 1)]
    names, commas = tokens[index + 2 : closing.get(index + 1, 0) : 2], tokens[index + 3 : closing.get(index + 1, 0) : 2]
    listed = all(name.kind == "word" for name in names) and all(comma.text == "," for comma in commas)
    return before.text not in {"on", "operator"} and len(names) == len(commas) + 1 and listed


def _is_cte(tokens: tuple[Token, ...], index: int, closing: dict[int, int]) -> bool:
    """Tell whether this is `WITH name (a, b) AS (SELECT`, and not `FROM name(a, b) AS (a int)`."""
    before = tokens[index - 1].text if index else ";"
    end = closing.get(index + 1, len(tokens))
    after = [token.text for token in tokens[end + 1 : end + 6]]
    if before not in {"with", "recursive", ","} or after[:1] != ["as"]:
        return False
    body = after[1:]
    for prefix in (["not", "materialized"], ["materialized"]):
        if body[: len(prefix)] == prefix:
            body = body[len(prefix) :]
    return len(body) > 1 and body[0] == "(" and body[1] in _OPENS_QUERY


def _function(tokens: tuple[Token, ...], index: int, extra: frozenset[str]) -> Refusal | None:
    token = tokens[index]
    if token.kind == "quoted":
        return Refusal("SQL_FUNCTION", args={"function": "a quoted name"})
    if index and tokens[index - 1].text == ".":
        schema, deeper = tokens[index - 2], index > 2 and tokens[index - 3].text == "."
        if schema != Token("word", "pg_catalog") or deeper:
            return Refusal("SQL_FUNCTION_SCHEMA", args={"function": token.text})
    if token.text == "current_setting":
        return _setting(tokens, index)
    known = token.text in FUNCTIONS or token.text in extra
    return None if known else Refusal("SQL_FUNCTION", args={"function": token.text})


def _setting(tokens: tuple[Token, ...], index: int) -> Refusal | None:
    """Accept `current_setting('name')` of a listed name, optionally with a second argument."""
    argument, following = (*tokens[index + 2 :], _START, _START)[:2]
    literal = argument.kind == "string" and following.text in {")", ","}
    known = argument.text[1:-1].lower() in SETTINGS
    return None if literal and known else Refusal("SQL_SETTING", args={"setting": "this setting"})


def _is_type(token: Token) -> bool:
    return (token.kind == "word" and token.text in TYPES) or token == Token("quoted", '"char"')


def _closing(tokens: tuple[Token, ...]) -> dict[int, int]:
    """Return for each `(` the index of its `)`."""
    opened: list[int] = []
    pairs: dict[int, int] = {}
    for index, token in enumerate(tokens):
        if token == _OPEN:
            opened.append(index)
        elif token == _CLOSE and opened:
            pairs[opened.pop()] = index
    return pairs
