"""Texts of statements (`pg_stat_activity.query`): shown whole they are redacted, in pieces a secret has no name.

Redaction finds a password by the words before it. A function that cuts those words away would show it, so a read
that cuts needs a human; shortening from the left end, folding blanks and counting do not cut.
"""

import re
from collections.abc import Iterator

from sqlglot import exp

from gateway.parsing.names import names

_RELATIONS = names("pg_stat_activity pg_stat_statements")
_TEXT = "query"
_CUTS = (
    exp.Right, exp.Reverse, exp.Translate, exp.SplitPart, exp.StringToArray, exp.RegexpSubstr, exp.RegexpCount,
    exp.StrPosition, exp.StrToDate, exp.ToNumber,
)  # fmt: skip
_CUTTING = names("regexp_match regexp_matches regexp_split_to_array parse_ident to_date to_number position")
_TRIMS = names("btrim ltrim rtrim trim")
_BLANKS = re.compile(r"(?:\[\[:space:\]\]|\[ \]| +)[+*]?(?:\{[0-9],\})?")


def carves_statements(tree: exp.Expr, relations: tuple[str, ...]) -> bool:
    """Tell whether a read takes pieces out of the text of other sessions' statements."""
    if not _RELATIONS & set(relations):
        return False
    renamed = sum(1 for _ in tree.find_all(exp.Query)) > 1  # an inner query may call the text anything
    for call in _cuts(tree):
        columns = [column.name for column in call.find_all(exp.Column)]
        if _TEXT in columns or (renamed and columns):
            return True
    return False


def _cuts(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the calls that can return the middle or the end of a text."""
    return (call for call in tree.find_all(exp.Func) if _is_cut(call))


def _is_cut(call: exp.Expr) -> bool:
    if isinstance(call, exp.Substring):
        return not _is_start(call.args.get("start"))
    if isinstance(call, exp.RegexpReplace | exp.Replace):
        pattern = call.expression
        return not (isinstance(pattern, exp.Literal) and _BLANKS.fullmatch(pattern.name))
    if isinstance(call, exp.Trim):
        return call.expression is not None
    if isinstance(call, exp.Anonymous):
        name = call.name.lower()
        return name in _CUTTING or (name in _TRIMS and len(call.expressions) > 1)
    return isinstance(call, _CUTS)


def _is_start(start: exp.Expr | None) -> bool:
    """Tell whether a substring begins at the first character; a pattern begins where it matches."""
    return start is None or (isinstance(start, exp.Literal) and not start.is_string and start.name in {"0", "1"})
