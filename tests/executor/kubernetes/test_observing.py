"""What a trial run tells of each field."""

from typing import Any

from gateway.executor.targets.kubernetes.calls import Ref
from gateway.executor.targets.kubernetes.difference import difference
from gateway.executor.targets.kubernetes.observing import changes_of
from gateway.executor.targets.kubernetes.snapshots import Entry

REF = Ref("/apis/apps/v1/namespaces/a/deployments", "web", "a")


def changed(before: Any, after: Any) -> list[dict[str, Any]]:
    return changes_of([Entry(REF, "u", difference(before, after))])


def test_a_scale_to_nothing_is_told_as_zero_although_the_server_leaves_it_out() -> None:
    assert changed({"spec": {"replicas": 2}}, {"spec": {}}) == [{"path": "/spec/replicas", "from": 2, "to": 0}]
    assert changed({"spec": {}}, {"spec": {"replicas": 2}}) == [{"path": "/spec/replicas", "from": 0, "to": 2}]


def test_a_field_that_is_not_there_is_told_as_null() -> None:
    assert changed({}, {"paused": True}) == [{"path": "/paused", "from": None, "to": True}]
