"""Idempotency of mutations: the same request_id with the same content does nothing twice."""

from collections.abc import Callable
from dataclasses import asdict

from gateway.core.canonical import Json, digest
from gateway.core.kinds import LeafKind as K
from gateway.core.principal import Principal
from gateway.errors import InvalidRequest
from gateway.ports import RequestRow, Tx
from gateway.service.record import global_leaf
from gateway.service.world import World


async def once(world: World, principal: Principal, request_id: str, content: Json, unit: Callable[[Tx], str]) -> str:
    """Run a unit of work once per request_id and return its answer; other content under the same id is an error."""
    said = digest(content)

    def guarded(tx: Tx) -> str:
        known = check_request(tx, principal, request_id, said)
        if known is not None:
            return known
        answer = unit(tx)
        put_answer(world, tx, RequestRow(principal.id, request_id, said, answer, world.clock.now_ms()))
        return answer

    return await world.store.write(guarded)


def put_answer(world: World, tx: Tx, row: RequestRow) -> None:
    """Record what was answered under a request_id, with a leaf: whoever forgot it could do the same twice."""
    tx.put_request(row)
    body = {"caller": row.caller, "request_id": row.request_id, "row": digest(asdict(row))}
    global_leaf(world, tx, K.REQUEST_ANSWERED, body)


def check_request(tx: Tx, principal: Principal, request_id: str, said: str) -> str | None:
    """Return the first answer to a request_id, None when it is new; raises InvalidRequest for other content."""
    known = tx.request(principal.id, request_id)
    if known is None:
        return None
    if known.digest != said:
        raise InvalidRequest("REQUEST_ID_REUSED", "this request_id was used for something else")
    return known.answer
