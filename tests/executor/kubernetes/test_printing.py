"""Tables, documents and ages as kubectl prints them; tests/oracles compares whole commands with the real one."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.executor.targets.kubernetes.answers import ReadError
from gateway.executor.targets.kubernetes.printing import (
    as_columns,
    as_json,
    as_names,
    as_yaml,
    in_order,
    without_managed_fields,
)
from gateway.executor.targets.kubernetes.rollout_words import progress
from gateway.executor.targets.kubernetes.tables import Columns, aligned, cell, plain, rows_of
from gateway.executor.targets.kubernetes.times import age, human, stamp_text

SECONDS = [
    (-5, "<invalid>"), (0, "0s"), (119, "119s"), (120, "2m"), (208, "3m28s"), (599, "9m59s"), (600, "10m"),
    (10_799, "179m"), (10_800, "3h"), (12_000, "3h20m"), (28_800, "8h"), (172_800, "2d"), (190_000, "2d4h"),
    (691_200, "8d"), (63_072_000, "2y"), (70_000_000, "2y80d"), (300_000_000, "9y"),
]  # fmt: skip
LABELS = {"app": "web", "x/y": "1"}
TABLE = {
    "columnDefinitions": [{"name": "Name"}, {"name": "Ready"}, {"name": "Node", "priority": 1}],
    "rows": [
        {"cells": ["web", True, "a"], "object": {"metadata": {"namespace": "shop", "labels": LABELS}}},
        {"cells": ["db\nx", None, "b"], "object": {"metadata": {"namespace": "shop"}}},
    ],
}  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@pytest.mark.parametrize(("seconds", "text"), SECONDS)
def test_an_age_has_at_most_two_units(seconds: int, text: str) -> None:
    assert human(seconds) == text


def test_an_age_counts_from_the_stamp() -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert age((now - timedelta(seconds=90)).isoformat(), now) == "90s"
    assert age("", now) == "<unknown>"
    assert stamp_text("2026-11-24T10:51:30Z") == "Tue, 24 Nov 2026 10:51:30 +0000"


def test_a_table_hides_what_is_for_the_wide_one_and_what_could_drive_a_terminal() -> None:
    assert rows_of(TABLE, Columns()) == (["NAME", "READY"], [["web", "true"], ["db...", "<none>"]])
    assert rows_of(TABLE, Columns(wide=True))[0] == ["NAME", "READY", "NODE"]
    assert cell("\x1b[2J") == "^[[2J"


def test_a_table_shows_namespace_labels_and_kind_when_asked() -> None:
    columns = Columns(namespace=True, labels=True, label_columns=("x/y",), prefix="pod/")
    assert rows_of(TABLE, columns) == (
        ["NAMESPACE", "NAME", "READY", "Y", "LABELS"],
        [["shop", "pod/web", "true", "1", "app=web,x/y=1"], ["shop", "pod/db...", "<none>", "", "<none>"]],
    )


def test_what_a_server_cannot_print_gets_names_and_ages() -> None:
    made = plain([{"metadata": {"name": "one", "creationTimestamp": "x"}}], lambda _: "5s")
    assert rows_of(made, Columns()) == (["NAME", "AGE"], [["one", "5s"]])


@given(st.lists(st.lists(st.text("ab", max_size=9), min_size=3, max_size=3), min_size=1))
def test_cells_of_a_column_begin_below_each_other(rows: list[list[str]]) -> None:
    lines = aligned(rows)
    widths = [max(6, *(len(row[at]) + 3 for row in rows)) for at in range(2)]
    for row, line in zip(rows, lines, strict=True):
        assert line[: widths[0]].rstrip() == row[0]
        assert line[widths[0] : sum(widths)].rstrip() == row[1]
        assert line[sum(widths) :] == row[2]


@given(JSON)
def test_documents_are_read_back_as_they_are(document: object) -> None:
    assert json.loads(as_json(document)) == document
    if json.dumps(document, ensure_ascii=False).isprintable():
        assert yaml.safe_load(as_yaml(document)) == document


def test_yaml_looks_as_kubectl_writes_it() -> None:
    assert as_yaml({"b": "1", "a": [{"x": "two\nlines\n"}], "t": "2026-11-24T10:51:30Z"}) == (
        'a:\n- x: |\n    two\n    lines\nb: "1"\nt: "2026-11-24T10:51:30Z"\n'
    )


def test_names_carry_the_group() -> None:
    items = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "b"}},
    ]
    assert as_names(items) == "pod/a\ndeployment.apps/b\n"


def test_managed_fields_are_left_out() -> None:
    assert without_managed_fields({"metadata": {"name": "a", "managedFields": []}}) == {"metadata": {"name": "a"}}


def test_an_order_knows_numbers_in_texts_and_what_is_missing() -> None:
    items = [{"n": "web-10"}, {"n": "web-9"}, {}]
    assert in_order(items, ".n") == [{}, {"n": "web-9"}, {"n": "web-10"}]
    with pytest.raises(ReadError, match="no object has the field"):
        in_order(items, ".m")


def test_a_template_that_does_not_fit_is_refused_with_a_remedy() -> None:
    with pytest.raises(ReadError, match="ask for -o json instead"):
        as_columns([{"a": 1}], "A:.a[0]")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({"observedGeneration": 1}, "Waiting for deployment spec update to be observed..."),
        ({"observedGeneration": 2, "updatedReplicas": 1}, "1 out of 2 new replicas have been updated..."),
        ({"observedGeneration": 2, "updatedReplicas": 2, "replicas": 3}, "1 old replicas are pending termination..."),
        ({"observedGeneration": 2, "updatedReplicas": 2, "replicas": 2}, "0 of 2 updated replicas are available..."),
    ],
)
def test_a_rollout_that_goes_on_says_how_far_it_is(status: dict[str, int], text: str) -> None:
    found = progress(
        {"kind": "Deployment", "metadata": {"name": "w", "generation": 2}, "spec": {"replicas": 2}, "status": status}
    )
    assert found.text.endswith(text)
    assert (found.done, found.failed) == (False, False)


def test_a_rollout_past_its_deadline_has_failed() -> None:
    late = {"observedGeneration": 2, "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}
    item = {"kind": "Deployment", "metadata": {"name": "w", "generation": 2}, "spec": {"replicas": 2}, "status": late}
    assert progress(item).failed
    assert progress(item, revision=3).failed


@pytest.mark.parametrize("kind", ["DaemonSet", "StatefulSet"])
def test_a_rollout_on_delete_cannot_be_followed(kind: str) -> None:
    spec = {"updateStrategy": {"type": "OnDelete"}}
    assert progress({"kind": kind, "metadata": {"name": "w"}, "spec": spec}).failed
