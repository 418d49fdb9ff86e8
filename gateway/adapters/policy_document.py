"""What goes into and comes out of every engine: a validated input document, a validated answer."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import jsonschema_rs
import orjson

from gateway.core import shape
from gateway.core.bundle import DECISION_SCHEMA, Bundle
from gateway.core.canonical import Json
from gateway.core.finding import MAX_FINDINGS, parse_findings
from gateway.core.obligation import MAX_OBLIGATIONS, parse_obligations
from gateway.errors import PolicyFault
from gateway.ports_policy import PolicyAnswer

MAX_INPUT_BYTES = 64 << 10
_ANSWER = frozenset({"schema", "findings", "obligations"})


class Documents:
    """The two edges of an engine under one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        """Compile the bundle's input schema."""
        self._revision = bundle.revision
        self._codes = frozenset(bundle.codes)
        self._validator = jsonschema_rs.validator_for(bundle.schemas["input"])

    def encode(self, document: Mapping[str, Json]) -> tuple[bytes, int]:
        """Return the JSON bytes of a valid input and how many steps it has.

        Raises PolicyFault POLICY_INPUT_INVALID or POLICY_INPUT_TOO_LARGE.
        """
        try:
            data = orjson.dumps(document, default=_plain)
        except (TypeError, ValueError) as exc:
            raise PolicyFault("POLICY_INPUT_INVALID", f"the policy input is not JSON: {exc}") from exc
        if len(data) > MAX_INPUT_BYTES:
            raise PolicyFault("POLICY_INPUT_TOO_LARGE", f"the policy input exceeds {MAX_INPUT_BYTES} bytes")
        plain = orjson.loads(data)
        if not self._validator.is_valid(plain):
            error = next(self._validator.iter_errors(plain))
            where = "/".join(str(part) for part in error.instance_path)
            raise PolicyFault("POLICY_INPUT_INVALID", f"policy input at /{where}: {error.message[:300]}", at=where)
        steps = [step["i"] for step in plain["steps"]]
        if steps != list(range(len(steps))):
            raise PolicyFault("POLICY_INPUT_INVALID", "policy input: steps are not numbered 0, 1, 2 …", at="steps")
        return data, len(steps)

    def answer(self, data: bytes | str, steps: int) -> PolicyAnswer:
        """Read an engine's answer about `steps` steps; raises PolicyFault POLICY_ANSWER_INVALID for any doubt."""
        try:
            return _read(data, steps, self._codes, self._revision)
        except ValueError as exc:
            raise PolicyFault("POLICY_ANSWER_INVALID", str(exc)[:300]) from exc


def _read(data: bytes | str, steps: int, known: frozenset[str], revision: str) -> PolicyAnswer:
    raw = shape.members(orjson.loads(data), "the answer", _ANSWER)
    if raw["schema"] != DECISION_SCHEMA:
        raise ValueError(f"the answer's schema is not {DECISION_SCHEMA}")
    findings = _ordered(shape.array(raw["findings"], "findings", MAX_FINDINGS))
    obligations = _ordered(shape.array(raw["obligations"], "obligations", MAX_OBLIGATIONS))
    values = parse_findings(findings, steps), parse_obligations(obligations, steps)
    codes = {finding.code for finding in values[0]} | {obligation.code for obligation in values[1]}
    if not codes <= known:
        raise ValueError(f"{min(codes - known)} is no code of the bundle")
    return PolicyAnswer(revision, findings, obligations, values)


def _plain(value: object) -> Json:
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _ordered(items: Sequence[Mapping[str, Json]]) -> tuple[Mapping[str, Json], ...]:
    """Sort by JSON text: engines iterate sets in orders of their own."""
    if len(items) < 2:
        return tuple(items)
    return tuple(sorted(items, key=lambda item: orjson.dumps(item, option=orjson.OPT_SORT_KEYS)))
