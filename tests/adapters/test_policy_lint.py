"""What the lint refuses, on a small bundle with one thing wrong."""

import pytest

from gateway.adapters.policy_checks import check_bundle
from gateway.errors import PolicyRefused
from tests.fakes.mini_bundle import mini_bundle, text_of

WATCH = "countermand/rules/demo/watch.rego"
PERMIT = "countermand/rules/demo/permit.rego"
MAIN = "countermand/main/main.rego"
_WATCH, _PERMIT = text_of(WATCH), text_of(PERMIT)


def _plus(text: str, more: str) -> str:
    return f"{text}\n{more}\n"


CASES = {
    "a call over the network": (WATCH, _plus(_WATCH, "_x if http.send({})"), "function"),
    "the wall clock": (WATCH, _plus(_WATCH, "_x := time.now_ns()"), "function"),
    "chance": (WATCH, _plus(_WATCH, '_x := rand.intn("a", 2)'), "function"),
    "the environment": (WATCH, _plus(_WATCH, "_x := opa.runtime()"), "function"),
    "a pattern": (WATCH, _plus(_WATCH, '_x if regex.match("a", "b")'), "function"),
    "an unknown function": (WATCH, _plus(_WATCH, "_x := startswit(1, 2)"), "function"),
    "a function of no file": (WATCH, _plus(_WATCH, "_x := data.countermand.lib.none.f(1)"), "function"),
    "a recursive function": (WATCH, _plus(_WATCH, "_f(x) := _f(x - 1)"), "recursion"),
    "functions that call each other": (WATCH, _plus(_WATCH, "_f(x) := _g(x)\n\n_g(x) := _f(x)"), "recursion"),
    "a rule of itself": (WATCH, _plus(_WATCH, "_x := _y\n\n_y := _x"), "recursion"),
    "a rule of main": (WATCH, _plus(_WATCH, "_x := data.countermand.main.findings"), "recursion"),
    "a helper in two files": (PERMIT, _plus(_PERMIT, "_h := 1"), "name"),
    "a variable that hides an import": (WATCH, _plus(_WATCH, "_x if some config in input.steps"), "name"),
    "a variable that hides another file's import": (PERMIT, _plus(_PERMIT, "_x if some config in input.steps"), "name"),
    "a variable that hides a rule": (WATCH, _plus(_WATCH, "_x if { findings := 1; findings == 1 }"), "name"),
    "an argument that hides input": (WATCH, _plus(_WATCH, "_f(input) := input.x"), "name"),
    "a unification": (WATCH, _plus(_WATCH, "_x if { y = 1; y == 1 }"), "name"),
    "with": (WATCH, _plus(_WATCH, "_x if findings with input as {}"), "with"),
    "a test among rules": (WATCH, _plus(_WATCH, "test_x if true"), "placement"),
    "a package that is not its folder": (WATCH, _WATCH.replace("rules.demo", "rules.other"), "placement"),
    "a package below a domain": (
        "countermand/rules/demo/deep/x.rego",
        "package countermand.rules.demo.deep\n\nx := 1\n",
        "placement",
    ),
    "findings in a library": (
        "countermand/lib/x.rego",
        "package countermand.lib.x\n\nfindings := {1}\n",
        "placement",
    ),
    "a code that is computed": (WATCH, _WATCH.replace('"code": "DEMO_LIMIT"', '"code": input.code'), "head"),
    "a level that is computed": (WATCH, _WATCH.replace('"limit": "deny"', '"limit": input.limit'), "head"),
    "a limit that allows": (WATCH, _WATCH.replace('"limit": "deny"', '"limit": "allow"'), "head"),
    "a permit and a limit": (WATCH, _WATCH.replace('"limit": "deny"', '"limit": "deny", "permit": "allow"'), "head"),
    "a finding that is a variable": (WATCH, _plus(_WATCH, "findings contains x if some x in input.mine"), "head"),
    "findings that are a value": (WATCH, _plus(_WATCH, "obligations := {1}"), "head"),
    "a code without text": (WATCH, _WATCH.replace("DEMO_DUTY: {", "DEMO_OTHER: {"), "code"),
    "a text without code": (PERMIT, _PERMIT.replace("codes:\n", "codes:\n#     DEMO_MORE: {message: m}\n"), "code"),
    "a limit without remedy": (WATCH, _WATCH.replace(', remedy: "propose another operation"', ""), "code"),
    "a code of another file": (PERMIT, _PERMIT.replace('"code": "DEMO_PERMIT"', '"code": "DEMO_LIMIT"'), "code"),
    "a negated comparison": (WATCH, _plus(_WATCH, "_x if not input.n >= 0"), "negation"),
    "a negated membership": (WATCH, _plus(_WATCH, "_x if not input.n in {1}"), "negation"),
    "a negated call with a path": (WATCH, _plus(_WATCH, "_f(x) if x\n\n_x if not _f(input.n)"), "negation"),
    "text that names the root": (WATCH, _plus(_WATCH, '_x := "data.countermand.rules"'), "literal"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text", "rule"), CASES.values(), ids=CASES.keys())
def test_is_refused(path: str, text: str, rule: str) -> None:
    changes = {path: text}
    if rule == "name" and path == PERMIT and "_h :=" in text:
        changes[WATCH] = _plus(_WATCH, "_h := 2")
    with pytest.raises(PolicyRefused) as refused:
        check_bundle(mini_bundle(changes))
    assert refused.value.code == "POLICY_LINT"
    assert f"[{rule}]" in refused.value.message
    assert path.rsplit("/", maxsplit=1)[-1] in refused.value.message


def test_a_bundle_with_nothing_wrong_names_what_its_canary_must_see() -> None:
    assert check_bundle(mini_bundle()) == {
        ("DEMO_PERMIT", "permit"),
        ("DEMO_LIMIT", "limit"),
        ("DEMO_DUTY", "obligation"),
    }


def test_a_syntax_error_names_its_file_and_line() -> None:
    with pytest.raises(PolicyRefused) as refused:
        check_bundle(mini_bundle({WATCH: _plus(_WATCH, "findings contains {")}))
    assert refused.value.code == "POLICY_LINT"
    assert WATCH in refused.value.message


def test_tests_may_use_with_and_comparisons_under_not() -> None:
    test = "package countermand.rules.demo_test\n\ntest_x if not 1 == 2 with input as {}\n"
    check_bundle(mini_bundle({"countermand/rules/demo/watch_test.rego": test}))


def test_a_test_file_cannot_smuggle_a_finding() -> None:
    test = 'package countermand.rules.demo_test\n\nfindings contains {"code": "DEMO_PERMIT"} if true\n'
    with pytest.raises(PolicyRefused, match="placement"):
        check_bundle(mini_bundle({"countermand/rules/demo/watch_test.rego": test}))


def test_a_config_that_its_schema_refuses_is_named() -> None:
    schema = b'{"properties": {"demo": {"properties": {"denied": {"type": "array"}}}}}'
    with pytest.raises(PolicyRefused) as refused:
        check_bundle(
            mini_bundle({"schemas/config.json": schema, "countermand/config/demo/data.yaml": "denied: secrets\n"})
        )
    assert refused.value.code == "POLICY_CONFIG_INVALID"
    assert "demo/denied" in refused.value.message


def test_a_sample_that_is_no_input_is_named() -> None:
    text = (
        b'{"name": "odd", "input": {"schema": "x"}, "expect": {"verdict": "deny", "findings": [], "obligations": []}}'
    )
    with pytest.raises(PolicyRefused) as refused:
        check_bundle(mini_bundle({"samples/odd.json": text}))
    assert refused.value.code == "POLICY_SAMPLE_INVALID"
    assert "odd" in refused.value.message
