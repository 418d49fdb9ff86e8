"""The child: one regorus engine behind a socket. `python -I -m gateway.adapters.policy_worker FD`.

Frames are a 4-byte big-endian length and a body. Asked: `L` + JSON {modules, data, probes?} replaces the
engine (byte code is tried when there are probes, null: it was proven by a sibling), `E` + JSON evaluates. Answered:
`O` + JSON text, or `F` + JSON {code, message}; a load answers {accelerated, why}. End of file ends the child.
"""

import resource
import signal
import socket
import sys

import orjson

from gateway.adapters.policy_regorus import RegorusEngine
from gateway.core.bundle_merge import Module
from gateway.errors import PolicyFault, PolicyRefused

_MAX_ADDRESS_SPACE = 2 << 30


def serve(connection: socket.socket) -> None:
    """Answer frames until the parent closes its end."""
    engine: RegorusEngine | None = None
    while (frame := _receive(connection)) is not None:
        try:
            if frame[:1] == b"L":
                engine, report = _load(frame[1:])
                answer = b"O" + report
            elif engine is None:
                answer = _fault(PolicyFault("POLICY_NOT_LOADED", "the worker has no revision"))
            else:
                answer = b"O" + engine.evaluate(frame[1:]).encode()
        except (PolicyFault, PolicyRefused) as exc:
            answer = _fault(exc)
        connection.sendall(len(answer).to_bytes(4, "big") + answer)


def main() -> None:
    """Serve on the inherited socket, with memory capped and Ctrl-C left to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (_MAX_ADDRESS_SPACE, _MAX_ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        serve(connection)


def _load(body: bytes) -> tuple[RegorusEngine, bytes]:
    asked = orjson.loads(body)
    modules = [Module(m["package"], m["text"], tuple(map(tuple, m["origins"]))) for m in asked["modules"]]
    engine, why = RegorusEngine(modules, asked["data"]), ""
    if "probes" in asked:
        probes = asked["probes"]
        why = engine.accelerate(None if probes is None else [probe.encode() for probe in probes])
    return engine, orjson.dumps({"accelerated": engine.accelerated, "why": why})


def _fault(exc: PolicyFault | PolicyRefused) -> bytes:
    return b"F" + orjson.dumps({"code": exc.code, "message": exc.message})


def _receive(connection: socket.socket) -> bytes | None:
    head = _exactly(connection, 4)
    return None if head is None else _exactly(connection, int.from_bytes(head, "big"))


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


if __name__ == "__main__":
    main()
