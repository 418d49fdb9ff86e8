"""Actions and what belongs to one: documents, sealed blobs, journal, timers, locks, once-only facts, votes."""

import json
from collections.abc import Sequence
from typing import Any

from gateway.adapters.store_sql import columns, insert, insert_new, select, update, upsert, values
from gateway.adapters.store_tx_base import BaseTx, from_array, to_array
from gateway.errors import StoreFault
from gateway.ports import ActionRow, DueRow, RequestRow, StepRow, VoteRow

_ACTION = columns(ActionRow)
_ENVIRONMENTS = _ACTION.index("environments")
_action_values = values(ActionRow)
_INSERT_ACTION = insert("actions", _ACTION)
_UPDATE_ACTION = update("actions", _ACTION, "id = ? AND version = ?")
_SELECT_ACTION = select("actions", _ACTION)
_ACTION_BY_ID = f"{_SELECT_ACTION} WHERE id = ?"

_OF_INCIDENT = "incident = ? AND incident <> ''"
"""The second half is what SQLite must read to use the index, in which only these stand."""
_ON_TARGET = "id IN (SELECT action FROM applied_targets WHERE target = ?)"
_STANDS = "(state = 'LEASED' OR (state = 'COMMITTED' AND undo_until_ms > ?))"
_STANDING = f"{_SELECT_ACTION} WHERE {_ON_TARGET} AND {_STANDS} ORDER BY id"

_INSERT_DOCUMENT = insert_new("documents", ("action", "kind", "data"))
_UPSERT_SEALED = upsert("sealed", ("action", "kind", "data"), ("action", "kind"))

_STEP = columns(StepRow)
_step_values = values(StepRow)
_UPSERT_STEP = upsert("steps", _STEP, ("action", "step"))
_STEPS = f"{select('steps', _STEP)} WHERE action = ? ORDER BY step"

_DUE = columns(DueRow)
_due_values = values(DueRow)
_UPSERT_DUE = upsert("due", _DUE, ("action", "kind"))
_DUE_OF = f"{select('due', _DUE)} WHERE action = ? ORDER BY at_ms, kind"
_CLAIM_DUE = """
UPDATE due SET claimed_until_ms = ? WHERE (action, kind) IN (
    SELECT action, kind FROM due WHERE at_ms <= ? AND claimed_until_ms <= ? ORDER BY at_ms, action, kind LIMIT ?
) RETURNING action, kind, at_ms, payload, claimed_until_ms"""

_REQUEST = columns(RequestRow)
_request_values = values(RequestRow)
_INSERT_REQUEST = insert("requests", _REQUEST)
_CLAIM_REQUEST = insert_new("requests", _REQUEST)
_REQUEST_BY_ID = f"{select('requests', _REQUEST)} WHERE caller = ? AND request_id = ?"

_VOTE = columns(VoteRow)
_GROUPS, _APPROVE = _VOTE.index("groups"), _VOTE.index("approve")
_vote_values = values(VoteRow)
_INSERT_VOTE = insert_new("votes", _VOTE)
_VOTES = f"{select('votes', _VOTE)} WHERE action = ? AND nonce = ? ORDER BY at_ms, subject"


class ActionsTx(BaseTx):
    """The part of a unit of work that concerns single actions."""

    def insert_action(self, row: ActionRow) -> None:
        """Insert a new action; raises StoreFault when the id is taken."""
        self._run(_INSERT_ACTION, *_action_args(row))

    def action(self, action: str) -> ActionRow | None:
        """Return the state row of an action."""
        found = self._one(_ACTION_BY_ID, action)
        return _action(found) if found else None

    def update_action(self, row: ActionRow, *, expect_version: int) -> bool:
        """Replace the row if its version is still the expected one; false when another was faster."""
        return self._run(_UPDATE_ACTION, *_action_args(row), row.id, expect_version) == 1

    def actions(
        self, *, states: Sequence[str] = (), incident: str = "", agent: str = "", before: str = "", limit: int = 50
    ) -> list[ActionRow]:
        """Return actions newest first (ids sort by time)."""
        filters: list[tuple[str, Any]] = []
        if states:
            filters.append(("state IN (SELECT value FROM json_each(?))", json.dumps(list(states))))
        named = ((_OF_INCIDENT, incident), ("agent = ?", agent), ("id < ?", before))
        filters += [(test, value) for test, value in named if value]
        where = " AND ".join(test for test, _ in filters) or "TRUE"
        sql = f"{_SELECT_ACTION} WHERE {where} ORDER BY id DESC LIMIT ?"
        return [_action(found) for found in self._all(sql, *(value for _, value in filters), limit)]

    def standing(self, target: str, now_ms: int) -> list[ActionRow]:
        """Return the leased actions, and the committed ones inside their undo window, that wrote a target."""
        return [_action(found) for found in self._all(_STANDING, target, now_ms)]

    def put_document(self, action: str, kind: str, data: bytes) -> None:
        """Write a document once; other bytes under the same name raise StoreFault."""
        if not self._run(_INSERT_DOCUMENT, action, kind, data) and self.document(action, kind) != data:
            raise StoreFault("DOCUMENT_WRITTEN", f"document `{kind}` of {action} is written and is never replaced")

    def document(self, action: str, kind: str) -> bytes | None:
        """Return a document's bytes."""
        return self._cell("SELECT data FROM documents WHERE action = ? AND kind = ?", bytes, action, kind)

    def put_sealed(self, action: str, kind: str, data: bytes) -> None:
        """Insert or replace a sealed blob."""
        self._run(_UPSERT_SEALED, action, kind, data)

    def sealed(self, action: str, kind: str) -> bytes | None:
        """Return a sealed blob."""
        return self._cell("SELECT data FROM sealed WHERE action = ? AND kind = ?", bytes, action, kind)

    def delete_sealed(self, action: str) -> None:
        """Delete every sealed blob of an action."""
        self._run("DELETE FROM sealed WHERE action = ?", action)

    def put_step(self, row: StepRow) -> None:
        """Insert or replace the journal row of a step."""
        self._run(_UPSERT_STEP, *_step_values(row))

    def steps(self, action: str) -> list[StepRow]:
        """Return the journal of an action in the order of its steps."""
        return [StepRow(*found) for found in self._all(_STEPS, action)]

    def put_due(self, row: DueRow) -> None:
        """Insert or replace the timer (action, kind)."""
        self._run(_UPSERT_DUE, *_due_values(row))

    def delete_due(self, action: str, kind: str = "") -> None:
        """Delete one timer, or all of an action."""
        if kind:
            self._run("DELETE FROM due WHERE action = ? AND kind = ?", action, kind)
        else:
            self._run("DELETE FROM due WHERE action = ?", action)

    def claim_due(self, now_ms: int, until_ms: int, limit: int) -> list[DueRow]:
        """Claim what is due and unclaimed (or whose claim has run out), earliest first."""
        found = [DueRow(*row) for row in self._all(_CLAIM_DUE, until_ms, now_ms, now_ms, limit)]
        return sorted(found, key=lambda row: (row.at_ms, row.action, row.kind))

    def next_due_ms(self) -> int | None:
        """Return when the next timer can be claimed; a claimed one counts from the end of its claim."""
        return self._cell("SELECT MIN(MAX(at_ms, claimed_until_ms)) FROM due", int)

    def due_of(self, action: str) -> list[DueRow]:
        """Return the timers of an action, earliest first."""
        return [DueRow(*found) for found in self._all(_DUE_OF, action)]

    def lock(self, target: str, action: str) -> str | None:
        """Take the lock; returns the holder when another action holds it."""
        self._run("INSERT INTO locks (target, action) VALUES (?, ?) ON CONFLICT DO NOTHING", target, action)
        holder = self._cell("SELECT action FROM locks WHERE target = ?", str, target)
        return None if holder == action else holder

    def unlock(self, action: str) -> None:
        """Give back every lock of an action."""
        self._run("DELETE FROM locks WHERE action = ?", action)

    def locks(self) -> dict[str, str]:
        """Return target → holder."""
        return dict(self._all("SELECT target, action FROM locks ORDER BY target"))

    def consume_nonce(self, action: str, purpose: str, nonce: str, fence: int) -> bool:
        """Record (action, purpose, nonce, fence); false when it was there already."""
        sql = "INSERT INTO nonces (action, purpose, nonce, fence) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        return self._run(sql, action, purpose, nonce, fence) == 1

    def request(self, caller: str, request_id: str) -> RequestRow | None:
        """Return what this caller was answered under this id."""
        found = self._one(_REQUEST_BY_ID, caller, request_id)
        return RequestRow(*found) if found else None

    def put_request(self, row: RequestRow) -> None:
        """Record an answer; raises StoreFault when there is one under this id."""
        self._run(_INSERT_REQUEST, *_request_values(row))

    def claim_request(self, row: RequestRow) -> RequestRow | None:
        """Record an answer under a new request_id; returns the row that is there already instead."""
        if self._run(_CLAIM_REQUEST, *_request_values(row)):
            return None
        return self.request(row.caller, row.request_id)

    def put_vote(self, row: VoteRow) -> bool:
        """Record a vote; false when this subject has voted under this nonce."""
        args = list(_vote_values(row))
        args[_GROUPS], args[_APPROVE] = to_array(row.groups), int(row.approve)
        return self._run(_INSERT_VOTE, *args) == 1

    def votes(self, action: str, nonce: str) -> list[VoteRow]:
        """Return the votes under a nonce in the order they were cast."""
        return [_vote(found) for found in self._all(_VOTES, action, nonce)]


def _action_args(row: ActionRow) -> list[Any]:
    args = list(_action_values(row))
    args[_ENVIRONMENTS] = to_array(row.environments)
    return args


def _action(found: tuple[Any, ...]) -> ActionRow:
    args = list(found)
    args[_ENVIRONMENTS] = from_array(args[_ENVIRONMENTS])
    return ActionRow(*args)


def _vote(found: tuple[Any, ...]) -> VoteRow:
    args = list(found)
    args[_GROUPS], args[_APPROVE] = from_array(args[_GROUPS]), bool(args[_APPROVE])
    return VoteRow(*args)
