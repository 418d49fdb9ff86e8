"""regorus behind its wrapper: what it gets wrong by itself, and what the wrapper makes of it."""

import gc
import json
import threading

import pytest
import regorus

from gateway.adapters.policy_probes import probes
from gateway.adapters.policy_regorus import RegorusEngine, engine_of, modules_of
from gateway.core.bundle import ENTRY, data_document
from gateway.core.bundle_merge import Module
from gateway.errors import PolicyFault, PolicyRefused
from tests.fakes.mini_bundle import document, mini_bundle

LISTED = json.dumps(document("secrets.get")).encode()
PLAIN = json.dumps(document("pods.get")).encode()


def _codes(answer: str) -> set[str]:
    return {item["code"] for kind in ("findings", "obligations") for item in json.loads(answer)[kind]}


def _module(text: str) -> Module:
    return Module("countermand.main", f"package countermand.main\n\n{text}\n", ((3, "countermand/main/main.rego", 3),))


def test_unmerged_files_of_a_package_lose_an_obligation_in_silence() -> None:
    """The reason for merging; when this fails, regorus resolves imports per file and merging may go."""
    bundle = mini_bundle()
    engine = regorus.Engine()
    for path, text in sorted(bundle.modules.items()):
        engine.add_policy(path, text)
    engine.add_data_json(json.dumps({"countermand": {"config": {"demo": bundle.config["demo"]}}}))
    engine.set_input_json(LISTED.decode())
    assert "DEMO_DUTY" not in _codes(engine.eval_rule_as_json(ENTRY))
    assert "DEMO_DUTY" in _codes(engine_of(bundle).evaluate(LISTED))


def test_a_rust_panic_is_a_fault_and_the_engine_lives_on() -> None:
    panics = _module('decision := strings.count(input.text, "")')
    engine = RegorusEngine([_module("decision := 1")], {})
    assert engine.evaluate(b"{}") == "1"
    with pytest.raises((PolicyFault, PolicyRefused)):
        RegorusEngine([panics], {}).evaluate(b'{"text": "abc"}')
    assert engine.evaluate(b"{}") == "1"


@pytest.mark.parametrize("text", [b"{", b"", b'{"a": 1e400}', b"[" * 200, b'"\\ud800"'])
def test_an_input_that_regorus_refuses_does_not_answer_about_the_last_one(text: bytes) -> None:
    engine = RegorusEngine([_module("decision := input.secret")], {})
    assert engine.evaluate(b'{"secret": 7}') == "7"
    with pytest.raises(PolicyFault) as fault:
        engine.evaluate(text)
    assert fault.value.code == "POLICY_ENGINE_ERROR"


def test_an_undefined_rule_is_a_fault() -> None:
    with pytest.raises(PolicyFault) as fault:
        RegorusEngine([_module("decision := input.none")], {}).evaluate(b"{}")
    assert fault.value.code == "POLICY_UNDEFINED"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_engine_of_another_thread_is_a_fault_not_a_crash() -> None:
    engine = RegorusEngine([_module("decision := 1")], {})
    faults: list[str] = []

    def use() -> None:
        try:
            engine.evaluate(b"{}")
        except PolicyFault as exc:
            faults.append(exc.code)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert faults == ["POLICY_ENGINE_ERROR"]
    # The clone that panicked says so once more when it is dropped: here, and not in whichever test comes next.
    gc.collect()


def test_a_message_names_the_file_and_line_of_the_bundle() -> None:
    with pytest.raises(PolicyFault, match=r"countermand/main/main\.rego:3:"):
        RegorusEngine([_module('decision := startswith(input.n, "a")')], {}).evaluate(b'{"n": 1}')


def test_an_unsafe_variable_is_refused_at_load() -> None:
    with pytest.raises(PolicyRefused) as refused:
        RegorusEngine([_module("decision := 1 if x == input.y")], {})
    assert refused.value.code == "POLICY_LOAD_FAILED"


def test_byte_code_answers_like_the_interpreter_once_it_is_proven() -> None:
    bundle = mini_bundle()
    engine = engine_of(bundle)
    before = [engine.evaluate(text) for text in (LISTED, PLAIN)]
    assert engine.accelerate(probes(bundle)) == ""
    assert engine.accelerated
    assert [_codes(engine.evaluate(text)) for text in (LISTED, PLAIN)] == [_codes(text) for text in before]


def test_byte_code_that_disagrees_is_not_used() -> None:
    """regorus 0.13: an undefined value that is assigned does not end the body in byte code."""
    rule = "package countermand.rules.demo\n\nimport data.countermand.config\n\n# METADATA\n# custom:\n#   codes:\n"
    rule += (
        '#     DEMO_MORE: {message: m, remedy: r}\nfindings contains {"code": "DEMO_MORE", "limit": "deny", "step": 0, '
    )
    rule += '"args": {}} if {\n\twanted := config.demo.none[input.stage]\n\tnot _met(wanted)\n}\n\n_met(x) if x == 1\n'
    bundle = mini_bundle({"countermand/rules/demo/more.rego": rule})
    engine = engine_of(bundle)
    assert "disagree" in engine.accelerate(probes(bundle))
    assert not engine.accelerated
    assert _codes(engine.evaluate(PLAIN)) == {"DEMO_PERMIT"}


def test_what_byte_code_cannot_compile_stays_with_the_interpreter() -> None:
    engine = RegorusEngine([_module("decision := x if { some d\n\tsome x in data.rules[d].found }")], {"rules": {}})
    assert engine.accelerate([]) != ""
    assert not engine.accelerated


def test_byte_code_that_is_caught_disagreeing_later_denies_and_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = mini_bundle()
    engine = RegorusEngine(modules_of(bundle), data_document(bundle.config))
    engine.accelerate(None)
    engine._countdown = 1
    monkeypatch.setattr(engine, "_run", lambda _: '{"schema": "x", "findings": [], "obligations": []}')
    with pytest.raises(PolicyFault) as fault:
        engine.evaluate(LISTED)
    assert fault.value.code == "POLICY_ENGINES_DISAGREE"
    assert not engine.accelerated


def test_text_that_looks_like_the_undefined_marker_is_answered_by_the_interpreter() -> None:
    odd = document("secrets.get")
    odd["steps"][0]["operation"] = "<undefined>"
    bundle = mini_bundle({"countermand/config/demo/data.yaml": 'denied: ["<undefined>"]\nnotify: [on-call]\n'})
    engine = engine_of(bundle)
    engine.accelerate(None)
    assert "DEMO_LIMIT" in _codes(engine.evaluate(json.dumps(odd).encode()))
