"""Field differences and the way back, on arbitrary objects and on those that have gone wrong elsewhere."""

import copy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.undo import Way
from gateway.executor.targets.kubernetes.difference import Difference, difference
from gateway.executor.targets.kubernetes.paths import ABSENT, Element, find, read, render
from gateway.executor.targets.kubernetes.restore import compared, fields_of, inverse, patch, restored

NAMES = st.sampled_from(["a", "b", "c", "name", "env", "containers", "ports", "x/y", "t~e", "k=v", "p[q]", "m,n"])
SCALARS = st.one_of(st.booleans(), st.integers(-5, 5), st.text(max_size=3))
KEYED = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["web", "log", "db/x", "a=b"])}, optional={"v": SCALARS}),
    max_size=4,
    unique_by=lambda item: item["name"],
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.dictionaries(NAMES, inner, max_size=4), st.lists(inner, max_size=3), KEYED),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=5)


def deployment(**spec: Any) -> dict[str, Any]:
    container = {"name": "web", "image": "web:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    return {
        "metadata": {"name": "web", "uid": "u1", "resourceVersion": "7", "generation": 1},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}} | spec,
        "status": {"readyReplicas": 2},
    }


def applied(document: Any, operations: Any) -> Any:
    """Apply a patch as the API server does: a test against null passes where nothing is."""
    for operation in operations:
        if operation["op"] == "test" and operation["value"] is None:
            with pytest.raises((jsonpatch.JsonPatchException, jsonpatch.JsonPointerException)):
                jsonpatch.apply_patch(document, [operation])
        else:
            document = jsonpatch.apply_patch(document, [operation])
    return document


@given(OBJECTS, OBJECTS)
def test_what_was_changed_is_restored_whatever_the_objects_are(before: Any, after: Any) -> None:
    done = difference(before, after, ignored=())
    assert restored(after, done, done.before) == before


@given(OBJECTS, OBJECTS)
def test_the_patch_back_makes_the_old_object_of_the_new_one(before: Any, after: Any) -> None:
    assert applied(after, list(patch(after, before))) == before


@given(OBJECTS, OBJECTS)
def test_a_change_followed_by_its_inverse_is_nothing(before: Any, after: Any) -> None:
    before, after = before | {"metadata": {"uid": "u"}}, after | {"metadata": {"uid": "u"}}
    back = inverse(difference(before, after), after, "u")
    assert back.way is (Way.ALREADY if difference(before, after).before == {} else Way.RESTORE)
    assert applied(after, back.patch) == (before if back.patch else after)


@given(OBJECTS, OBJECTS, st.text(max_size=3))
def test_an_edit_of_another_field_is_kept(before: Any, after: Any, edit: str) -> None:
    done = difference(before, after, ignored=())
    assert restored(after | {"theirs": edit}, done, done.before) == before | {"theirs": edit}


@given(OBJECTS, OBJECTS)
def test_an_object_that_is_back_already_needs_nothing(before: Any, after: Any) -> None:
    assert compared(difference(before, after, ignored=()), before).way is Way.ALREADY


@given(OBJECTS, OBJECTS)
def test_a_difference_survives_its_json(before: Any, after: Any) -> None:
    done = difference(before, after)
    assert Difference.from_json(done.to_json()) == done


@given(st.lists(st.one_of(NAMES, st.builds(lambda v: Element((("name", v),)), NAMES)), max_size=4))
def test_a_path_survives_its_text(path: list[Any]) -> None:
    named = [each for i, each in enumerate(path) if isinstance(each, str) or (i and isinstance(path[i - 1], str))]
    assert read(render(tuple(named))) == tuple(named)


def test_an_element_is_addressed_by_its_name_not_by_its_place() -> None:
    after = copy.deepcopy(deployment())
    after["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2"
    done = difference(deployment(), after)
    assert dict(done.after) == {"/spec/template/spec/containers[name=web]/image": "web:2"}
    after["spec"]["template"]["spec"]["containers"].insert(0, {"name": "sidecar", "image": "s:1"})
    back = inverse(done, after, "u1")
    assert {"op": "test", "path": "/spec/template/spec/containers/1/name", "value": "web"} in back.patch
    result = applied(after, back.patch)
    assert [each["image"] for each in result["spec"]["template"]["spec"]["containers"]] == ["s:1", "web:1"]


def test_what_the_server_manages_is_no_difference() -> None:
    after = deployment() | {"status": {"readyReplicas": 0}}
    after["metadata"] |= {"resourceVersion": "9", "generation": 2, "managedFields": [{"manager": "x"}]}
    after["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "2"}
    assert dict(difference(deployment(), after).before) == {}


def test_a_removed_variable_comes_back_in_its_old_place_beside_one_that_was_added_since() -> None:
    after = copy.deepcopy(deployment())
    env = after["spec"]["template"]["spec"]["containers"][0]["env"]
    del env[0]
    done = difference(deployment(), after)
    env.append({"name": "C", "value": "3"})
    result = applied(after, inverse(done, after, "u1").patch)
    names = [each["name"] for each in result["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert names == ["A", "B", "C"]


def test_labels_that_were_not_there_are_gone_again_but_not_those_of_others() -> None:
    after = copy.deepcopy(deployment())
    after["metadata"]["labels"] = {"team": "x"}
    done = difference(deployment(), after)
    assert done.made == ("/metadata/labels",)
    assert "labels" not in applied(after, inverse(done, after, "u1").patch)["metadata"]
    after["metadata"]["labels"]["theirs"] = "y"
    assert applied(after, inverse(done, after, "u1").patch)["metadata"]["labels"] == {"theirs": "y"}


def test_an_edit_of_our_field_is_a_conflict_and_nothing_is_written() -> None:
    done = difference(deployment(), deployment(replicas=5))
    back = inverse(done, deployment(replicas=9), "u1")
    assert (back.way, back.edited, back.patch) == (Way.CONFLICT, ("/spec/replicas",), ())
    assert back.now == {"/spec/replicas": 9}


def test_a_container_that_is_gone_is_a_conflict_even_where_a_field_was_removed() -> None:
    before = copy.deepcopy(deployment())
    before["spec"]["template"]["spec"]["containers"][0]["command"] = ["run"]
    done = difference(before, deployment())
    gone = deployment(template={"spec": {"containers": []}})
    assert compared(done, gone).way is Way.CONFLICT


def test_null_is_as_good_as_absent() -> None:
    assert find({"spec": {"paused": None}}, read("/spec/paused")) is ABSENT
    assert fields_of({"spec": None}, ("/spec/paused",)) == {"/spec/paused": None}


def test_ports_of_a_container_and_of_a_service_are_named_by_their_numbers() -> None:
    before = {"spec": {"ports": [{"port": 80, "targetPort": 1}, {"port": 81, "targetPort": 2}]}}
    after = {"spec": {"ports": [{"port": 80, "targetPort": 9}, {"port": 81, "targetPort": 2}]}}
    assert dict(difference(before, after).after) == {"/spec/ports[port=80]/targetPort": 9}
