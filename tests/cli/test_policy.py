"""`countermand policy`: what an engineer runs before a bundle is in force."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.call import call
from tests.fakes.mini_bundle import POLICIES

pytestmark = pytest.mark.usefixtures("bundles_checked_once")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copytree(POLICIES, tmp_path / "policies"))


def test_the_shipped_bundle_passes_and_its_revision_is_printed() -> None:
    answer = call("policy", "check", "--json")
    assert answer.code == 0
    assert answer.json["revision"].startswith("sha256:")
    assert answer.json["codes"] > 50


def test_a_bundle_whose_samples_do_not_fire_every_code_is_refused(bundle: Path) -> None:
    (bundle / "samples" / "freeze.json").unlink()
    answer = call("policy", "check", str(bundle))
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("error: POLICY_CANARY_MISSING")
    assert "remedy: " in answer.err


def test_a_rule_that_does_not_parse_is_refused_with_its_place(bundle: Path) -> None:
    (bundle / "countermand" / "rules" / "freeze" / "calendar.rego").write_text("package countermand.rules.freeze\nx {")
    answer = call("policy", "check", str(bundle))
    assert (answer.code, answer.err.startswith("error: POLICY_LINT")) == (1, True)
    assert "calendar.rego" in answer.err


def test_the_tests_of_the_shipped_bundle_pass() -> None:
    answer = call("policy", "test", "--json")
    assert answer.code == 0
    assert len(answer.json) > 50
    assert {r["outcome"] for r in answer.json} == {"passed"}


def test_a_failing_test_ends_with_1_and_is_named(bundle: Path) -> None:
    file = bundle / "countermand" / "rules" / "freeze" / "calendar_test.rego"
    file.write_text(file.read_text() + "\ntest_that_fails if 1 == 2\n")
    answer = call("policy", "test", str(bundle))
    assert answer.code == 1
    assert "test_that_fails failed" in answer.out
    assert answer.err.startswith("error: POLICY_TESTS_FAILED")


def test_a_bundle_without_tests_does_not_pass(bundle: Path) -> None:
    for file in bundle.rglob("*_test.rego"):
        file.unlink()
    assert call("policy", "test", str(bundle)).err.startswith("error: POLICY_TESTS_NONE")


def test_a_sample_is_explained_with_texts_and_files() -> None:
    answer = call("policy", "explain", str(POLICIES / "samples" / "k8s_delete_namespace.json"), "--json")
    assert (answer.code, answer.json["verdict"]) == (0, "deny")
    kept = next(f for f in answer.json["findings"] if f["code"] == "K8S_DELETE_OF_KEPT_KIND")
    assert kept["file"].endswith(".rego")
    assert kept["remedy"]


def test_what_check_explains_can_be_explained_by_the_policy_alone(tmp_path: Path) -> None:
    shown = call("check", "kubectl -n prod get pods", "--explain", "--json")
    sample = tmp_path / "sample.json"
    sample.write_text(json.dumps(shown.json["input"]))
    answer = call("policy", "explain", str(sample))
    assert answer.out.startswith("allow\n")


def test_what_is_no_policy_input_is_refused(tmp_path: Path) -> None:
    sample = tmp_path / "sample.json"
    for text in ("", "[]", "{}", '{"steps": 1}', '{"steps": []}'):
        sample.write_text(text)
        answer = call("policy", "explain", str(sample))
        assert (answer.code, answer.out) == (1, ""), text
        assert answer.err.startswith("error: ")
