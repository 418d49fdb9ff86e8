"""The typed door: reads steps given as JSON and checks what an agent says against what is derived."""

from collections.abc import Mapping

import rfc8785

from gateway.core.canonical import Json, canonical
from gateway.parsing.charset import check
from gateway.parsing.result import ParsedStep, Refusal
from gateway.parsing.words import TypedStep

MAX_TYPED_BYTES = 64 * 1024
_STEP_MEMBERS = ("tool", "operation", "params", "target", "api")
_TARGET_MEMBERS = ("scope", "namespace", "region", "kind", "names", "selector", "id", "fanout")
_MAX_NAME = 64
_BREAKS = frozenset("\n\t")


def read_step(value: Json, scope: str | None) -> TypedStep | Refusal:
    """Read one typed step; `scope` is the proposal's and may not contradict the step's."""
    target = value.get("target", {}) if isinstance(value, Mapping) else {}
    refusal = _members("step", value, _STEP_MEMBERS, required=("tool", "operation", "params"))
    refusal = refusal or _members("target", target, _TARGET_MEMBERS, required=())
    refusal = refusal or _types(value, target)
    if refusal is not None:
        return refusal
    own = target.get("scope")
    if own is not None and scope is not None and own != scope:
        return Refusal("SCOPE_CONFLICT")
    return TypedStep(
        tool=value["tool"],
        operation=value["operation"],
        params=value["params"],
        scope=own if own is not None else scope,
        namespace=target.get("namespace"),
        region=target.get("region"),
        kind=target.get("kind"),
        names=tuple(target.get("names", ())),
        selector=target.get("selector"),
        api=value.get("api"),
        id=target.get("id"),
        fanout=target.get("fanout"),
    )


def check_size(steps: Json) -> Refusal | None:
    """Refuse typed steps that are too large or have no canonical form."""
    try:
        size = len(canonical(steps))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, TypeError):
        return Refusal("TYPED_NOT_JSON")
    return Refusal("TYPED_TOO_LARGE", args={"max": MAX_TYPED_BYTES}) if size > MAX_TYPED_BYTES else None


def check_strings(value: Json) -> Refusal | None:
    """Apply the rules of the text door to every string of a typed step."""
    if isinstance(value, str):
        return check(value)
    if isinstance(value, Mapping):
        return _first([check_strings(item) for pair in value.items() for item in pair])
    if isinstance(value, list | tuple):
        return _first([check_strings(item) for item in value])
    return None


def agrees(asked: TypedStep, parsed: ParsedStep) -> Refusal | None:
    """Refuse when an optional member that the agent sent is not what was derived from the rest."""
    step = parsed.step
    derived = {
        "operation": (asked.operation, step.operation),
        "namespace": (asked.namespace, step.target.namespace),
        "region": (asked.region, step.target.region),
        "kind": (asked.kind, step.target.kind),
        "names": (asked.names or None, step.target.names),
        "selector": (asked.selector, step.target.selector),
        "id": (asked.id, step.target.id),
        "fanout": (asked.fanout, step.target.fanout),
        "api": (asked.api, step.api),
    }
    for member, (said, found) in derived.items():
        if said is not None and canonical(said) != canonical(found):
            return Refusal("TYPED_DISAGREES", args={"member": member})
    return None


def _first(refusals: list[Refusal | None]) -> Refusal | None:
    return next((refusal for refusal in refusals if refusal is not None), None)


def _members(what: str, value: Json, known: tuple[str, ...], required: tuple[str, ...]) -> Refusal | None:
    if not isinstance(value, Mapping):
        return Refusal("TYPED_MEMBER_TYPE", args={"member": what, "wanted": "an object"})
    for member in value:
        if member not in known:
            args = {"member": str(member)[:_MAX_NAME], "known": ", ".join(known)}
            return Refusal("TYPED_MEMBER_UNKNOWN", args=args)
    missing = [member for member in required if member not in value]
    return Refusal("TYPED_MEMBER_MISSING", args={"member": missing[0]}) if missing else None


def _types(value: Mapping[str, Json], target: Mapping[str, Json]) -> Refusal | None:
    strings = {member: value[member] for member in ("tool", "operation")}
    strings |= {member: target[member] for member in _TARGET_MEMBERS if member in target and member != "names"}
    for member, item in strings.items():
        if not isinstance(item, str) or not item or _BREAKS & set(item):
            return Refusal("TYPED_MEMBER_TYPE", args={"member": member, "wanted": "a line of text"})
    for member in ("params", "api"):
        if not isinstance(value.get(member, {}), Mapping):
            return Refusal("TYPED_MEMBER_TYPE", args={"member": member, "wanted": "an object"})
    names = target.get("names", [])
    if not isinstance(names, list | tuple) or not all(
        isinstance(name, str) and not _BREAKS & set(name) for name in names
    ):
        return Refusal("TYPED_MEMBER_TYPE", args={"member": "names", "wanted": "a list of strings"})
    return None
