"""What went wrong lately, and the ledger of changes outside their owner in code."""

from gateway.adapters.store_sql import columns, insert_new, select, upsert, values
from gateway.adapters.store_tx_base import BaseTx
from gateway.ports import DriftRow, MishapRow

_MISHAP = columns(MishapRow)
_mishap_values = values(MishapRow)
_INSERT_MISHAP = insert_new("mishaps", _MISHAP)
_OF_AGENT = "SELECT COUNT(DISTINCT action) FROM mishaps WHERE agent = ? AND environment = ? AND at_ms >= ?"
_OF_OPERATION = "SELECT COUNT(DISTINCT action) FROM mishaps WHERE operation = ? AND environment = ? AND at_ms >= ?"

_DRIFT = columns(DriftRow)
_drift_values = values(DriftRow)
_UPSERT_DRIFT = upsert("drift", _DRIFT, ("id",))
_SELECT_DRIFT = select("drift", _DRIFT)
_DRIFT_BY_ID = f"{_SELECT_DRIFT} WHERE id = ?"
_DRIFT_PAGE = f"{_SELECT_DRIFT} WHERE (? = '' OR status = ?) AND (? = '' OR id < ?) ORDER BY id DESC LIMIT ?"
_DRIFT_ON = f"{_SELECT_DRIFT} WHERE target = ? AND status = 'open' ORDER BY id"
_DRIFT_OF = f"{_SELECT_DRIFT} WHERE action = ? ORDER BY id"


class LedgerTx(BaseTx):
    """The part of a unit of work that concerns mishaps and drift."""

    def note_mishap(self, row: MishapRow) -> None:
        """Count an action that failed or was taken back, once."""
        self._run(_INSERT_MISHAP, *_mishap_values(row))

    def mishaps(self, environment: str, since_ms: int, *, agent: str = "", operation: str = "") -> int:
        """Count the actions of an agent, or by an operation, that went wrong in an environment."""
        sql, who = (_OF_AGENT, agent) if agent else (_OF_OPERATION, operation)
        return self._cell(sql, int, who, environment, since_ms) or 0

    def put_drift(self, row: DriftRow) -> None:
        """Insert or replace an entry of the ledger."""
        self._run(_UPSERT_DRIFT, *_drift_values(row))

    def drift_entry(self, entry: str) -> DriftRow | None:
        """Return an entry of the ledger."""
        found = self._one(_DRIFT_BY_ID, entry)
        return DriftRow(*found) if found else None

    def drift_of(self, action: str) -> list[DriftRow]:
        """Return the entries of an action, in their order."""
        return [DriftRow(*found) for found in self._all(_DRIFT_OF, action)]

    def drift_on(self, target: str) -> list[DriftRow]:
        """Return the open entries of a target, in their order."""
        return [DriftRow(*found) for found in self._all(_DRIFT_ON, target)]

    def drift(self, *, status: str = "", before: str = "", limit: int = 50) -> list[DriftRow]:
        """Return entries newest first; `before` is the id after which the page starts."""
        found = self._all(_DRIFT_PAGE, status, status, before, before, limit)
        return [DriftRow(*row) for row in found]
