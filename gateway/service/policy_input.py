"""The policy input (contract/input.json), built only from what the gateway established."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.canonical import Json
from gateway.core.effect import Undo, weakest
from gateway.core.finding import Cap
from gateway.ports import History, IncidentRow, ReadRow, VoteRow
from gateway.service.incident_doc import IncidentDoc, phase_of
from gateway.service.proposal import Proposal

SCHEMA = "countermand.input/1"
_NEVER = History(0, 0)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong inside the breaker's window, where a proposal would act."""

    agent: Mapping[str, int] = field(default_factory=dict)
    """Environment → mishaps of this agent there."""
    operation: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(operation, environment) → mishaps, whoever proposed them."""
    target: Mapping[str, int] = field(default_factory=dict)
    """Target → changes of it that were taken back."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the store knows that matters for a decision, read in one snapshot."""

    incident: IncidentRow | None = None
    reads: tuple[ReadRow, ...] = ()
    agent_history: History = _NEVER
    target_history: Mapping[str, History] = field(default_factory=dict)
    votes: tuple[VoteRow, ...] = ()
    barred: tuple[str, ...] = ()
    """Codes of what denies it whatever the policy says: switches, a withdrawn revision, an unknown incident."""
    trouble: Trouble = field(default_factory=Trouble)


def policy_input(
    stage: str,
    now_ms: int,
    action: str,
    proposal: Proposal,
    context: Context,
    caps: Sequence[Cap],
    observation: Mapping[str, Json] | None,
    window_s: int,
) -> dict[str, Json]:
    """Return the input document of one evaluation; `observation` is None at `admit`."""
    doc = proposal.doc
    request = {
        "action": action,
        "door": doc["door"],
        "untrusted": {"text": doc["text"], "justification": doc["justification"]},
    }
    if doc["lease_s"]:
        request["lease_s"] = doc["lease_s"]
    steps = [_step(s, context, observation, window_s) for s in proposal.steps]
    return {
        "schema": SCHEMA,
        "stage": stage,
        "now_ms": now_ms,
        "request": request,
        "agent": doc["agent"],
        "incident": _incident(context),
        "steps": steps,
        "plan": {
            "count": len(steps),
            "targets": len(proposal.targets),
            "effect": proposal.effect,
            "undo": weakest(Undo(s["undo"]["class"]) for s in steps),
        },
        "envelope": None,
        "caps": [c.to_json() for c in caps],
        "votes": [{"subject": v.subject, "groups": list(v.groups), "assurance": v.assurance} for v in context.votes],
    }


def _step(
    parsed: Mapping[str, Json], context: Context, observation: Mapping[str, Json] | None, window_s: int
) -> dict[str, Json]:
    step = parsed["step"]
    target = step["target"]
    result = {
        "i": parsed["i"],
        "digest": parsed["digest"],
        "tool": step["tool"],
        "operation": step["operation"],
        "effect": parsed["effects"],
        "why": parsed["why"],
        "environment": parsed["environment"],
        "params": step["params"],
        "target": target,
        "facts": [],
        "undo": {"class": parsed["undo"], "needs": []},
        "history": {
            "window_s": window_s,
            "agent": _history(context.agent_history),
            "target": _history(context.target_history.get(target["id"], _NEVER)),
        },
    }
    if observation is not None:
        seen = observation["steps"][parsed["i"]]
        result["facts"] = seen["facts"]
        result["preflight"] = seen["preflight"] | {"state_digest": seen["state_digest"]}
        needs = [c["path"] for c in seen["preflight"].get("changes", ())]
        result["undo"] = {"class": weakest((Undo(parsed["undo"]), Undo(seen["undo_class"]))), "needs": needs}
    return result


def _history(history: History) -> dict[str, Json]:
    return {"applied": history.applied, "undone": history.undone}


def _incident(context: Context) -> dict[str, Json] | None:
    row = context.incident
    if row is None:
        return None
    doc = IncidentDoc.read(row.doc)
    return {
        "id": row.id,
        "source": row.source,
        "phase": phase_of(row, doc, context.reads),
        "alert_ms": row.alert_ms,
        "hypotheses": [{"id": h.id, "state": h.state} for h in doc.hypotheses],
        "reads": [
            {
                "action": r.action, "hypothesis": r.hypothesis, "targets": list(r.targets),
                "at_ms": r.at_ms, "outcome": r.outcome,
            }
            for r in context.reads
        ],
    }  # fmt: skip
