"""The gateway's own words for an action; attacker text appears only as quoted values of typed members."""

import json

from gateway.core.canonical import Json
from gateway.service.proposal import Proposal

_MAX_VALUE = 120


def render(proposal: Proposal) -> str:
    """Return one line a step: operation, target, environment, parameters."""
    return "\n".join(_line(s) for s in proposal.steps) or "not understood"


def _line(step: Json) -> str:
    inner = step["step"]
    params = ", ".join(f"{k}={_value(v)}" for k, v in sorted(inner["params"].items()))
    selector = inner["target"].get("selector")
    chosen = f" matching {_value(selector)}" if selector else ""
    where = f"{inner['target']['id']}{chosen} in {step['environment']['name']}"
    effects = "+".join(step["effects"])
    return f"{inner['operation']} on {where} [{effects}, undo {step['undo']}]" + (f" with {params}" if params else "")


def _value(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 1] + "…"
