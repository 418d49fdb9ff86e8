"""What others wrote to an object that we made, from its managed fields."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.executor.targets.kubernetes.calls import Ref
from gateway.executor.targets.kubernetes.edits import edits, leaves, told
from gateway.executor.targets.kubernetes.paths import render
from gateway.executor.targets.kubernetes.snapshots import Entry

ENTRY = Entry(Ref("/api/v1/namespaces/n/configmaps", "c", "n"), "")
SENT: dict[str, Any] = {
    "metadata": {"name": "c"},
    "data": {"a": "b"},
    "spec": {"ports": [{"port": 80, "targetPort": 8080}], "paused": False},
}


def owned(manager: str, fields: Any, subresource: str = "") -> dict[str, Any]:
    entry = {"manager": manager, "operation": "Update", "time": "2026-11-24T10:00:00Z", "fieldsV1": fields}
    return entry | ({"subresource": subresource} if subresource else {})


def live(*others: dict[str, Any], **more: Any) -> dict[str, Any]:
    mine = owned("countermand", {"f:data": {"f:a": {}}})
    return {**SENT, **more, "metadata": {"name": "c", "uid": "u", "managedFields": [mine, *others]}}


def found(document: Any, entry: Entry = ENTRY) -> list[tuple[str, str, bool]]:
    all_of_it = edits(entry, SENT, document)
    assert all_of_it is not None
    return [(each.path, each.by, each.ours) for each in all_of_it]


def test_an_object_that_nobody_else_wrote_has_no_edits() -> None:
    assert found(live()) == []


def test_an_object_that_does_not_say_who_wrote_it_cannot_be_judged() -> None:
    assert edits(ENTRY, SENT, {**SENT, "metadata": {"name": "c"}}) is None
    assert edits(ENTRY, SENT, {**SENT, "metadata": {"managedFields": [owned("kubectl", {"f:data": {}})]}}) is None


def test_a_field_that_we_set_is_ours_and_another_is_not() -> None:
    document = live(owned("kubectl-edit", {"f:data": {"f:a": {}, "f:new": {}}}), data={"a": "theirs", "new": "1"})
    assert found(document) == [("/data/a", "kubectl-edit", True), ("/data/new", "kubectl-edit", False)]


def test_status_and_the_clusters_own_controllers_are_no_edits() -> None:
    status = owned("somebody", {"f:status": {"f:x": {}}}, "status")
    scaled = owned("kube-controller-manager", {"f:spec": {"f:replicas": {}}}, "scale")
    assert found(live(status, scaled)) == []


def test_what_another_action_wrote_under_the_same_manager_is_an_edit_and_what_the_server_filled_in_is_not() -> None:
    fields = {"f:metadata": {"f:labels": {"f:team": {}}}, "f:data": {"f:a": {}, "f:filled": {}}}
    document = live(owned("countermand", fields), data={"a": "other", "filled": "in"})
    document["metadata"] |= {"labels": {"team": "shop"}, "creationTimestamp": "2026-11-24T09:00:00Z"}
    assert found(document) == [("/data/a", "countermand", True), ("/metadata/labels/team", "countermand", False)]
    document["metadata"]["creationTimestamp"] = "2026-11-24T10:00:00Z"  # then it is the making itself
    assert found(document) == []


def test_a_field_of_ours_that_is_gone_is_an_edit_though_nobody_owns_it_now() -> None:
    assert found(live(data={"z": "1"})) == [("/data/a", "", True)]


def test_what_the_server_drops_because_it_is_empty_is_no_edit() -> None:
    spec = {"ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}]}
    assert found(live(spec=spec)) == []


def test_an_element_of_a_list_is_found_by_the_keys_that_we_gave() -> None:
    key = 'k:{"port":80,"protocol":"TCP"}'
    spec = {"ports": [{"port": 80, "protocol": "TCP", "targetPort": 9}, {"port": 81, "protocol": "TCP"}]}
    theirs = owned("kubectl", {"f:spec": {"f:ports": {key: {"f:targetPort": {}}}}})
    assert found(live(theirs, spec=spec)) == [("/spec/ports[port=80,protocol=TCP]/targetPort", "kubectl", True)]
    new = owned("kubectl", {"f:spec": {"f:ports": {'k:{"port":81,"protocol":"TCP"}': {".": {}, "f:port": {}}}}})
    assert found(live(new, spec=spec))[0][2] is False


def test_a_finalizer_and_an_owner_tie_the_object() -> None:
    theirs = owned("operator", {"f:metadata": {"f:finalizers": {".": {}, 'v:"keep"': {}}}})
    document = live(theirs)
    document["metadata"]["finalizers"] = ["keep"]
    assert found(document) == [("/metadata/finalizers", "operator", True)]


def test_code_that_took_the_object_over_wins() -> None:
    document = live(owned("kubectl", {"f:metadata": {"f:labels": {"f:app.kubernetes.io/managed-by": {}}}}))
    document["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "Helm"}
    assert ("/metadata", "helm Helm", True) in found(document)


def test_a_value_that_may_not_be_told_wins_and_is_not_told() -> None:
    theirs = owned("kubectl", {"f:data": {"f:new": {}}})
    made = edits(Entry(ENTRY.ref, "", secret=True), SENT, live(theirs, data={"a": "b", "new": "aHVudGVy"}))
    assert made is not None
    assert [(each.path, each.ours, each.now) for each in made] == [("/data/new", True, "(secret)")]


def test_who_wrote_what_is_said_in_one_line() -> None:
    document = live(owned("kubectl", {"f:data": {"f:x": {}, "f:y": {}}}), data={"a": "b", "x": "1", "y": "2"})
    made = edits(ENTRY, SENT, document)
    assert made is not None
    assert told(ENTRY, made) == "n/c: kubectl wrote /data/x, /data/y"


NAMES = st.text("abc./-", min_size=1, max_size=5)
FIELDS = st.recursive(
    st.just({}),
    lambda below: st.dictionaries(
        st.one_of(NAMES.map("f:{}".format), st.just("."), st.just('v:"x"'), st.just('k:{"name":"n"}'), st.just("i:0")),
        below, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(FIELDS)
def test_every_path_of_managed_fields_is_told_once(fields: Any) -> None:
    names = [render(path) for path in leaves(fields)]
    assert len(set(names)) == len(names)
    assert all(name.startswith(("/", "[")) for name in names)
