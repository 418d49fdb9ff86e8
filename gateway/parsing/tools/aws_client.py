"""What the aws client does with an answer: the reserved member `$client` of a step's params.

`--query`, `--max-items`, `--page-size`, `--starting-token` and `--no-paginate` change what is asked for or returned, so
they are part of the step and its digest; `--output` and `--no-cli-pager` only change how it looks and are dropped
(the answer is always JSON). The executor takes `$client` out before it calls the API.
"""

import re
from collections.abc import Mapping

import jmespath
import jmespath.exceptions

from gateway.core.canonical import Json
from gateway.parsing.tables_aws import AwsOperation
from gateway.parsing.tools.refuse import refuse, words_of

CLIENT = "$client"
_TYPES: Mapping[str, type] = {"query": str, "max_items": int, "page_size": int, "starting_token": str, "paginate": bool}
_MAX_QUERY = 512
_MAX_BRACKETS = 8
_MAX_LITERAL = 64
_MAX_EXPREFS = 2
_MAX_PAGE = 1_000_000
# Functions whose cost grows with the answer alone; `map` over `map` multiplies and is not here.
_FUNCTIONS = words_of(
    """
    abs avg ceil contains ends_with floor join keys length max max_by merge min min_by not_null reverse sort
    sort_by starts_with sum to_array to_number to_string type values
    """
)


def check_client(operation: AwsOperation, client: Json) -> dict[str, Json]:
    """Return `$client` as it stands in params, or raise a refusal; empty when it says nothing."""
    if not isinstance(client, Mapping) or any(key not in _TYPES for key in client):
        raise refuse("AWS_VALUE", member=CLIENT, wanted="an object of " + ", ".join(sorted(_TYPES)))
    for key, value in client.items():
        if type(value) is not _TYPES[key] or (isinstance(value, int) and not 0 <= value <= _MAX_PAGE):
            raise refuse("AWS_VALUE", member=f"{CLIENT}.{key}", wanted=f"a {_TYPES[key].__name__} in range")
    found = {key: value for key, value in client.items() if (key, value) != ("paginate", True)}
    if "query" in found:
        check_query(found["query"])
    paging = [key for key in ("max_items", "page_size", "starting_token") if key in found]
    if paging and ("paginate" in found or not operation.paged):
        raise refuse("AWS_PAGING", flag="--" + paging[0].replace("_", "-"))
    return found


def check_query(query: str) -> None:
    """Refuse a JMESPath expression that is long, deep, costly or malformed."""
    if (
        len(query) > _MAX_QUERY
        or _depth(query) > _MAX_BRACKETS
        or query.count("&") - 2 * query.count("&&") > _MAX_EXPREFS
    ):
        raise refuse("AWS_QUERY")
    if any(len(literal) > _MAX_LITERAL for literal in re.findall(r"`([^`]*)`", query)):
        raise refuse("AWS_QUERY")
    try:
        tree = jmespath.compile(query).parsed
    except (jmespath.exceptions.JMESPathError, RecursionError, ValueError) as exc:
        raise refuse("AWS_QUERY") from exc
    _walk(tree, nested=False)


def _walk(node: Mapping[str, Json], *, nested: bool) -> None:
    kind = node["type"]
    if kind == "function_expression" and node["value"] not in _FUNCTIONS:
        raise refuse("AWS_QUERY")
    if kind == "expref" and nested:
        raise refuse("AWS_QUERY")
    for child in node.get("children", ()):
        if isinstance(child, Mapping):
            _walk(child, nested=nested or kind == "expref")


def _depth(query: str) -> int:
    depth = deepest = 0
    for char in query:
        if char in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]}":
            depth -= 1
    return deepest
