"""The go.mod that the control plane is built from, and what the build does before it needs Go."""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.demo.controlplane import find as finding
from tools.controlplane import build as building
from tools.controlplane.recipe import PRODUCTS, Product, go_mod

ROOT = Path(__file__).parents[2]
KUBERNETES, ETCD, _ = PRODUCTS
UPSTREAM = """module k8s.io/kubernetes

go 1.25.0

require (
	github.com/google/uuid v1.6.0
	k8s.io/api v0.0.0
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/component-base => ./staging/src/k8s.io/component-base
	example.com/other => example.com/fork v1.0.0
)
"""


def test_every_staging_module_is_replaced_by_its_published_version() -> None:
    lines = go_mod(KUBERNETES, UPSTREAM).splitlines()
    assert "\tk8s.io/api => k8s.io/api v0.35.4" in lines
    assert "\tk8s.io/component-base => k8s.io/component-base v0.35.4" in lines
    assert not [line for line in lines if "example.com" in line]


def test_the_go_version_is_the_module_s_own() -> None:
    text = go_mod(KUBERNETES, UPSTREAM)
    assert "\ngo 1.25.0\n" in text
    assert "\ngodebug default=go1.25\n" in text


def test_a_module_without_staging_has_no_replacements() -> None:
    text = go_mod(ETCD, "module go.etcd.io/etcd/server/v3\n\ngo 1.24.0\n\nreplace go.etcd.io/etcd/api/v3 => ../api\n")
    assert "replace" not in text
    assert "require go.etcd.io/etcd/server/v3 v3.6.5" in text


def test_a_module_that_names_no_go_version_is_refused() -> None:
    with pytest.raises(ValueError, match="names no Go version"):
        go_mod(ETCD, "module go.etcd.io/etcd/server/v3\n")


def test_every_program_has_a_folder_that_its_product_builds() -> None:
    built = {program: product.folder for product in PRODUCTS for program in product.programs}
    assert built == finding.FOLDERS


def test_without_go_the_build_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(building.BuildError, match="Go is not installed"):
        building.build(tmp_path / "cache")


def test_a_whole_cache_is_not_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    for product in PRODUCTS:
        _pretend(product, tmp_path)
    building.build(tmp_path)
    found = finding.find(tmp_path)
    assert found is not None
    assert found["etcd"] == tmp_path / "etcd-3.6.5" / "etcd"


def test_a_cache_that_lacks_one_program_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    for product in PRODUCTS:
        _pretend(product, tmp_path)
    (tmp_path / "kwok-0.7.0" / "kwok").unlink()
    assert finding.find(tmp_path) is None


def test_envtest_s_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for product in PRODUCTS:
        _pretend(product, tmp_path)
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "etcd").touch(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    found = finding.find(tmp_path)
    assert found is not None
    assert found["etcd"] == assets / "etcd"
    assert found["kwok"] == tmp_path / "kwok-0.7.0" / "kwok"


def test_a_second_build_waits_for_the_first_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.touch(0o755)
    env = {"PATH": str(go.parent), "COUNTERMAND_TOOLS": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with (tmp_path / "controlplane.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        argv = [sys.executable, "-m", "tools.controlplane", "build"]
        second = subprocess.Popen(argv, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)
        assert second.stderr is not None
        assert "waiting for it" in second.stderr.readline()
        for product in PRODUCTS:
            _pretend(product, tmp_path)
    with second:
        assert second.wait(20) == 0
        assert second.stderr.read() == ""


def _pretend(product: Product, root: Path) -> None:
    folder = root / product.folder
    folder.mkdir(parents=True)
    for program in product.programs:
        (folder / program).touch(0o755)
