"""Names, selectors and resource arguments of kubectl, in their canonical form."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.parsing.tables_kubectl import Kind, KubectlTable
from gateway.parsing.tools.refuse import refuse, show, some
from gateway.parsing.words import Word

# Wider than DNS names: RBAC names hold colons. No slash, percent or leading dash or dot: a name is one path segment.
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:@-]{0,251}[A-Za-z0-9])?")
NAMESPACE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
LABEL_KEY = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_SET = re.compile(r"(?P<key>[^\s,()!=]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(r"(?P<key>[^\s,()!=]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s,()!=]*)")
_EXISTS = re.compile(r"(?P<not>!?)\s*(?P<key>[^\s,()!=]+)")
_FIELD = re.compile(
    r"[A-Za-z][A-Za-z0-9.]{0,127}(?:==|=|!=)[A-Za-z0-9][A-Za-z0-9._:@/-]{0,252}|[A-Za-z][A-Za-z0-9.]{0,127}(?:==|=|!=)"
)
_MAX_SELECTOR = 1024
_MAX_NAMES = 64


@dataclass(frozen=True, slots=True)
class Resources:
    """What the resource arguments of one command name."""

    kinds: tuple[Kind, ...]
    names: tuple[str, ...]


def read_resources(words: Sequence[Word], table: KubectlTable, command: str) -> Resources:
    """Read `TYPE`, `TYPE,TYPE`, `TYPE NAME…`, `TYPE,TYPE NAME…` or `TYPE/NAME…`; raises a refusal."""
    if not words:
        raise refuse("K8S_TARGET_MISSING", command=command)
    if any("/" in word.text for word in words):
        return _slashed(words, table)
    kinds: list[Kind] = []
    for text in words[0].text.split(","):
        members = () if table.kind(text) else table.category(text)
        kinds += members or (find_kind(table, text, words[0]),)
    names = tuple(check_name(word.text, word) for word in words[1:])
    return Resources(tuple(dict.fromkeys(kinds)), _distinct(names, words))


def _slashed(words: Sequence[Word], table: KubectlTable) -> Resources:
    found: list[tuple[Kind, str]] = []
    for word in words:
        kind, slash, name = word.text.partition("/")
        if not slash or "/" in name:
            raise refuse("K8S_NAME", word.span)
        found.append((find_kind(table, kind, word), check_name(name, word)))
    kinds = tuple(dict.fromkeys(kind for kind, _ in found))
    names = [tuple(name for kind, name in found if kind is each) for each in kinds]
    if any(set(each) != set(names[0]) for each in names):  # `deploy/a svc/a` is `deploy,svc a`; `deploy/a svc/b` is two
        raise refuse("K8S_KINDS_MANY", words[0].span)
    for each in names:
        _distinct(each, words)
    return Resources(kinds, names[0])


def _distinct(names: tuple[str, ...], words: Sequence[Word]) -> tuple[str, ...]:
    if len(set(names)) != len(names) or len(names) > _MAX_NAMES:
        raise refuse("K8S_NAME", words[0].span)
    return names


def find_kind(table: KubectlTable, text: str, word: Word | None = None) -> Kind:
    """Return the kind of a name that kubectl would accept; raises a refusal."""
    kind = table.kind(text)
    if kind is None:
        span = word.span if word else (0, 0)
        known = some([k.plural for k in table.kinds if not k.custom], text.lower())
        raise refuse("K8S_KIND_UNKNOWN", span, kind=show(text), known=known)
    return kind


def check_name(text: str, word: Word | None = None) -> str:
    """Return a resource name, or raise a refusal."""
    if NAME.fullmatch(text) is None:
        raise refuse("K8S_NAME", word.span if word else (0, 0))
    return text


def check_namespace(text: str) -> str:
    """Return a namespace, or raise a refusal."""
    if NAMESPACE.fullmatch(text) is None:
        raise refuse("K8S_NAMESPACE")
    return text


def check_selector(text: str) -> str:
    """Return a label selector without needless blanks, `==` as `=`, its terms sorted; raises a refusal."""
    if not text.strip() or len(text) > _MAX_SELECTOR:
        raise refuse("K8S_SELECTOR")
    return ",".join(sorted(_requirement(part.strip()) for part in _split(text)))


def _split(text: str) -> list[str]:
    """Split at commas outside parentheses."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if depth not in {0, 1}:
            raise refuse("K8S_SELECTOR")
        if char == "," and not depth:
            parts.append(text[start:index])
            start = index + 1
    return [*parts, text[start:]]


def _requirement(part: str) -> str:
    if match := _SET.fullmatch(part):
        values = sorted(value.strip() for value in match["values"].split(","))
        _check_label(match["key"], *values)
        return f"{match['key']} {match['op']} ({','.join(values)})"
    if match := _EQUAL.fullmatch(part):
        _check_label(match["key"], match["value"])
        return f"{match['key']}{match['op'].replace('==', '=')}{match['value']}"
    if match := _EXISTS.fullmatch(part):
        _check_label(match["key"])
        return match["not"] + match["key"]
    raise refuse("K8S_SELECTOR")


def _check_label(key: str, *values: str) -> None:
    if LABEL_KEY.fullmatch(key) is None or any(LABEL_VALUE.fullmatch(value) is None for value in values):
        raise refuse("K8S_SELECTOR")


def check_field_selector(text: str) -> str:
    """Return a field selector, `==` as `=`, its terms sorted; raises a refusal."""
    parts = text.split(",")
    if len(text) > _MAX_SELECTOR or any(_FIELD.fullmatch(part) is None for part in parts):
        raise refuse("K8S_SELECTOR")
    return ",".join(sorted(part.replace("==", "=") for part in parts))
