"""The second demo: a bad release on a real control plane is noticed, undone and proved; each seed tells its own."""

import json
import os
import subprocess
import sys

import pytest

from gateway.cli.demo.controlplane.find import find
from gateway.cli.demo.kubernetes.case import draw

SEED = 20_261_124
with_cluster = pytest.mark.skipif(find() is None, reason="the Kubernetes control plane is not built: make cluster")


@pytest.mark.alone
@pytest.mark.cluster
@pytest.mark.timeout(240)
@with_cluster
def test_a_bad_release_is_noticed_undone_and_proved() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", "kubernetes", "--json"],
        env={**os.environ, "DEMO_SEED": str(SEED)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["failed"] == []
    ends = [(v["verdict"].partition(":")[0], v["outcome"].partition(" ")[0]) for v in result["verdicts"]]
    assert ends == [
        ("approve", "UNDONE"), *[("deny", "never")] * 4, ("approve", "NEEDS_HUMAN"), ("approve", "COMMITTED"),
    ]  # fmt: skip
    assert "VERIFICATION_HARMED" in result["verdicts"][0]["outcome"]
    assert len(result["undone"]) == 1
    case = draw(SEED)
    assert case.image(case.announced) in done.stderr


def test_without_a_control_plane_the_demo_says_how_to_get_one() -> None:
    env = {k: v for k, v in os.environ.items() if k != "KUBEBUILDER_ASSETS"} | {"COUNTERMAND_TOOLS": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", "kubernetes"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "make cluster" in done.stdout


@pytest.mark.parametrize("seed", range(40))
def test_a_seed_tells_one_story_of_two_deployments_and_three_versions(seed: int) -> None:
    case = draw(seed)
    assert case == draw(seed)
    assert case.name != case.neighbour
    assert len({case.running, case.announced, case.mended}) == 3
    assert case.image(case.announced).rpartition(":")[2].startswith("missing")
