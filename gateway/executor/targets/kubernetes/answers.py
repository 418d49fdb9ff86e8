"""Good answers of reads as documents; a bad one is an error with a code."""

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.core.canonical import Json
from gateway.executor.targets.kubernetes.calls import Answer, CallFailed, failure_of
from gateway.executor.targets.kubernetes.client import Cluster, Query
from gateway.executor.targets.kubernetes.wire import Reply

_OK = 200


class ReadError(Exception):
    """A read cannot be answered, and why."""

    def __init__(self, code: str, detail: str, status: int = 0) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status


def refused(answer: Answer) -> ReadError:
    """Return the error of a bad answer."""
    failure = failure_of(answer)
    return ReadError(failure.code, failure.detail, answer.status)


def document(reply: Reply) -> Any:
    """Return the JSON of an answer. Raises ReadError for a bad status, CallFailed for what is no JSON."""
    try:
        found = orjson.loads(reply.data)
    except ValueError as exc:
        if reply.status != _OK:
            text = reply.data.decode("utf-8", "replace")[:200]
            raise refused(Answer(reply.status, {"message": text})) from exc
        raise CallFailed("K8S_ANSWER_MALFORMED", "the API server's answer is not JSON", sent=True) from exc
    if reply.status != _OK:
        raise refused(Answer(reply.status, found))
    return found


async def get(cluster: Cluster, path: str, query: Query | None = None, accept: str = "application/json") -> Any:
    """Return the document at a path. Raises ReadError and CallFailed."""
    return document(await cluster.fetch(path, query=query, accept=accept))


async def get_if_there(cluster: Cluster, path: str, query: Query | None = None) -> Mapping[str, Json] | None:
    """Return the document at a path, or None where there is none (404)."""
    try:
        found: Mapping[str, Json] = await get(cluster, path, query)
    except ReadError as exc:
        if exc.status == 404:
            return None
        raise
    return found
