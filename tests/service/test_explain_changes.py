"""What a check supposes that a Kubernetes step would change, in the paths of a dry run."""

from typing import Any

import pytest

from gateway.service.explain_changes import supposed_changes

IN = "/spec/template/spec/containers"


@pytest.mark.parametrize(
    ("operation", "params", "changes"),
    [
        ("deployments.scale", {"replicas": 3}, {"/spec/replicas": 3}),
        ("nodes.label", {"labels": {"a.b/c": "x"}}, {"/metadata/labels/a.b~1c": "x"}),
        ("pods.annotate", {"annotations": {"note": None}}, {"/metadata/annotations/note": None}),
        ("deployments.set_image", {"images": {"web": "r/w:1"}}, {f"{IN}[name=web]/image": "r/w:1"}),
        (
            "deployments.set_resources",
            {"limits": {"cpu": "1"}, "requests": {"memory": "1Gi"}, "containers": ["web"]},
            {f"{IN}[name=web]/resources/limits/cpu": "1", f"{IN}[name=web]/resources/requests/memory": "1Gi"},
        ),
        ("deployments.set_env", {"env": {"A": "b", "C": None}}, {f"{IN}[name=*]/env[name=A]/value": "b",
                                                                f"{IN}[name=*]/env[name=C]/value": None}),
        (
            "deployments.patch",
            {"patch": {"spec": {"paused": True, "template": {"spec": {"containers": [{"name": "web", "image": "x"}]}}}}
            },
            {f"{IN}[name=web]/image": "x", "/spec/paused": True},
        ),
        (
            "services.patch",
            {"patch": [{"op": "test", "path": "/a", "value": 1}, {"op": "replace", "path": "/a", "value": {"b": [1]}},
                       {"op": "remove", "path": "/c/0"}]},
            {"/a/b": [1], "/c/0": None},
        ),
        ("configmaps.create", {"object": {"data": {"k": "v"}}}, {"/data/k": "v"}),
        ("nodes.cordon", {}, {}),
    ],
)  # fmt: skip
def test_params_name_the_fields_that_change(operation: str, params: Any, changes: dict[str, Any]) -> None:
    found = supposed_changes({"operation": operation, "params": params})
    assert {each["path"]: each["to"] for each in found} == changes
    assert all(each["from"] is None for each in found)
