"""in-toto Statement v1: the signed claim that a predicate holds for the plan of one action.

{"_type": "https://in-toto.io/Statement/v1",
 "subject": [{"name": "action/<action id>", "digest": {"sha256": "<plan digest, 64 hex digits>"}}],
 "predicateType": "https://countermand.dev/<Kind>/v1",
 "predicate": {…}}
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core import shape
from gateway.core.canonical import Json, canonical, loads_strict

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
MAX_STATEMENT_BYTES = 4096
"""What AWS KMS signs at most; so a statement names digests, never bodies."""
_PREFIX = "action/"


@dataclass(frozen=True, slots=True)
class Refused:
    """A signed document that is not accepted: the code of the first check that failed, and text for people."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement says about an action's plan; `plan_digest` is `sha256:<hex>`."""

    action: str
    plan_digest: str
    predicate_type: str
    predicate: Mapping[str, Json]

    def to_bytes(self) -> bytes:
        """Return the canonical bytes that are signed; raises ValueError beyond `MAX_STATEMENT_BYTES`."""
        digest = shape.sha256(self.plan_digest, "plan digest").removeprefix("sha256:")
        data = canonical(
            {
                "_type": STATEMENT_TYPE,
                "subject": [{"name": _PREFIX + self.action, "digest": {"sha256": digest}}],
                "predicateType": self.predicate_type,
                "predicate": self.predicate,
            }
        )
        if len(data) > MAX_STATEMENT_BYTES:
            raise ValueError(f"a statement has at most {MAX_STATEMENT_BYTES} bytes, this one {len(data)}")
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> "Statement":
        """Read a statement about exactly one action; raises ValueError for anything else."""
        required = frozenset({"_type", "subject", "predicateType", "predicate"})
        item = shape.members(loads_strict(data), "statement", required)
        if item["_type"] != STATEMENT_TYPE:
            raise ValueError("not an in-toto statement v1")
        subjects = shape.array(item["subject"], "subject", 1)
        if not subjects:
            raise ValueError("a statement is about one action")
        subject = shape.members(subjects[0], "subject", frozenset({"name", "digest"}))
        digest = shape.members(subject["digest"], "digest", frozenset({"sha256"}))["sha256"]
        name = shape.text(subject["name"], "subject name", 128)
        if not name.startswith(_PREFIX):
            raise ValueError("the subject is not an action")
        return cls(
            action=shape.word(name.removeprefix(_PREFIX), "action"),
            plan_digest=shape.sha256(f"sha256:{digest}", "subject digest"),
            predicate_type=shape.text(item["predicateType"], "predicateType", 255),
            predicate=shape.mapping(item["predicate"], "predicate"),
        )
