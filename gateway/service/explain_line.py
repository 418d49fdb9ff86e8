"""One line of `check --jsonl`: what is asked, read strictly; what cannot be read is still answered."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.canonical import Json, loads_strict

MAX_LINE_BYTES = 1 << 20
_MEMBERS = frozenset({"id", "command", "steps", "connectors", "scope", "context"})
# What `check` prints about a step besides the step itself; accepted again so that its output can be its input.
_ABOUT = frozenset({"digest", "effects", "undo", "environment"})


class LineError(ValueError):
    """A line is not a question; the message says why and never quotes the line."""

    def __init__(self, message: str, ident: Json = None) -> None:
        super().__init__(message)
        self.ident = ident


@dataclass(frozen=True, slots=True)
class Question:
    """A proposal to explain: exactly one of `command` and `steps` is set."""

    id: Json = None
    command: bytes | None = None
    steps: tuple[Json, ...] | None = None
    connectors: tuple[str, ...] | None = None
    scope: str | None = None
    context: Json = None
    """A partial policy input; None supposes everything."""


def read_question(line: bytes) -> Question:
    """Read one JSON line; raises LineError."""
    if len(line) > MAX_LINE_BYTES:
        raise LineError(f"a line has at most {MAX_LINE_BYTES} bytes")
    try:
        raw = loads_strict(line)
    except ValueError as exc:
        why = "a member twice" if "duplicate" in str(exc) else "no JSON"
        raise LineError(f"the line is {why}" if why == "no JSON" else f"the line has {why}") from exc
    if not isinstance(raw, Mapping):
        raise LineError("the line is no JSON object")
    ident = raw.get("id")
    if ident is not None and not isinstance(ident, str | int | float):
        raise LineError("id is text or a number")
    try:
        return _question(raw, ident)
    except LineError as exc:
        exc.ident = ident
        raise


def _question(raw: Mapping[str, Json], ident: Json) -> Question:
    if raw.keys() - _MEMBERS:
        raise LineError(f"the line has an unknown member; known are {', '.join(sorted(_MEMBERS))}")
    if ("command" in raw) == ("steps" in raw):
        raise LineError("give either command or steps")
    scope = raw.get("scope")
    if scope is not None and not isinstance(scope, str):
        raise LineError("scope must be text")
    context = raw.get("context")
    if "command" in raw:
        command = raw["command"]
        if not isinstance(command, str) or "connectors" in raw:
            raise LineError("command must be text and joins its steps itself")
        return Question(ident, command.encode(errors="surrogatepass"), scope=scope, context=context)
    return Question(ident, None, _steps(raw["steps"]), _connectors(raw), scope, context)


def _steps(value: Json) -> tuple[Json, ...]:
    if not isinstance(value, list):
        raise LineError("steps must be a list")
    return tuple({k: v for k, v in s.items() if k not in _ABOUT} if isinstance(s, dict) else s for s in value)


def _connectors(raw: Mapping[str, Json]) -> tuple[str, ...] | None:
    value = raw.get("connectors")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(c, str) for c in value):
        raise LineError("connectors must be a list of && and ;")
    return tuple(value)
