"""Between a step's params, which are JSON, and botocore's, which are typed; and back.

In a step blobs are base64 text and integers beyond 2^53 are decimal text. The reserved member `$client` is not for the
API: it says how to page through the answer and which part of it is wanted (JMESPath).
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jmespath
import orjson
from botocore.model import ListShape, MapShape, Shape, StructureShape

from gateway.core.canonical import Json, thaw

CLIENT = "$client"
MAX_ITEMS = 10_000
"""How many items of a paged answer are fetched when the step does not say."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How an answer is fetched and what of it is wanted."""

    query: str = ""
    paginate: bool = True
    config: Mapping[str, Json] = field(default_factory=dict)
    """botocore's PaginationConfig."""


def split(params: Mapping[str, Json]) -> tuple[dict[str, Json], Reading]:
    """Return the params for the API and how the answer is to be read."""
    client = params.get(CLIENT, {})
    names = {"max_items": "MaxItems", "page_size": "PageSize", "starting_token": "StartingToken"}
    config = {"MaxItems": MAX_ITEMS} | {names[k]: client[k] for k in names if k in client}
    plain = {k: v for k, v in params.items() if k != CLIENT}
    return plain, Reading(client.get("query", ""), client.get("paginate", True), config)


def native(shape: Shape | None, value: Json) -> Any:
    """Return a JSON value as botocore wants it for a shape; what does not fit is left to botocore to refuse."""
    match shape:
        case StructureShape() if isinstance(value, Mapping):
            return {k: native(shape.members.get(k), v) for k, v in value.items()}
        case ListShape() if isinstance(value, (list, tuple)):
            return [native(shape.member, item) for item in value]
        case MapShape() if isinstance(value, Mapping):
            return {k: native(shape.value, v) for k, v in value.items()}
    if shape is not None and isinstance(value, str):
        if shape.type_name == "blob":
            return base64.b64decode(value, validate=True)
        if shape.type_name in {"long", "integer"}:
            return int(value)
    return thaw(value)


def pages_by_hand(paging: Mapping[str, Json], params: Mapping[str, Json]) -> bool:
    """Tell whether a step names a page or its size itself; `paging` is the entry of botocore's paginator model."""
    tokens = paging["input_token"]
    named = {paging.get("limit_key"), *(tokens if isinstance(tokens, list) else [tokens])}
    return not named.isdisjoint(params)


def render(answer: Mapping[str, Any], query: str, limit: int) -> bytes:
    """Return an answer, or the part of it that a JMESPath query selects, as JSON."""
    data = orjson.dumps(answer, default=lambda value: _plain(value, limit))
    return orjson.dumps(jmespath.search(query, orjson.loads(data))) if query else data


def _plain(value: Any, limit: int) -> str:
    """Return what JSON has no type for as text; a stream is read as far as it can be shown."""
    if hasattr(value, "read"):
        return bytes(value.read(limit + 1)).decode("utf-8", errors="backslashreplace")
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    return str(value)
