"""A change over a lease: its way back, taken over by the gateway, makes the object what it was before the lease."""

import copy

import jsonpatch

from gateway.core.canonical import Json
from gateway.core.snapshot import inherit, restored_by
from gateway.core.undo import Way
from gateway.executor.targets.kubernetes.calls import Ref
from gateway.executor.targets.kubernetes.difference import difference
from gateway.executor.targets.kubernetes.restore import inverse
from gateway.executor.targets.kubernetes.snapshots import Entry, entries_of, snapshot_of

UID = "u-1"
REF = Ref("/apis/apps/v1/namespaces/shop/deployments", "web", "shop")


def deployment(replicas: int, env: list[Json] | None = None) -> Json:
    container: Json = {"name": "web", "image": "web:1"} | ({} if env is None else {"env": env})
    return {"metadata": {"uid": UID, "name": "web"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [container]}}}}  # fmt: skip


def observed(now: Json, then: Json) -> Json:
    return snapshot_of([Entry(REF, UID, difference(now, then))])


def taken_back(first: Json, leased: Json, second: Json) -> Json:
    """Return the object after the undo of a change from `leased` to `second`, where `first` was before the lease."""
    mine, theirs = observed(leased, second), observed(first, leased)
    assert restored_by(theirs).keys() <= restored_by(mine).keys()
    way = inherit(mine, theirs)
    assert way is not None
    [entry] = entries_of(way)
    back = inverse(entry.change, copy.deepcopy(second), UID)
    assert back.way is Way.RESTORE
    return jsonpatch.apply_patch(second, list(back.patch))


def test_a_scaled_deployment_is_scaled_as_before_the_lease() -> None:
    assert taken_back(deployment(2), deployment(4), deployment(9)) == deployment(2)


def test_a_variable_that_the_lease_had_set_has_its_old_value() -> None:
    old, leased, second = ([{"name": "POOL", "value": v}] for v in ("1", "5", "9"))
    assert taken_back(deployment(2, old), deployment(2, leased), deployment(2, second)) == deployment(2, old)


def test_a_field_that_only_the_second_change_touched_goes_back_to_what_it_was_for_it() -> None:
    old, leased, second = ([{"name": "POOL", "value": v}] for v in ("1", "5", "9"))
    assert taken_back(deployment(2, old), deployment(2, leased), deployment(7, second)) == deployment(2, old)


def test_another_element_of_a_list_does_not_cover_the_one_that_a_lease_added() -> None:
    leased, second = ([{"name": n, "value": "1"}] for n in ("A", "B"))
    first = deployment(2)
    both = deployment(2, [*leased, *second])
    assert (
        not restored_by(observed(first, deployment(2, leased))).keys()
        <= restored_by(observed(deployment(2, leased), both)).keys()
    )  # another element: the lease is not overwritten, so it is not superseded


def test_a_part_of_what_a_lease_added_does_not_cover_it() -> None:
    leased, second = ([{"name": "POOL", "value": v}] for v in ("5", "9"))
    lease = restored_by(observed(deployment(2), deployment(2, leased)))
    assert not lease.keys() <= restored_by(observed(deployment(2, leased), deployment(2, second))).keys()
