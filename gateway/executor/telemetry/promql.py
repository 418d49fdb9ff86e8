"""Fill the placeholders of a PromQL query: `{namespace="$namespace", pod=~"$name-.*"}`.

A placeholder stands inside a double-quoted string, so its value can only ever be part of a label's value: quotes,
backslashes and line breaks are escaped, and after `=~` and `!~` everything that means something in a regular
expression (RE2) as well.
"""

import re
from collections.abc import Iterator, Mapping

from gateway.errors import TargetFault

MAX_CHARS = 4_096
_TOKEN = re.compile(r"\$([a-z][a-z0-9_]*)")
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`|#[^\n]*', re.DOTALL)
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return the query with every placeholder replaced; raises TargetFault when one has no value or no safe place."""
    if not template or len(template) > MAX_CHARS:
        raise TargetFault("QUERY_MALFORMED", f"promql has 1 to {MAX_CHARS} characters")
    return "".join(_filled(template, values))


def _filled(template: str, values: Mapping[str, str]) -> Iterator[str]:
    at = 0
    for piece in _PIECES.finditer(template):
        before = template[at : piece.start()]
        yield _bare(before)
        if not piece[0].startswith('"'):
            yield _bare(piece[0])
        else:
            regex = before.rstrip().endswith(("=~", "!~"))
            yield _TOKEN.sub(lambda found, regex=regex: _value(found[1], values, regex=regex), piece[0])  # type: ignore[misc]  # the default binds the loop's value
        at = piece.end()
    yield _bare(template[at:])


def _bare(text: str) -> str:
    if _TOKEN.search(text):
        raise TargetFault("QUERY_MALFORMED", "a placeholder stands outside a double-quoted string")
    return text


def _value(name: str, values: Mapping[str, str], *, regex: bool) -> str:
    if name not in values:
        raise TargetFault("QUERY_MALFORMED", f"the placeholder {name} has no value")
    value = values[name]
    if regex:
        value = _SPECIAL.sub(r"\\\g<0>", value)
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
