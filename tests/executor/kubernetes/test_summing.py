"""From what became of each object to what is said of the step; no cluster is needed for that."""

from gateway.executor.targets.kubernetes.calls import Ref
from gateway.executor.targets.kubernetes.snapshots import Entry
from gateway.executor.targets.kubernetes.summing import looked, undone
from gateway.executor.targets.kubernetes.writing import Restored, Written

ENTRIES = [Entry(Ref("/apis/apps/v1/namespaces/shop/deployments", name, "shop"), name) for name in ("a", "b", "c")]


def test_every_object_that_is_not_taken_back_is_named_also_beside_a_conflict() -> None:
    failed = Restored("retry", "K8S_UNAVAILABLE", "the server is not ready")
    edited = Restored("conflict", "STATE_CHANGED", f"{ENTRIES[2].ref.label} was edited since: /spec/replicas")
    found = undone(ENTRIES, [Restored("undone"), failed, edited])
    assert (found.status, found.code) == ("conflict", "STATE_CHANGED")
    assert found.detail == f"{ENTRIES[1].ref.label}: the server is not ready; {edited.detail}"


def test_what_could_not_be_taken_back_yet_is_tried_again() -> None:
    found = undone(ENTRIES, [Restored("undone"), Restored("retry", "K8S_CONFLICT"), Restored("undone")])
    assert (found.status, found.code, found.detail) == (
        "retry",
        "K8S_CONFLICT",
        f"{ENTRIES[1].ref.label}: K8S_CONFLICT",
    )


def test_a_probe_that_could_not_read_an_object_tells_no_fields() -> None:
    unread = Written("unknown", "K8S_SERVER_FAULT", "500: leader changed")
    assert looked(ENTRIES[:1], [unread]).after is None
    assert looked(ENTRIES[:2], [Written("not_applied", now={}), unread]).after is None
    assert looked(ENTRIES[:2], [Written("applied", now={}), unread]).after is not None
