"""Incidents: opened by verified alerts, people or (capped at approval) agents; hypotheses and causes."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from gateway.core.canonical import Json
from gateway.core.kinds import LeafKind as K
from gateway.core.principal import Principal
from gateway.errors import Edited, InvalidRequest, NotFound, Precondition
from gateway.ports import IncidentRow, ReadRow, Tx
from gateway.service.incident_doc import IncidentDoc, phase_of
from gateway.service.incident_log import must_be_told
from gateway.service.once import once
from gateway.service.record import global_leaf
from gateway.service.settle import Case
from gateway.service.views import HypothesisView, IncidentView
from gateway.service.world import World

_MAX_HYPOTHESES = 32
_IN_WORDS = "say it in a few words"


async def open_alert(
    world: World, source: str, *, title: str, labels: Mapping[str, str], alert_ms: int, fingerprint: str
) -> IncidentView:
    """Open an incident for a verified alert; the same fingerprint returns the one that is open."""

    def unit(tx: Tx) -> str:
        for row in tx.incidents(open_only=True, limit=200):
            with suppress(Edited):  # one that cannot be read is no reason not to hear of others
                if row.source == source and IncidentDoc.read(row.doc).fingerprint == fingerprint:
                    return row.id
        doc = IncidentDoc(title=title, labels=labels, opened_by=source, fingerprint=fingerprint)
        return _open(world, tx, source, alert_ms, doc)

    incident = await world.store.write(unit)
    return await get_incident(world, incident)


async def open_incident(world: World, principal: Principal, request_id: str, title: str) -> IncidentView:
    """Open an incident by hand; its source says who: a person, or an agent (whose changes then need a person)."""
    source = "agent" if principal.door == "agent" else "human"
    if not title.strip():
        raise InvalidRequest("TITLE_MISSING", "an incident has a title", remedy=_IN_WORDS)

    def unit(tx: Tx) -> str:
        doc = IncidentDoc(title=title, opened_by=principal.id)
        return _open(world, tx, source, world.clock.now_ms(), doc)

    incident = await once(world, principal, request_id, {"open_incident": title}, unit)
    return await get_incident(world, incident)


async def get_incident(world: World, incident: str) -> IncidentView:
    """Return an incident; raises NotFound."""
    return await world.store.scan(lambda tx: incident_view(tx, load_incident(tx, incident)))


async def list_incidents(world: World, *, page_size: int, before: str, open_only: bool
                         ) -> tuple[list[IncidentView], str]:  # fmt: skip
    """Return a page, newest first, and the token of the next."""

    def unit(tx: Tx) -> tuple[list[IncidentView], str]:
        rows = tx.incidents(open_only=open_only, before=before, limit=page_size + 1)
        token = rows[page_size - 1].id if len(rows) > page_size else ""
        return [_listed(tx, row) for row in rows[:page_size]], token

    return await world.store.scan(unit)


async def add_hypothesis(
    world: World, principal: Principal, request_id: str, incident: str, text: str
) -> tuple[IncidentView, str]:
    """Record a possible cause."""
    if not text.strip():
        raise InvalidRequest("HYPOTHESIS_MISSING", "a hypothesis says what may be the cause", remedy=_IN_WORDS)

    def unit(tx: Tx) -> str:
        row = load_incident(tx, incident, must_be_open=True)
        doc = IncidentDoc.read(row.doc)
        if len(doc.hypotheses) >= _MAX_HYPOTHESES:
            raise Precondition("HYPOTHESES_FULL", f"an incident has at most {_MAX_HYPOTHESES} hypotheses")
        changed, hypothesis = doc.with_hypothesis(world.redactor.text(text))
        kept = _put(tx, replace(row, doc=changed.to_text()))
        body = {"incident": incident, "hypothesis": hypothesis, "by": principal.id, "text": text, "row": kept}
        global_leaf(world, tx, K.HYPOTHESIS, body)
        return hypothesis

    hypothesis = await once(world, principal, request_id, {"hypothesis": text, "incident": incident}, unit)
    return await get_incident(world, incident), hypothesis


async def declare_cause(
    world: World, principal: Principal, request_id: str, incident: str, hypothesis: str, cause: str,
    evidence: tuple[str, ...],
) -> IncidentView:  # fmt: skip
    """Say which hypothesis holds; its evidence must be reads of this incident that succeeded. On-call is told."""

    def unit(tx: Tx) -> str:
        row = load_incident(tx, incident, must_be_open=True)
        doc = IncidentDoc.read(row.doc)
        if hypothesis not in {h.id for h in doc.hypotheses}:
            raise NotFound("HYPOTHESIS_UNKNOWN", f"incident {incident} has no hypothesis {hypothesis!r}")
        known = {r.action for r in tx.reads(incident) if r.outcome == "succeeded"}
        if not evidence or not set(evidence) <= known:
            raise Precondition("EVIDENCE_UNKNOWN", "evidence must be reads of this incident that succeeded")
        text = world.redactor.text(cause)
        kept = _put(tx, replace(row, doc=doc.with_cause(hypothesis, text, evidence).to_text()))
        body = {"incident": incident, "hypothesis": hypothesis, "by": principal.id, "text": text,
                "evidence": list(evidence), "row": kept}  # fmt: skip
        global_leaf(world, tx, K.CAUSE, body)
        return incident

    said: Json = {"cause": cause, "hypothesis": hypothesis, "incident": incident, "evidence": list(evidence)}
    await once(world, principal, request_id, said, unit)
    await world.bus.logged()
    return await get_incident(world, incident)


async def close_incident(world: World, principal: Principal, request_id: str, incident: str) -> IncidentView:
    """Close an incident; nothing is evidenced by it any more."""

    def unit(tx: Tx) -> str:
        row = load_incident(tx, incident, must_be_open=True)
        kept = _put(tx, replace(row, status="closed"))
        global_leaf(world, tx, K.INCIDENT_CLOSED, {"incident": incident, "by": principal.id, "row": kept})
        return incident

    await once(world, principal, request_id, {"close": incident}, unit)
    return await get_incident(world, incident)


def load_incident(tx: Tx, incident: str, *, must_be_open: bool = False) -> IncidentRow:
    """Return an incident; raises NotFound, or Precondition when it is closed and must not be."""
    row = tx.incident(incident)
    if row is None:
        raise NotFound("INCIDENT_UNKNOWN", f"there is no incident {incident!r}")
    if must_be_open and row.status == "closed":
        raise Precondition("INCIDENT_CLOSED", f"incident {incident} is closed")
    return row


def incident_view(tx: Tx, row: IncidentRow) -> IncidentView:
    """Return an incident as it stands; raises Edited when it is not as it was recorded."""
    must_be_told(tx, row)
    doc, reads = IncidentDoc.read(row.doc), tx.reads(row.id)
    succeeded = [r.at_ms for r in reads if r.outcome == "succeeded"]
    return IncidentView(
        id=row.id, title=doc.title, source=row.source, phase=phase_of(row, doc, reads), alert_ms=row.alert_ms,
        opened_ms=row.opened_ms, hypotheses=tuple(HypothesisView(h.id, h.text, h.state) for h in doc.hypotheses),
        cause=doc.cause, labels=doc.labels, first_diagnostic_ms=min(succeeded, default=0),
    )  # fmt: skip


def _listed(tx: Tx, row: IncidentRow) -> IncidentView:
    """Return an incident for a list; one that cannot be read is there, and its phase says so."""
    try:
        return incident_view(tx, row)
    except Edited as exc:
        return IncidentView(
            id=row.id, title="", source=row.source, phase=exc.code, alert_ms=row.alert_ms, opened_ms=row.opened_ms,
            hypotheses=(), cause="", labels={}, first_diagnostic_ms=0,
        )  # fmt: skip


def note_write(tx: Tx, incident: str) -> dict[str, Json]:
    """Count a change that began for an incident; its phase becomes remediation. Returns what its leaf says of it."""
    row = tx.incident(incident)
    if row is None:
        return {}
    doc = IncidentDoc.read(row.doc)
    return {
        "incident": incident, "row": _put(tx, replace(row, doc=replace(doc, writes=doc.writes + 1).to_text())),
    }  # fmt: skip


def _put(tx: Tx, row: IncidentRow) -> str:
    """Store an incident; returns the digest of its row, for the leaf that records the change."""
    tx.put_incident(row)
    return row.digest


def note_read(tx: Tx, case: Case, outcome: str, at_ms: int) -> None:
    """Keep a read that was made for an incident which is still open: evidence, if it succeeded."""
    row = tx.incident(case.row.incident) if case.row.incident else None
    if row is not None and row.status == "open":
        hypothesis = str(case.proposal.doc["hypothesis"])
        tx.put_read(ReadRow(row.id, case.row.id, hypothesis, case.proposal.targets, at_ms, outcome))


def _open(world: World, tx: Tx, source: str, alert_ms: int, doc: IncidentDoc) -> str:
    clean = replace(doc, title=world.redactor.text(doc.title), labels=world.redactor.json(doc.labels))
    row = IncidentRow(world.ids.new("inc"), source, "open", alert_ms, world.clock.now_ms(), clean.to_text())
    kept = _put(tx, row)
    body = {"incident": row.id, "source": source, "alert_ms": alert_ms, "by": doc.opened_by,
            "title": clean.title, "labels": dict(clean.labels), "row": kept}  # fmt: skip
    global_leaf(world, tx, K.INCIDENT_OPENED, body)
    return row.id
