"""The unit-of-work side of the SQLite store: every method of the Tx port over one connection."""

import sqlite3
from typing import Any

from gateway.adapters.store_log import LogTail, LogTx
from gateway.adapters.store_tx_actions import ActionsTx
from gateway.adapters.store_tx_facts import FactsTx
from gateway.adapters.store_tx_ledger import LedgerTx


class SqliteTx(ActionsTx, FactsTx, LedgerTx, LogTx):
    """Implements `gateway.ports.Tx`.

    The writer gives its copy of the end of the log and what it remembers of tables that only it writes; a reader has
    neither.
    """

    def __init__(
        self, connection: sqlite3.Connection, tail: LogTail | None = None, memory: dict[str, Any] | None = None
    ) -> None:
        super().__init__(connection)
        self._tail = tail
        self._memory = memory
