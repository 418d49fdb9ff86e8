"""What a snapshot restores, and how one way back takes over another."""

from gateway.core.canonical import Json
from gateway.core.snapshot import inherit, restored_by


def entry(
    before: dict[str, Json], *, uid: str = "u1", name: str = "web", made: tuple[str, ...] = (), **orders: Json
) -> Json:
    after = dict.fromkeys(before, "new")
    change = {"before": before, "after": after, "made": list(made), "orders": orders}
    ref = {"namespace": "shop", "name": name, "collection": "c"}
    return {"ref": ref, "uid": uid, "change": change, "secret": False}


def objects(*entries: Json, **fields: Json) -> dict[str, Json]:
    return {"fields": fields, "objects": list(entries)}


def test_a_flat_snapshot_restores_its_fields() -> None:
    assert restored_by({"limit": 1}) == {"limit": 1}
    assert restored_by({"fields": {"a": 1}, "busy": ""}) == {"a": 1}


def test_objects_restore_what_changed_in_them_secret_or_not() -> None:
    assert restored_by(objects(entry({"/data/token": "s3cret"}))) == {"/data/token": "s3cret"}
    two = objects(entry({"/a": 1}), entry({"/a": 2}, name="api"))
    assert restored_by(two) == {"shop/web:/a": 1, "shop/api:/a": 2}


def test_a_created_object_restores_no_field() -> None:
    assert restored_by(objects(entry({}), exists=False)) == {}


def test_a_flat_way_back_ends_where_the_other_ends() -> None:
    assert inherit({"limit": 5}, {"limit": 0}) == {"limit": 0}
    mine, theirs = {"fields": {"a": 5, "b": 6}, "busy": ""}, {"fields": {"a": 0, "c": 9}, "busy": "x"}
    assert inherit(mine, theirs) == {"fields": {"a": 0, "b": 6}, "busy": ""}


def test_an_objects_way_back_takes_over_what_had_been_made_around_the_fields() -> None:
    mine = objects(entry({"/env[name=A]/value": "1", "/r": 3}), **{"/r": 3})
    theirs = objects(entry({"/env[name=A]/value": None}, made=("/env[name=A]", "/env"), **{"/env": []}))
    taken = inherit(mine, theirs)
    assert taken is not None
    [found] = taken["objects"]
    assert found["change"]["before"] == {"/env[name=A]/value": None, "/r": 3}
    assert found["change"]["after"] == mine["objects"][0]["change"]["after"]
    assert found["change"]["made"] == ["/env[name=A]", "/env"]
    assert found["change"]["orders"] == {"/env": []}
    assert taken["fields"] == {"/r": 3}


def test_another_object_under_the_same_name_hands_nothing_over() -> None:
    assert inherit(objects(entry({"/r": 3})), objects(entry({"/r": 2}, uid="u2"))) is None
    assert inherit(objects(entry({"/r": 3})), objects(entry({"/r": 2}, name="api"))) is None


def test_of_several_objects_or_of_two_forms_nothing_is_handed_over() -> None:
    two = objects(entry({"/a": 1}), entry({"/a": 2}, name="api"))
    assert inherit(two, two) is None
    assert inherit({"limit": 5}, objects(entry({"/r": 2}))) is None
    assert inherit(objects(entry({"/r": 2})), {"limit": 5}) is None
