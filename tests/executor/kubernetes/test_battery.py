"""The battery: do, verification fails, taken back, the object is as it was; and again with a person in between."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.executor.config_kubernetes import KubernetesScope
from gateway.executor.targets.kubernetes.difference import difference
from gateway.executor.targets.kubernetes.paths import ABSENT, find, read
from tests.executor.kubernetes.lab import admin_scope, executor_scope, kube_lab
from tests.executor.kubernetes.rows import ROWS, Edit, Row, kept, node, secret
from tests.executor.kubernetes.table import told
from tests.fixtures_k8s import Cluster

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(row: Row, cluster: Cluster, namespace: str) -> Iterator[str]:
    """The object of a row."""
    with kept(row.make, cluster, namespace) as found:
        yield found


def values(document: Any, edit: Edit) -> Any:
    found = find(document, read(edit.path))
    return None if found is ABSENT else found


def scope_of(row: Row, cluster: Cluster, folder: Path) -> KubernetesScope:
    """Return the executor's scope; the shipped roles do not let it near secrets."""
    return admin_scope(cluster, folder) if row.make is secret else executor_scope(cluster, folder)


def command(row: Row, ns: str, path: str) -> str:
    return ("kubectl " if row.make is node else f"kubectl -n {ns} ") + row.command.format(name=path.rpartition("/")[2])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_what_was_done_is_taken_back_and_the_object_is_as_it_was(
    cluster: Cluster, namespace: str, tmp_path: Path, path: str, row: Row
) -> None:
    before = cluster.admin.get(path)
    async with kube_lab(scope_of(row, cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(command(row, namespace, path))
        assert (view.state, view.reason) == ("VERIFYING", "")
        assert lab.decided_on()["undo"]["class"] == row.undo
        changed = difference(before, cluster.admin.get(path)).before
        assert changed, "the change changed nothing"
        view = await lab.harmed(view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")
    left = difference(before, cluster.admin.get(path))
    assert left.before == {}, left
    told(row.name, "undo class", row.undo)
    told(row.name, "taken back", "equal, field by field")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_person_who_edited_the_same_field_wins_and_is_asked(
    cluster: Cluster, namespace: str, tmp_path: Path, path: str, row: Row
) -> None:
    async with kube_lab(scope_of(row, cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(command(row, namespace, path))
        cluster.human.patch(path, row.same.body, row.same.content_type)
        edited = cluster.admin.get(path)
        assert values(edited, row.same) == row.same.value
        view = await lab.harmed(view.id)
        assert view.state == row.same_ends
    assert difference(edited, cluster.admin.get(path)).before == {}
    reason = view.reason if view.state == "NEEDS_HUMAN" else "set back by them"
    told(row.name, "same field edited", f"{view.state} ({reason}), edit intact")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_person_who_edited_another_field_keeps_it_and_the_rest_is_taken_back(
    cluster: Cluster, namespace: str, tmp_path: Path, path: str, row: Row
) -> None:
    before = cluster.admin.get(path)
    async with kube_lab(scope_of(row, cluster, tmp_path), namespace) as lab:
        view = await lab.kubectl(command(row, namespace, path))
        cluster.human.patch(path, row.other.body, row.other.content_type)
        view = await lab.harmed(view.id)
        assert (view.state, view.reason) == ("UNDONE", "VERIFICATION_HARMED")
    after = cluster.admin.get(path)
    assert values(after, row.other) == row.other.value
    left = difference(before, after)
    assert all(row.other.path.startswith(each) for each in left.before), left
    told(row.name, "another field edited", "UNDONE, edit kept")
