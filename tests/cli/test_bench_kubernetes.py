"""The benchmark of reads runs on a real cluster, and its figures add up; what they are is not judged here."""

import pytest

from gateway.cli.bench.kubernetes import VARIANTS, Row, table
from tests.cli.call import call
from tests.fixtures_k8s import Cluster


@pytest.mark.alone
def test_governed_reads_are_measured_beside_kubectl_and_a_client(cluster: Cluster) -> None:
    called = call("bench", "kubernetes", "--quick", "--json", "--cluster", str(cluster.plane.layout.root))
    assert called.code == 0, called.err
    assert called.json["schema"] == "countermand.bench-kubernetes/1"
    assert [row["objects"] for row in called.json["rows"]] == [1, 100]
    for row in called.json["rows"]:
        assert set(row["ms"]) == set(VARIANTS)
        assert min(row["ms"].values()) > 0
        assert row["to_kubectl"] == pytest.approx(row["ms"]["governed"] / row["ms"]["kubectl"])


def test_the_table_has_a_line_for_each_size() -> None:
    row = Row(100, dict(zip(VARIANTS, (60.0, 20.0, 5.0, 30.0), strict=True)))
    head, line = table([row]).splitlines()
    assert head.split()[:2] == ["objects", "kubectl"]
    assert line.split() == ["100", "60.0", "20.0", "5.0", "30.0", "0.50x", "1.50x"]
