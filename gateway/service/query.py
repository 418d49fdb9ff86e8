"""The read side: rows and documents to views."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.canonical import Json, canonical, loads_strict
from gateway.core.kinds import LeafKind
from gateway.core.receipt import StepStatus
from gateway.errors import Edited, StoreFault
from gateway.ports import ActionRow, Tx
from gateway.service.edited import leaf_edited, must_be_recorded, read_stored, stored_leaf
from gateway.service.progress import told
from gateway.service.proposal import Proposal
from gateway.service.recorded import in_log
from gateway.service.render import render
from gateway.service.sealed import open_sealed
from gateway.service.texts import Texts
from gateway.service.views import ActionView, DecisionView, FindingView, OutputView, StepView
from gateway.service.waiting import ABSENT, waits_in_vain
from gateway.service.world import World

_NOT_SHOWN = "UNSPECIFIED"


def action_view(world: World, tx: Tx, row: ActionRow) -> ActionView:
    """Return an action as it stands; raises Edited when it is not as it was recorded."""
    must_be_recorded(world, tx, row)
    proposal = read_proposal(tx, row)
    record = decision_record(tx, row) if row.decision_digest else None
    return compose(
        row.changed(reason=ABSENT) if waits_in_vain(world, row) else row,
        proposal,
        None if record is None else decision_view(record, row.decision_digest, world.texts()),
        journal=read_journal(tx, row.id),
        receipt=_newest_receipt(world, tx, row),
        outputs=_outputs(world, tx, row, proposal, record),
    )


def listed_view(world: World, tx: Tx, row: ActionRow) -> ActionView:
    """Return an action for a list; one that was edited is there, without contents, and its reason says what it is."""
    try:
        return action_view(world, tx, row)
    except (Edited, StoreFault) as exc:
        return edited_view(row, exc)


def is_edited(view: ActionView) -> bool:
    """Tell whether a view only says that its action is not as it was recorded."""
    return view.state == _NOT_SHOWN


def edited_view(row: ActionRow, why: Edited | StoreFault) -> ActionView:
    """Return what is shown of an action that is not as it was recorded: that it is there, and the reason."""
    return ActionView(
        id=row.id, state=_NOT_SHOWN, version=row.version, plan_digest="", steps=(), decision=None,
        created_ms=row.created_ms, updated_ms=row.updated_ms, agent=row.agent, incident="", reason=why.code,
        receipt=b"", outputs=(), lease_end_ms=0, rendering="", justification="", state_digest="",
    )  # fmt: skip


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
    """Return the proposal document of an action; raises Edited when it is not the one that the row names."""
    proposal = read_stored("PROPOSAL_EDITED", row.id, tx.document(row.id, "proposal"), "", Proposal.read)
    if proposal.digest != row.doc_digest:
        raise Edited("PROPOSAL_EDITED", "the stored proposal of the action is not the one that was recorded")
    return proposal


def decision_record(tx: Tx, row: ActionRow) -> Mapping[str, Json]:
    """Return the record of the decision in force; raises Edited when it is not the one that the row names."""
    data = tx.document(row.id, f"decision/{row.decision_digest}")
    return read_stored("DECISION_EDITED", row.id, data, row.decision_digest, loads_strict)


def trials(record: Mapping[str, Json]) -> list[Json]:
    """Return what was tried of each step before a decision: what would change, of which objects, and its way back."""
    return [_trial(each) for each in record["input"]["steps"] if "preflight" in each]


def _trial(step: Mapping[str, Json]) -> dict[str, Json]:
    tried = {name: value for name, value in step["preflight"].items() if name != "state_digest"}
    objects = [fact["target"] for fact in step["facts"]]
    return {"step": step["i"], "undo": step["undo"]["class"], "objects": objects, **tried}


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


def _outputs(
    world: World, tx: Tx, row: ActionRow, proposal: Proposal, record: Mapping[str, Json] | None
) -> tuple[OutputView, ...]:
    """Return what each step printed, and below it what became of the step where people have to know more."""
    outputs = []
    for step in proposal.steps:
        sealed = open_sealed(world, tx, row.id, f"output/{step['i']}")
        more = told(world, tx, row.id, step["i"]) or _refused_trial(record, step["i"])
        if sealed is None and not more:
            continue
        doc: Json = {"data": "", "truncated": False} if sealed is None else loads_strict(sealed)
        text = f"{doc['data'].rstrip()}\n{more}\n".lstrip() if more else doc["data"]
        outputs.append(OutputView(step["i"], text.encode(), doc["truncated"]))
    return tuple(outputs)


def _refused_trial(record: Mapping[str, Json] | None, step: int) -> str:
    """Return what the target said to the trial run of a step that it refused; empty where it took it."""
    facts: Json = () if record is None else record["input"]["steps"][step]["facts"]
    values = (fact.get("value", {}) for fact in facts)
    said = next((value["dry_run"] for value in values if "dry_run" in value), None)
    return "" if said is None else f"refused by a trial run: {said['code']}: {said['message']}"


def _newest_receipt(world: World, tx: Tx, row: ActionRow) -> bytes:
    index = tx.leaf_of(row.id, LeafKind.RECEIPT.value)
    if index is None:
        return b""
    [(_, data)] = tx.leaves(index, 1)
    leaf = stored_leaf(row.id, index, data)
    if not in_log(world, tx, index, data):
        leaf_edited(index)
    receipt = tx.document(row.id, f"receipt/{leaf.version}")
    return read_stored("RECEIPT_EDITED", row.id, receipt, str(leaf.body.get("envelope", "")), bytes)
