"""`--query`: a JMESPath expression that is bounded, and what it can show of an answer."""

import re
from collections.abc import Mapping, Sequence
from math import prod

import jmespath
import jmespath.exceptions

from gateway.core.canonical import Json
from gateway.parsing.tools.refuse import refuse, words_of

Node = Mapping[str, Json]
_MAX_QUERY = 512
_MAX_BRACKETS = 8
_MAX_LITERAL = 64
_MAX_EXPREFS = 2
_MAX_DEPTH = 40
# How many copies of the answer may stand in the result; `[@,@] | [@,@] | ..` doubles with every step.
_MAX_COPIES = 64
_ANYTHING = "*"
# Functions whose cost grows with the answer alone; `map` over `map` multiplies and is not here.
_FUNCTIONS = words_of(
    """
    abs avg ceil contains ends_with floor join keys length max max_by merge min min_by not_null reverse sort
    sort_by starts_with sum to_array to_number to_string type values
    """
)
_THREADED = words_of("subexpression index_expression projection filter_projection pipe flatten")
_ONE_OF = words_of("comparator and_expression or_expression not_expression field literal")
_ANSWERS = words_of("contains ends_with starts_with length type not_null")
# Members that say what a thing is called and how it is; never what it holds.
_HARMLESS = re.compile(
    r"[A-Za-z0-9]*(?:Name|Id|ID|Identifier|Arn|ARN|Status|State|Type|Time|DateTime|Date|At|Count|Number|Size|Version"
    r"|Class|Zone|Region|Reason|Timeout|Runtime|Engine|Enabled|Port|Protocol|Modified|Created|Family|Revision|Cpu"
    r"|Memory|Desired|Running|Pending|[a-z]Code|Address|[a-z]Image)"
    r"|(?:name|id|arn|status|state|type|family|revision|cpu|memory|image|runtime|version|count|reason)"
)
# Names that are never harmless, and members below which the names are somebody's own.
_FREE = re.compile(
    r"secret|passw|token|credential|private|[a-z]Key$|^key$|user|email|environment|variable|^env|userdata|header"
    r"|param|propert|metadata|attribute|option|setting|payload|input|output|^tags?$",
    re.IGNORECASE,
)


def check_query(query: str) -> None:
    """Refuse a JMESPath expression that is long, deep, costly or malformed."""
    if (
        len(query) > _MAX_QUERY
        or _brackets(query) > _MAX_BRACKETS
        or query.count("&") - 2 * query.count("&&") > _MAX_EXPREFS
    ):
        raise refuse("AWS_QUERY")
    if any(len(literal) > _MAX_LITERAL for literal in re.findall(r"`([^`]*)`", query)):
        raise refuse("AWS_QUERY")
    try:
        tree = jmespath.compile(query).parsed
    except (jmespath.exceptions.JMESPathError, RecursionError, ValueError) as exc:
        raise refuse("AWS_QUERY") from exc
    _walk(tree, nested=False, depth=0)
    if _copies(tree) > _MAX_COPIES:
        raise refuse("AWS_QUERY")


def shows_state_only(query: str) -> bool:
    """Tell whether a checked query can show, or ask about, nothing but names, states, times and numbers."""
    tree = jmespath.compile(query).parsed
    if _renames(tree):
        return False
    fields = _fields(tree)
    shown = _shown(tree, frozenset({_ANYTHING}))
    return not any(_FREE.search(field) for field in fields) and all(_HARMLESS.fullmatch(field) for field in shown)


def _walk(node: Node, *, nested: bool, depth: int) -> None:
    kind = node["type"]
    if depth > _MAX_DEPTH or (kind == "expref" and nested):
        raise refuse("AWS_QUERY")
    if kind == "function_expression":
        joined = node["value"] == "join" and _children(node)[0]["type"] != "literal"
        if node["value"] not in _FUNCTIONS or joined:
            raise refuse("AWS_QUERY")
    for child in _children(node):
        _walk(child, nested=nested or kind == "expref", depth=depth + 1)


def _children(node: Node) -> Sequence[Node]:
    return [child for child in node.get("children", ()) if isinstance(child, Mapping)]


def _copies(node: Node) -> int:
    """Return how many copies of its input a node can put out; a number past the limit is as good as any other."""
    below = [_copies(child) for child in _children(node)]
    if node["type"] in _THREADED or node["type"] == "value_projection":
        return min(prod(below), _MAX_COPIES + 1)
    if node["type"] in _ONE_OF or node.get("value") in _ANSWERS:
        return max(below, default=1)
    own = 2 if node["type"] == "function_expression" and node["value"] == "to_string" else 1  # it escapes quotes
    return min(own * max(sum(below), 1), _MAX_COPIES + 1)


def _fields(node: Node) -> set[str]:
    own = {str(node["value"])} if node["type"] == "field" else set()
    return own.union(*(_fields(child) for child in _children(node)))


def _renames(node: Node) -> bool:
    """Tell whether a path goes on from `{name: value}`: then a member's name does not say what it is."""
    children = _children(node)
    goes_on = children[:-1] if node["type"] in _THREADED else children if node["type"] == "function_expression" else ()
    return any(_makes(child) for child in goes_on) or any(_renames(child) for child in children)


def _makes(node: Node) -> bool:
    return node["type"] == "multi_select_dict" or any(_makes(child) for child in _children(node))


def _shown(node: Node, given: frozenset[str]) -> frozenset[str]:
    """Return the last members of the paths that a node shows or compares, where `given` is what it starts from."""
    kind, children = node["type"], _children(node)
    if kind == "field":
        return frozenset({str(node["value"])})
    if kind == "literal" or (kind == "function_expression" and node["value"] in {"length", "type"}):
        return frozenset()
    if kind == "value_projection" or (kind == "function_expression" and node["value"] in {"keys", "values"}):
        return frozenset({_ANYTHING})
    if kind in _THREADED:
        return _threaded(kind, children, given)
    if kind == "function_expression" and children and children[-1]["type"] == "expref":
        listed = _shown(children[0], given)
        return listed | _shown(children[-1], listed)
    found = [_shown(child, given) for child in children]
    return frozenset().union(*found) if found else given


def _threaded(kind: str, children: Sequence[Node], given: frozenset[str]) -> frozenset[str]:
    """Each child starts from what the one before it gives; the condition of a filter is shown as an answer is."""
    steps = children[:2] if kind == "filter_projection" else children
    compared: frozenset[str] = frozenset()
    for number, child in enumerate(steps):
        given = _shown(child, given)
        if kind == "filter_projection" and not number:
            compared = _shown(children[2], given)
    return given | compared


def _brackets(query: str) -> int:
    depth = deepest = 0
    for char in query:
        if char in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]}":
            depth -= 1
    return deepest
