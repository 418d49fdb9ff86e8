"""The read side: rows and documents to views."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.canonical import Json, canonical, loads_strict
from gateway.core.events import read_leaf
from gateway.core.kinds import LeafKind
from gateway.core.receipt import StepStatus
from gateway.ports import ActionRow, Tx
from gateway.service.progress import told
from gateway.service.proposal import Proposal
from gateway.service.render import render
from gateway.service.sealed import open_sealed
from gateway.service.texts import Texts
from gateway.service.views import ActionView, DecisionView, FindingView, OutputView, StepView
from gateway.service.waiting import ABSENT, waits_in_vain
from gateway.service.world import World


def action_view(world: World, tx: Tx, row: ActionRow) -> ActionView:
    """Return an action as it stands."""
    proposal = read_proposal(tx, row)
    data = tx.document(row.id, f"decision/{row.decision_digest}") if row.decision_digest else None
    return compose(
        row.changed(reason=ABSENT) if waits_in_vain(world, row) else row,
        proposal,
        None if data is None else decision_view(loads_strict(data), row.decision_digest, world.texts()),
        journal=read_journal(tx, row.id),
        receipt=_newest_receipt(tx, row),
        outputs=_outputs(world, tx, row, proposal),
    )


def compose(
    row: ActionRow,
    proposal: Proposal,
    decision: DecisionView | None,
    *,
    journal: Mapping[int, str] = MappingProxyType({}),
    receipt: bytes = b"",
    outputs: tuple[OutputView, ...] = (),
) -> ActionView:
    """Put an action's view together from its parts."""
    return ActionView(
        id=row.id,
        state=row.state,
        version=row.version,
        plan_digest=row.plan_digest,
        steps=_steps(proposal, journal),
        decision=decision,
        created_ms=row.created_ms,
        updated_ms=row.updated_ms,
        agent=row.agent,
        incident=row.incident,
        reason=row.reason,
        receipt=receipt,
        outputs=outputs,
        lease_end_ms=row.lease_end_ms,
        rendering=render(proposal),
        justification=str(proposal.doc["justification"]),
        state_digest=row.state_digest,
    )


def read_proposal(tx: Tx, row: ActionRow) -> Proposal:
    """Return the proposal document of an action."""
    data = tx.document(row.id, "proposal")
    if data is None:
        raise LookupError(f"{row.id} has no proposal document")
    return Proposal.read(data)


def decision_record(tx: Tx, row: ActionRow) -> Mapping[str, Json]:
    """Return the record of the decision in force."""
    data = tx.document(row.id, f"decision/{row.decision_digest}")
    if data is None:
        raise LookupError(f"{row.id} has no record of its decision")
    record: Mapping[str, Json] = loads_strict(data)
    return record


def read_journal(tx: Tx, action: str) -> dict[int, StepStatus]:
    """Return the status of every step that the journal knows."""
    return {s.step: s.status for s in tx.steps(action)}


def decision_view(record: Mapping[str, Json], digest: str, texts: Texts) -> DecisionView:
    """Return a decision record with text for people."""
    # A cap and a rule may say the same, in the same words.
    findings = list(dict.fromkeys(_finding(f, texts) for f in (*record["findings"], *record["caps"])))
    if not {f.code for f in findings} & {*record["because"]}:  # nothing permitted is the absence of a finding
        findings += [_finding({"code": c, "args": {}, "limit": record["verdict"]}, texts) for c in record["because"]]
    return DecisionView(
        verdict=record["verdict"],
        findings=tuple(findings),
        revision=str(record["revision"]),
        digest=digest,
        approvals=record["requirements"]["approvals"],
        obligations=record["requirements"],
    )


def _finding(raw: Mapping[str, Json], texts: Texts) -> FindingView:
    text = texts.of(raw["code"], raw.get("args", {}))
    return FindingView(raw["code"], raw.get("step", -1), raw.get("permit"), raw.get("limit"), text.message, text.remedy)


def _steps(proposal: Proposal, journal: Mapping[int, str]) -> tuple[StepView, ...]:
    return tuple(
        StepView(s["digest"], canonical(s["step"]), tuple(s["effects"]), s["undo"], journal.get(s["i"], "pending"))
        for s in proposal.steps
    )


def _outputs(world: World, tx: Tx, row: ActionRow, proposal: Proposal) -> tuple[OutputView, ...]:
    """Return what each step printed, and below it what became of the step where people have to know more."""
    outputs = []
    for step in proposal.steps:
        sealed, more = open_sealed(world, tx, row.id, f"output/{step['i']}"), told(world, tx, row.id, step["i"])
        if sealed is None and not more:
            continue
        doc: Json = {"data": "", "truncated": False} if sealed is None else loads_strict(sealed)
        text = f"{doc['data'].rstrip()}\n{more}\n".lstrip() if more else doc["data"]
        outputs.append(OutputView(step["i"], text.encode(), doc["truncated"]))
    return tuple(outputs)


def _newest_receipt(tx: Tx, row: ActionRow) -> bytes:
    index = tx.leaf_of(row.id, LeafKind.RECEIPT.value)
    if index is None:
        return b""
    [(_, data)] = tx.leaves(index, 1)
    return tx.document(row.id, f"receipt/{read_leaf(data).version}") or b""
