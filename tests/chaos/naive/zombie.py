"""An executor that stops itself, once, where COUNTERMAND_ZOMBIE says; SIGCONT wakes it later.

`door`    it holds work to apply, and has not asked for leave
`target`  inside its transaction on PostgreSQL: only COMMIT is missing

With COUNTERMAND_ZOMBIE_DEADLINE=off nothing stops an attempt at its deadline, neither here nor at the target.
"""

import math
import os
import signal
import sys
from typing import Any

from gateway.__main__ import main
from gateway.core.grant import Purpose
from gateway.executor import work
from gateway.executor.messages import Begun, Said, Work
from gateway.executor.session import Link
from gateway.executor.targets import postgres_db
from gateway.executor.targets.postgres_db import Connection

_WHERE = os.environ["COUNTERMAND_ZOMBIE"]
_begin, _execute, _report = Link.begin, Connection.execute, Link.report
_stopped: list[str] = []


def _stop() -> None:
    if not _stopped:
        _stopped.append(_WHERE)
        os.kill(os.getpid(), signal.SIGSTOP)


async def _begin_late(self: Link, work: Work, nonce: str) -> Begun:
    if work.purpose is Purpose.APPLY:
        _stop()
    return await _begin(self, work, nonce)


async def _report_aloud(self: Link, work: Work, said: Said) -> bool:
    proceed = await _report(self, work, said)
    sys.stderr.write(f"zombie: reported {work.purpose}\n")
    sys.stderr.flush()
    return proceed


async def _commit_late(connection: Connection, query: Any, *args: Any, **more: Any) -> Any:
    if query == b"COMMIT":
        _stop()
    return await _execute(connection, query, *args, **more)


Link.report = _report_aloud  # type: ignore[method-assign]
if _WHERE == "door":
    Link.begin = _begin_late  # type: ignore[method-assign]
else:
    Connection.execute = _commit_late  # type: ignore[method-assign,assignment]
if os.environ.get("COUNTERMAND_ZOMBIE_DEADLINE") == "off":
    work.Worker._left_s = lambda *_: 3_600.0  # type: ignore[method-assign]
    postgres_db.left_s = lambda: math.inf  # type: ignore[attr-defined]
main()
