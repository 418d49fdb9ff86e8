"""Who owns a target in code, and the text that asks the owner to take a change over."""

import pytest

from gateway.core.canonical import Json
from gateway.core.drift import CodeOwner, Drift, Drifting, changed_fields, code_owner, drifting, proposal

OWNER = CodeOwner("argo", "web", "apps/web.yaml", "team-web")


def fact(iac: Json, status: str = "known", **value: Json) -> dict[str, Json]:
    return {"target": "t", "status": status, "value": {"exists": True, "iac": iac, **value}}


@pytest.mark.parametrize(
    ("iac", "owner"),
    [
        ({"manager": "argo", "name": "web", "path": "apps/web.yaml"}, OWNER),
        ({"manager": "argo", "name": "web", "ref": "web"}, CodeOwner("argo", "web", "", "team-web")),
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


def several(*managers: str) -> tuple[dict[str, Json], list[dict[str, Json]]]:
    """Return what was seen of a step over objects n/0, n/1, …, each with its own owner in code, and the objects."""
    facts = [
        {
            "target": f"k8s:c/n/deployments.apps/{i}",
            "status": "known",
            "value": {"iac": {"manager": m, "name": f"app{i}"}},
        }
        for i, m in enumerate(managers)
    ]
    changes = [{"path": f"n/{i}:/spec/replicas", "from": 1, "to": 2} for i in range(len(managers))]
    objects = [{"ref": {"namespace": "n", "name": str(i)}} for i in range(len(managers))]
    return {"facts": facts, "preflight": {"changes": changes}}, objects


def shown(found: list[Drifting]) -> list[tuple[str, str, str]]:
    return [(one.target, one.path, one.owner.name) for one in found]


def test_each_of_several_objects_drifts_from_its_own_owner_and_only_where_it_has_one() -> None:
    seen, objects = several("argo", "none", "flux")
    assert shown(drifting("k8s:c/n/deployments.apps/*", seen, objects)) == [
        ("k8s:c/n/deployments.apps/0", "/spec/replicas", "app0"),
        ("k8s:c/n/deployments.apps/2", "/spec/replicas", "app2"),
    ]


def test_an_object_that_was_not_written_drifts_from_nothing() -> None:
    seen, objects = several("argo", "argo", "argo")
    found = drifting("k8s:c/n/deployments.apps/*", seen, objects, ["applied", "not_applied", "unknown"])
    assert [one.target[-1] for one in found] == ["0", "2"]


def test_one_object_is_named_as_itself_although_a_selector_chose_it() -> None:
    seen, objects = several("argo")
    seen["preflight"] = {"changes": [{"path": "/spec/replicas", "from": 1, "to": 2}]}
    assert shown(drifting("k8s:c/n/deployments.apps/*", seen, objects)) == [
        ("k8s:c/n/deployments.apps/0", "/spec/replicas", "app0")
    ]
