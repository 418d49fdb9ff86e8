"""The gateway's own words for a proposal."""

from gateway.service.proposal import Proposal
from gateway.service.render import render
from tests.fixtures_catalog import step


def rendered(command: str) -> str:
    found = step(command)
    parsed = {
        "i": 0, "step": found.step.to_json(), "environment": {"name": "prod"}, "effects": ["write"], "undo": "exact",
    }  # fmt: skip
    return render(Proposal({"steps": [parsed]}, b""))


def test_a_selector_is_said_because_it_chooses_the_objects() -> None:
    assert ' matching "app=web" in prod' in rendered("kubectl -n prod label deployment -l app=web x=1")
    assert "matching" not in rendered("kubectl -n prod label deployment web x=1")
