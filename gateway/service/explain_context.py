"""The context of a check: a partial policy input, laid over what is supposed by default.

Objects merge member by member, `steps` and `facts` by position, everything else replaces. What parsing
established (operation, effects, target, …) is kept as parsed, whatever a context says.
"""

from collections.abc import Mapping, Sequence

from gateway.core.canonical import Json
from gateway.core.finding import Cap
from gateway.core.principal import Principal
from gateway.ports import History, IncidentRow
from gateway.service.caps import caps_of, observed_caps
from gateway.service.incident_doc import IncidentDoc
from gateway.service.policy_input import Context, Trouble
from gateway.service.proposal import Ask, Proposal
from gateway.service.settings import ServiceSettings

STAGES = ("admit", "decide")
_OPEN = frozenset({"schema", "stage", "now_ms", "request", "agent", "incident", "steps", "envelope", "votes"})
_COMPUTED = frozenset({"plan", "caps"})
_STEP_OPEN = frozenset({"environment", "facts", "preflight", "undo", "history"})
_STEP_PARSED = frozenset({"i", "digest", "tool", "operation", "effect", "why", "params", "target"})
_ALERT_AGE_MS = 300_000


class ContextError(ValueError):
    """A context is not a partial policy input; the message says where."""


def check_context(context: Json) -> Mapping[str, Json]:
    """Return a context whose members are known; raises ContextError."""
    found = _object(context, "context")
    _only(found, _OPEN | _COMPUTED, "context")
    for step in _list(found.get("steps", []), "context.steps"):
        _only(_object(step, "context.steps"), _STEP_OPEN | _STEP_PARSED, "context.steps")
    if found.get("stage", "decide") not in STAGES:
        raise ContextError("context.stage is admit or decide")
    return found


def agent_of(context: Mapping[str, Json], default: Principal) -> Principal:
    """Return who asks; raises ContextError."""
    agent = _object(context.get("agent", {}), "context.agent")
    groups = _list(agent.get("groups", list(default.groups)), "context.agent.groups")
    return Principal(
        id=_text(agent.get("id", default.id), "context.agent.id"),
        owner=_text(agent.get("owner", default.owner), "context.agent.owner"),
        groups=tuple(_text(g, "context.agent.groups") for g in groups),
        door=default.door,
        assurance=agent.get("assurance", default.assurance),
        model_tier=_text(agent.get("model_tier", default.model_tier), "context.agent.model_tier"),
    )


def ask_of(context: Mapping[str, Json], text: str) -> Ask:
    """Return what is asked for besides the command; raises ContextError."""
    request = _object(context.get("request", {}), "context.request")
    untrusted = _object(request.get("untrusted", {}), "context.request.untrusted")
    lease = request.get("lease_s", 0)
    if isinstance(lease, bool) or not isinstance(lease, int) or lease < 0:
        raise ContextError("context.request.lease_s is a number of seconds")
    justification = _text(untrusted.get("justification", ""), "context.request.untrusted.justification")
    return Ask("", text, justification, incident="", hypothesis="", lease_s=lease)


def merged(document: Mapping[str, Json], context: Mapping[str, Json], steps: int) -> dict[str, Json]:
    """Lay a context over an input document about `steps` steps; raises ContextError."""
    result = dict(document)
    for name, value in context.items():
        if name in {"request", "agent"}:
            result[name] = _merge(result[name], _object(value, f"context.{name}"))
        elif name == "incident":
            result[name] = value if value is None else _incident(_object(value, "context.incident"), result["now_ms"])
        elif name in _OPEN and name != "steps":
            result[name] = value
    result["steps"] = _steps(document["steps"], _list(context.get("steps", []), "context.steps"), steps)
    return result


def caps_under(document: Mapping[str, Json], proposal: Proposal, settings: ServiceSettings) -> list[Cap]:
    """Return the gateway's own caps for a proposal under a merged document."""
    seen = None
    if document["stage"] == "decide":
        seen = {
            "steps": [
                {"facts": s["facts"], "preflight": s.get("preflight", {}), "undo_class": s["undo"]["class"]}
                for s in document["steps"]
            ]
        }
    return caps_of(proposal, _context(document), settings) + observed_caps(proposal, seen)


def _context(document: Mapping[str, Json]) -> Context:
    incident = document["incident"]
    row = None
    if incident is not None:
        source = _text(incident["source"], "context.incident.source")
        row = IncidentRow("", source, "open", 0, 0, IncidentDoc("").to_text())
    histories = [s["history"]["agent"] for s in document["steps"]]
    worst = max(histories, key=lambda h: h["undone"])
    undone = worst["undone"]
    trouble = Trouble(agent={s["environment"]["name"]: undone for s in document["steps"]})
    return Context(incident=row, agent_history=History(worst["applied"], undone), trouble=trouble)


def _incident(given: Mapping[str, Json], now_ms: int) -> dict[str, Json]:
    supposed = {
        "id": "inc_check", "source": "alertmanager", "phase": "triage", "alert_ms": max(0, now_ms - _ALERT_AGE_MS),
        "hypotheses": [], "reads": [],
    }  # fmt: skip
    return supposed | dict(given)


def _steps(default: Sequence[Mapping[str, Json]], given: Sequence[Json], count: int) -> list[Json]:
    result = [dict(s) for s in default]
    for position, step in enumerate(given):
        index = step.get("i", position)
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < count:
            raise ContextError(f"context.steps is about a step that does not exist; the proposal has {count}")
        for name in sorted(_STEP_OPEN & step.keys()):
            where = f"context.steps.{name}"
            if name == "facts":
                result[index][name] = _facts(result[index][name], _list(step[name], where))
            else:
                result[index][name] = _merge(result[index].get(name, {}), _object(step[name], where))
    return result


def _facts(default: Sequence[Json], given: Sequence[Json]) -> list[Json]:
    """Each fact that is given merges over the supposed one at its position; as many as are given remain."""
    return [
        _merge(default[i] if i < len(default) else {}, _object(fact, "context.steps.facts"))
        for i, fact in enumerate(given)
    ]


def _merge(default: Mapping[str, Json], given: Mapping[str, Json]) -> dict[str, Json]:
    result = dict(default)
    for name, value in given.items():
        old = result.get(name)
        result[name] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def _only(value: Mapping[str, Json], known: frozenset[str], where: str) -> None:
    unknown = sorted(value.keys() - known)
    if unknown:
        raise ContextError(f"{where} has an unknown member; known are {', '.join(sorted(known))}")


def _object(value: Json, where: str) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise ContextError(f"{where} must be an object")
    return value


def _list(value: Json, where: str) -> Sequence[Json]:
    if not isinstance(value, list):
        raise ContextError(f"{where} must be a list")
    return value


def _text(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise ContextError(f"{where} must be text")
    return value
