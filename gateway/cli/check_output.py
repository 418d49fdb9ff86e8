"""What `check` prints."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from gateway.cli.text import line, safe
from gateway.core.canonical import Json, thaw
from gateway.core.finding import Verdict
from gateway.service.explain import Explanation

# Said of where an agent stands and not of the act; beside a reason that lies in the act, that one is told first.
_STANDING = ("NOT_PERMITTED", "TIER_UNDEFINED", "WRITE_WITHOUT_INCIDENT", "WRITE_WITHOUT_EVIDENCE")


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
    for finding in _ordered(found.findings):
        word = f"permits {finding['permit']}" if "permit" in finding else f"limits to {finding['limit']}"
        where = f"step {finding['step']}: " if len(found.steps) > 1 else ""
        lines.append(f"  {where}{finding['code']} {word}: {finding['message']}")
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
    """Return the findings that hold the verdict where it is, the one to read first before the others."""
    ordered = _ordered(found.findings)
    limits = [f for f in ordered if f.get("limit") == found.verdict]
    return limits or [f for f in ordered if f.get("permit") == found.verdict]


def _ordered(findings: Sequence[Mapping[str, Json]]) -> list[Mapping[str, Json]]:
    """Return what decides before what does not: limits from the severest, then permits from the widest."""
    return sorted(findings, key=_rank)


def _rank(finding: Mapping[str, Json]) -> tuple[bool, int, bool]:
    permits = "permit" in finding
    level = Verdict.of(finding["permit"] if permits else finding["limit"])
    return permits, -level if permits else level, finding["code"] in _STANDING
