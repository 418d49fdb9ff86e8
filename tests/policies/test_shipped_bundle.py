"""The shipped bundle: what it promises to the people who read and edit it."""

import re
import string
import subprocess
from pathlib import Path

import pytest

from gateway.adapters.bundle import read_bundle
from gateway.adapters.policy_checks import check_bundle
from gateway.adapters.policy_document import Documents
from gateway.adapters.policy_regorus import engine_of, units_of
from gateway.adapters.policy_tests import PolicyTest, run_policy_tests
from gateway.core.bundle import Bundle
from gateway.core.bundle_lint import emissions
from gateway.core.canonical import loads_strict, thaw
from gateway.core.finding import fold, parse_findings
from tests.fakes.mini_bundle import POLICIES
from tests.fakes.opa_server import SKIP
from tools.opa import find
from tools.policy_samples import samples

BUNDLE = read_bundle(POLICIES)
TESTS = [
    f"{package}.{name}"
    for text in BUNDLE.tests.values()
    for package in re.findall(r"^package (\S+)", text, re.MULTILINE)
    for name in re.findall(r"^test_\w+", text, re.MULTILINE)
]
"""Every process that collects reads these; only the one whose turn it is runs them."""
CONTRACT = Path(__file__).parent / "contract"


@pytest.fixture(scope="module")
def opa() -> Path:
    binary = find()
    if binary is None:
        pytest.skip(SKIP)
    return binary


@pytest.fixture(scope="module")
def results() -> dict[str, PolicyTest]:
    return {result.name: result for result in run_policy_tests(BUNDLE)}


def test_what_runs_are_all_tests_of_the_bundle(results: dict[str, PolicyTest]) -> None:
    assert sorted(results) == sorted(TESTS)


@pytest.mark.parametrize("name", TESTS)
def test_every_test_of_the_bundle_passes(name: str, results: dict[str, PolicyTest]) -> None:
    result = results[name]
    assert result.outcome == "passed", f"{result.path}:{result.line}: {result.detail}"


def test_every_rule_file_has_tests_beside_it() -> None:
    tested = {unit.source.path for unit in units_of(BUNDLE) if unit.source.path.endswith("_test.rego")}
    wanted = {path.removesuffix(".rego") + "_test.rego" for path in BUNDLE.modules}
    assert wanted <= tested


def test_the_bundle_is_accepted() -> None:
    assert len(check_bundle(BUNDLE)) >= 60


def test_the_samples_are_what_the_cases_say_today() -> None:
    written = {path.name: loads_strict(path.read_bytes()) for path in (POLICIES / "samples").glob("*.json")}
    assert written == {name: thaw(content) for name, content in samples(BUNDLE).items()}


def test_the_samples_describe_the_shipped_config() -> None:
    assert BUNDLE.sample_config == BUNDLE.config


def test_every_code_is_seen_in_a_sample_with_the_verdict_it_implies() -> None:
    for sample in BUNDLE.samples:
        steps = len(sample.input["steps"])
        assert fold(steps, parse_findings(sample.findings, steps)).verdict.word == sample.verdict
        if any(f.get("limit") == "deny" for f in sample.findings):
            assert sample.verdict == "deny", sample.name


def test_messages_and_remedies_can_be_written_for_every_finding() -> None:
    for sample in BUNDLE.samples:
        for finding in sample.findings:
            text = BUNDLE.codes[finding["code"]]
            assert "{" not in text.message.format(**finding["args"]), finding["code"]
            assert "{" not in text.remedy.format(**finding["args"]), finding["code"]


def test_texts_use_no_argument_that_a_finding_lacks() -> None:
    seen = {f["code"] for sample in BUNDLE.samples for f in sample.findings}
    for code in seen:
        fields = {name for _, name, _, _ in string.Formatter().parse(BUNDLE.codes[code].remedy) if name}
        given = [f["args"].keys() for s in BUNDLE.samples for f in s.findings if f["code"] == code]
        assert all(fields <= keys for keys in given), code


def test_every_denial_has_a_remedy() -> None:
    for emission in emissions(units_of(BUNDLE, with_tests=False)):
        if emission.level == "deny":
            assert BUNDLE.codes[emission.code].remedy, emission.code


def test_the_contract_input_gets_the_contract_findings() -> None:
    document = loads_strict((CONTRACT / "input.json").read_bytes())
    expected = loads_strict((CONTRACT / "decision.json").read_bytes())
    documents = Documents(BUNDLE)
    data, steps = documents.encode(document)
    answer = documents.answer(engine_of(BUNDLE).evaluate(data), steps)
    limits = [f for f in answer.findings if "limit" in f]
    codes = {f["code"]: f for f in answer.findings}
    assert limits == []
    assert codes["K8S_SCALE_IN_ENVELOPE"] == next(f for f in expected["findings"] if "IN_ENVELOPE" in f["code"])
    assert codes["K8S_SCALE"]["permit"] == "approve"
    assert expected["obligations"][0] in answer.obligations


def test_opa_accepts_the_folder_as_it_stands(opa: Path) -> None:
    for command in (["check", "--strict", "--bundle"], ["fmt", "--fail", "--list"], ["test", "--bundle"]):
        done = subprocess.run([str(opa), *command, str(POLICIES)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_rules_read_only_members_that_the_input_schema_has(opa: Path) -> None:
    schema = str(POLICIES / "schemas/input.json")
    command = [str(opa), "check", "--strict", "--schema", schema, "--bundle", str(POLICIES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_demo_steps_get_the_verdicts_of_the_case_study() -> None:
    verdicts = {sample.name: sample.verdict for sample in BUNDLE.samples}
    assert {
        "aws throttle": "allow",
        "pg terminate": "approve",
        "k8s delete namespace": "deny",
        "aws delete database": "deny",
        "read": "allow",
    }.items() <= verdicts.items()


def test_ending_sessions_is_approved_by_one_of_the_oncall() -> None:
    sample = next(s for s in BUNDLE.samples if s.name == "pg terminate")
    approvals = [a for o in sample.obligations for a in o.get("approvals", ())]
    assert approvals == [{"group": "sre-oncall", "n": 1}]


def test_bundle_type_is_frozen() -> None:
    assert isinstance(BUNDLE, Bundle)
    with pytest.raises(TypeError):
        BUNDLE.config["x"] = 1  # type: ignore[index]
