"""Who owns a target in code, and the text that asks the owner to take a change over."""

import pytest

from gateway.core.canonical import Json
from gateway.core.drift import CodeOwner, Drift, changed_fields, code_owner, proposal

OWNER = CodeOwner("argo", "web", "apps/web.yaml", "team-web")


def fact(iac: Json, status: str = "known", **value: Json) -> dict[str, Json]:
    return {"target": "t", "status": status, "value": {"exists": True, "iac": iac, **value}}


@pytest.mark.parametrize(
    ("iac", "owner"),
    [
        ({"manager": "argo", "name": "web", "path": "apps/web.yaml"}, OWNER),
        ({"tool": "argocd", "ref": "deploy//web"}, CodeOwner("argocd", "deploy//web", "deploy//web", "team-web")),
        ({"manager": "helm", "tool": "helm", "name": "web", "by": "labels"}, CodeOwner("helm", "web", "", "team-web")),
        ({"manager": "none"}, None),
        ({"manager": ""}, None),
        ({"manager": 7}, None),
        (None, None),
        ("argo", None),
    ],
)  # fmt: skip
def test_the_owner_is_what_a_known_fact_says(iac: Json, owner: CodeOwner | None) -> None:
    assert code_owner([fact(iac, owner="team-web")]) == owner


def test_what_is_not_known_owns_nothing() -> None:
    assert code_owner([fact({"manager": "argo"}, "stale"), {"target": "t", "status": "unknown"}]) is None
    assert code_owner([]) is None


def test_the_first_known_owner_of_several_objects_counts() -> None:
    assert code_owner([fact({"manager": "none"}), fact({"manager": "flux"})]) == CodeOwner("flux", "", "", "")


def test_a_field_that_stays_as_it_is_is_no_change() -> None:
    changes = [{"path": "/a", "from": 1, "to": 2}, {"path": "/b", "from": 1, "to": 1}, {"path": "/c", "to": "x"}]
    assert changed_fields({"changes": changes}) == [("/a", 1, 2), ("/c", None, "x")]
    assert changed_fields({"status": "failed"}) == []


def test_the_proposal_names_file_field_and_value() -> None:
    drift = Drift("act_1", "k8s:prod/web", "/spec/replicas", 2, 3, OWNER, 1_764_000_000_000, 1_764_604_800_000)
    assert proposal(drift) == (
        "Set /spec/replicas of k8s:prod/web to 3\n\n"
        "File:  apps/web.yaml\nField: /spec/replicas\nValue: 3\nWas:   2\n\n"
        "Action act_1 changed this field on 2025-11-24 16:00 UTC, outside argo web.\n"
        "Merge this to keep the change; without it the change is to be taken back by 2025-12-01 16:00 UTC.\n"
    )


def test_what_is_not_known_is_said_so() -> None:
    text = proposal(Drift("act_1", "t", "/a", None, {"b": [1]}, CodeOwner("helm", "", "", ""), 0, 0))
    assert "File:  (the file that defines it)" in text
    assert "Was:   (not set)" in text
    assert 'Value: {"b":[1]}' in text
