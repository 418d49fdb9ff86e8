"""The document of an incident and the phase that its records add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.core.canonical import Json, canonical, loads_strict
from gateway.errors import Edited
from gateway.ports import IncidentRow, ReadRow


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A possible cause; `state` is open, supported or refuted."""

    id: str
    text: str
    state: str = "open"


@dataclass(frozen=True, slots=True)
class IncidentDoc:
    """What people and agents wrote about an incident; all text is untrusted."""

    title: str
    labels: Mapping[str, str] = field(default_factory=dict)
    hypotheses: tuple[Hypothesis, ...] = ()
    cause: str = ""
    evidence: tuple[str, ...] = ()
    """Actions that support the declared cause."""
    opened_by: str = ""
    fingerprint: str = ""
    writes: int = 0
    """Changes that began for this incident."""

    def to_text(self) -> str:
        """Return the stored form."""
        doc: dict[str, Json] = {
            "title": self.title, "labels": dict(self.labels), "cause": self.cause, "evidence": list(self.evidence),
            "opened_by": self.opened_by, "fingerprint": self.fingerprint, "writes": self.writes,
            "hypotheses": [{"id": h.id, "text": h.text, "state": h.state} for h in self.hypotheses],
        }  # fmt: skip
        return canonical(doc).decode()

    @classmethod
    def read(cls, text: str) -> "IncidentDoc":
        """Read the stored form; raises Edited for what is none."""
        try:
            doc = loads_strict(text)
            hypotheses = tuple(Hypothesis(**h) for h in doc.pop("hypotheses"))
            return cls(hypotheses=hypotheses, evidence=tuple(doc.pop("evidence")), **doc)
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise Edited("INCIDENT_EDITED", "the stored incident is not one that was recorded") from exc

    def with_hypothesis(self, text: str) -> tuple["IncidentDoc", str]:
        """Return the document with one more hypothesis, and its id."""
        new = Hypothesis(f"h{len(self.hypotheses) + 1}", text)
        return replace(self, hypotheses=(*self.hypotheses, new)), new.id

    def with_cause(self, hypothesis: str, cause: str, evidence: tuple[str, ...]) -> "IncidentDoc":
        """Return the document in which one hypothesis is supported and the others are refuted."""
        judged = tuple(replace(h, state="supported" if h.id == hypothesis else "refuted") for h in self.hypotheses)
        return replace(self, hypotheses=judged, cause=cause, evidence=evidence)


def phase_of(row: IncidentRow, doc: IncidentDoc, reads: Sequence[ReadRow]) -> str:
    """Derive the phase from recorded steps: triage → hypotheses → validation → remediation → closed."""
    if row.status == "closed":
        return "closed"
    if doc.cause or doc.writes:
        return "remediation"
    known = {h.id for h in doc.hypotheses}
    if any(r.outcome == "succeeded" and r.hypothesis in known for r in reads):
        return "validation"
    return "hypotheses" if doc.hypotheses else "triage"
