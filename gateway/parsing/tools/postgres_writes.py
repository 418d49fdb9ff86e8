"""The writes that PostgreSQL steps may do, each recognised by its exact shape and nothing else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from gateway.core.canonical import Json
from gateway.core.effect import Undo
from gateway.parsing.result import Refusal
from gateway.parsing.tools.postgres_tokens import Token

MAX_SESSIONS = 50
MAX_PID = 2**31 - 1
MAX_CONNECTION_LIMIT = 262_143
SESSION_FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {"sessions.cancel": "pg_cancel_backend", "sessions.terminate": "pg_terminate_backend"}
)
CONNECTION_LIMIT = "roles.connection_limit"
OPERATIONS = (*SESSION_FUNCTIONS, CONNECTION_LIMIT)
_OPERATION_OF = {function: operation for operation, function in SESSION_FUNCTIONS.items()}
_ROLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]{0,62}")
_NOT_A_ROLE = frozenset({"all", "current_role", "current_user", "none", "public", "session_user", "user"})
_INTEGER = re.compile(r"0|[1-9][0-9]{0,9}")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}(:[0-9]{2})?)"
)


@dataclass(frozen=True, slots=True)
class Write:
    """One write before it has a target: the operation, its canonical params and what it acts on."""

    operation: str
    params: Mapping[str, Json]
    statement: str
    functions: tuple[str, ...]
    kind: str
    names: tuple[str, ...]
    undo: Undo


def match_write(tokens: tuple[Token, ...]) -> Write | Refusal | None:
    """Recognise a write by its tokens; None when the statement has none of the shapes."""
    texts = [token.text for token in tokens]
    if texts[:1] == ["select"] and texts[1:2] and texts[1] in _OPERATION_OF and tokens[1].kind == "word":
        exact = len(tokens) == 5 and texts[2] == "(" and tokens[3].kind == "number" and texts[4] == ")"
        if not exact:
            return Refusal("SQL_SESSION_SHAPE", args={"function": texts[1], "operation": _OPERATION_OF[texts[1]]})
        pid = int(texts[3]) if _INTEGER.fullmatch(texts[3]) else -1
        return write(_OPERATION_OF[texts[1]], {"sessions": [{"pid": pid}]})
    if texts[:2] == ["alter", "role"]:
        return _alter_role(tokens)
    return None


def write(operation: str, params: Mapping[str, Json]) -> Write | Refusal:
    """Check the params of a write and return them in canonical form."""
    return _connection_limit(params) if operation == CONNECTION_LIMIT else _sessions(operation, params)


def _alter_role(tokens: tuple[Token, ...]) -> Write | Refusal:
    rest = [token for index, token in enumerate(tokens[2:]) if (index, token.text) != (1, "with")]
    texts = [token.text for token in rest]
    sign = -1 if texts[3:4] == ["-"] else 1
    number = texts[4:] if sign < 0 else texts[3:]
    named = bool(rest) and rest[0].kind in {"word", "quoted"}
    if texts[1:3] != ["connection", "limit"] or not named or len(number) != 1 or not _INTEGER.fullmatch(number[0]):
        return Refusal("SQL_ALTER_ROLE_SHAPE")
    if rest[0].kind == "word" and texts[0] in _NOT_A_ROLE:
        return Refusal("SQL_ROLE", args={"role": "this word"})
    role = texts[0][1:-1] if rest[0].kind == "quoted" else texts[0]
    return _connection_limit({"role": role, "limit": sign * int(number[0])})


def _connection_limit(params: Mapping[str, Json]) -> Write | Refusal:
    role, limit = params.get("role"), params.get("limit")
    if set(params) != {"role", "limit"} or not isinstance(role, str) or type(limit) is not int:
        return Refusal("SQL_PARAMS", args={"wanted": "role (text) and limit (a number)"})
    if not _ROLE.fullmatch(role) or role in _NOT_A_ROLE or role.startswith("pg_"):
        return Refusal("SQL_ROLE", args={"role": "this text"})
    if not -1 <= limit <= MAX_CONNECTION_LIMIT:
        return Refusal("SQL_LIMIT", args={"max": MAX_CONNECTION_LIMIT})
    canonical = {"role": role, "limit": limit}
    return Write(CONNECTION_LIMIT, canonical, "ALTER ROLE", (), "role", (role,), Undo.EXACT)


def _sessions(operation: str, params: Mapping[str, Json]) -> Write | Refusal:
    given = params.get("sessions")
    if set(params) != {"sessions"} or not isinstance(given, list | tuple):
        return Refusal("SQL_PARAMS", args={"wanted": 'sessions: a list of {"pid", "backend_start"?}'})
    if not 1 <= len(given) <= MAX_SESSIONS:
        return Refusal("SQL_SESSION_COUNT", args={"max": MAX_SESSIONS})
    sessions: dict[int, dict[str, Json]] = {}
    for item in given:
        session = _session(item)
        if isinstance(session, Refusal):
            return session
        if session["pid"] in sessions:
            return Refusal("SQL_SESSION_TWICE", args={"pid": session["pid"]})
        sessions[session["pid"]] = session
    pids = sorted(sessions)
    function = SESSION_FUNCTIONS[operation]
    ordered = {"sessions": [sessions[pid] for pid in pids]}
    return Write(operation, ordered, "SELECT", (function,), "session", tuple(map(str, pids)), Undo.NEUTRAL)


def _session(item: Json) -> dict[str, Json] | Refusal:
    if not isinstance(item, Mapping) or not {"pid"} <= set(item) <= {"pid", "backend_start"}:
        return Refusal("SQL_PARAMS", args={"wanted": 'sessions: a list of {"pid", "backend_start"?}'})
    if type(item["pid"]) is not int or not 1 <= item["pid"] <= MAX_PID:
        return Refusal("SQL_PID", args={"max": MAX_PID})
    if "backend_start" not in item:
        return {"pid": item["pid"]}
    started = _instant(item["backend_start"])
    return started if isinstance(started, Refusal) else {"pid": item["pid"], "backend_start": started}


def _instant(value: Json) -> str | Refusal:
    """Return one spelling for one instant: UTC, six digits of a second."""
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        return Refusal("SQL_BACKEND_START")
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return Refusal("SQL_BACKEND_START")
    return moment.isoformat(timespec="microseconds")
