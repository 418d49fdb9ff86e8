"""The drift ledger as people read it."""

from agent_client import DriftEntry
from gateway.cli.views import drift_row, drift_text

FAR_MS = 32_503_680_000_000


def entry(**changes: object) -> DriftEntry:
    members: dict[str, object] = {
        "id": "dft_1", "action": "act_1", "step": 0, "target": "k8s:prod/web", "path": "/spec/replicas", "before": 2,
        "after": 3, "manager": "argo", "name": "web", "file": "apps/web.yaml", "owner": "team-web", "status": "open",
        "how": "", "by": "", "reference": "", "opened_ms": 0, "due_ms": FAR_MS, "closed_ms": 0, "proposal": "Set it\n",
    }  # fmt: skip
    return DriftEntry(**members | changes)  # type: ignore[arg-type]


def test_a_row_says_how_an_entry_stands_and_who_owns_the_field() -> None:
    assert drift_row(entry())[1:2] + drift_row(entry())[3:] == (
        "open", "argo web", "k8s:prod/web", "/spec/replicas", "2 -> 3",
    )  # fmt: skip
    assert drift_row(entry(due_ms=1))[1] == "overdue"
    assert drift_row(entry(due_ms=1, status="closed", how="reverted"))[1] == "reverted"


def test_an_entry_shows_its_proposal_and_how_it_was_closed() -> None:
    assert drift_text(entry()).endswith("Set it\n")
    closed = drift_text(entry(status="closed", how="proposed", by="alice", reference="pr/7"))
    assert "proposed alice pr/7" in closed
