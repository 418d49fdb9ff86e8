"""What `check` prints."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from gateway.cli.text import line, safe
from gateway.core.canonical import Json, thaw
from gateway.service.explain import Explanation


@dataclass(frozen=True, slots=True)
class Answer:
    """An explanation, the id of its question and how long it took."""

    id: Json
    explanation: Explanation
    micros: int


def json_line(answer: Answer, *, explain: bool) -> str:
    """Return the answer as one line of JSON; an id with half a surrogate pair comes back escaped as it was sent."""
    members = _json(answer, explain=explain)
    try:
        return orjson.dumps(members, default=thaw).decode() + "\n"
    except orjson.JSONEncodeError:
        return json.dumps(thaw(members), separators=(",", ":")) + "\n"


def document(answer: Answer, *, explain: bool) -> str:
    """Return the answer as JSON to read."""
    members = _json(answer, explain=explain)
    del members["id"]
    return json.dumps(thaw(members), indent=2, ensure_ascii=False) + "\n"


def human_line(answer: Answer, *, explain: bool) -> str:
    """Return one line that begins with the verdict; what is not allowed says why and what would be."""
    found = answer.explanation
    words = [found.verdict.ljust(7)]
    deciding = _deciding(found)
    if found.verdict != "allow" and deciding:
        first, *others = deciding
        words.append(f"{first['code']}: {first['message']} → {first['remedy']}")
        words += [f"(also {', '.join(f['code'] for f in others)})"] if others else []
    if explain and found.input is not None:
        words.append(orjson.dumps(found.input, default=thaw).decode())
    return line(" ".join(words)) + "\n"


def human(answer: Answer, *, explain: bool) -> str:
    """Return the verdict, what was understood, and why."""
    found = answer.explanation
    lines = [found.verdict]
    for i, step in enumerate(found.steps):
        effects = "+".join(step["effects"])
        where = f"{step['target']['id']} in {step['environment']}"
        lines.append(f"  step {i}: {step['operation']} on {where} [{effects}, undo {step['undo']}]")
    for finding in found.findings:
        word = f"permits {finding['permit']}" if "permit" in finding else f"limits to {finding['limit']}"
        lines.append(f"  {finding['code']} {word}: {finding['message']}")
        if finding["remedy"]:
            lines.append(f"    remedy: {finding['remedy']}")
    if explain and found.input is not None:
        lines.append(json.dumps(thaw(found.input), indent=2, ensure_ascii=False))
    return "".join(f"{safe(text)}\n" for text in lines)


def _json(answer: Answer, *, explain: bool) -> dict[str, Json]:
    found = answer.explanation
    members: dict[str, Json] = {
        "id": answer.id,
        "verdict": found.verdict,
        "effects": list(found.effects),
        "digest": found.digest,
        "steps": list(found.steps),
        "findings": list(found.findings),
        "micros": answer.micros,
    }
    if explain:
        members["input"], members["obligations"] = found.input, found.obligations
    return members


def _deciding(found: Explanation) -> list[Mapping[str, Json]]:
    """Return the findings that hold the verdict where it is."""
    limits = [f for f in found.findings if f.get("limit") == found.verdict]
    return limits or [f for f in found.findings if f.get("permit") == found.verdict]
