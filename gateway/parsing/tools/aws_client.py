"""What the aws client does with an answer: the reserved member `$client` of a step's params.

`--query`, `--max-items`, `--page-size`, `--starting-token` and `--no-paginate` change what is asked for or returned, so
they are part of the step and its digest; `--output` and `--no-cli-pager` only change how it looks and are dropped
(the answer is always JSON). The executor takes `$client` out before it calls the API.
"""

from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.parsing.tables_aws import AwsOperation
from gateway.parsing.tools.aws_query import check_query
from gateway.parsing.tools.refuse import refuse

CLIENT = "$client"
_TYPES: Mapping[str, type] = {"query": str, "max_items": int, "page_size": int, "starting_token": str, "paginate": bool}
_MAX_PAGE = 1_000_000


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
