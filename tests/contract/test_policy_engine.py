"""The PolicyEngine port: one suite for regorus in process, on byte code, in workers, and for an OPA server."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.adapters.bundle import read_bundle
from gateway.adapters.policy_inprocess import InProcessEngine
from gateway.adapters.policy_opa import OpaEngine
from gateway.adapters.policy_workers import WorkerEngine
from gateway.core.bundle import Bundle
from gateway.errors import PolicyFault, PolicyRefused
from gateway.ports_policy import PolicyEngine
from tests.fakes.mini_bundle import POLICIES, document, mini_bundle, text_of
from tests.fakes.opa_server import OpaServer, opa_server

pytestmark = pytest.mark.anyio
ENGINES = ("in process", "byte code", "workers", "opa")
WATCH = "countermand/rules/demo/watch.rego"
CONFIG = "countermand/config/demo/data.yaml"


@pytest.fixture
def opa() -> Iterator[OpaServer]:
    """A server of this test: it starts at once, and compiles at every upload all that it was ever given."""
    with opa_server() as server:
        yield server


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return read_bundle(POLICIES)


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[PolicyEngine]:
    engine: PolicyEngine
    if request.param == "opa":
        server: OpaServer = request.getfixturevalue("opa")
        engine = OpaEngine(server.url, socket=server.socket, timeout_s=5)
    elif request.param == "workers":
        engine = WorkerEngine(2, timeout_s=5)
    else:
        engine = InProcessEngine(bytecode=request.param == "byte code")
    yield engine
    await engine.close()


async def test_every_shipped_sample_gets_the_findings_it_states(engine: PolicyEngine, shipped: Bundle) -> None:
    await engine.load(shipped)
    for sample in shipped.samples:
        answer = await engine.evaluate(sample.input)
        assert answer.revision == shipped.revision
        assert (list(answer.findings), list(answer.obligations)) == (
            list(sample.findings),
            list(sample.obligations),
        ), sample.name


async def test_nothing_is_answered_before_a_revision_is_in_force(engine: PolicyEngine) -> None:
    assert engine.revision == ""
    with pytest.raises(PolicyFault) as fault:
        await engine.evaluate(document())
    assert fault.value.code == "POLICY_NOT_LOADED"


async def test_imports_of_every_file_of_a_package_are_resolved(engine: PolicyEngine) -> None:
    await engine.load(mini_bundle())
    answer = await engine.evaluate(document("secrets.get"))
    assert [f["code"] for f in answer.findings] == ["DEMO_LIMIT", "DEMO_PERMIT"]
    assert answer.obligations == ({"code": "DEMO_DUTY", "step": 0, "notify": ["on-call"]},)


async def test_a_changed_bundle_is_swapped_in(engine: PolicyEngine) -> None:
    await engine.load(mini_bundle())
    first = engine.revision
    await engine.load(mini_bundle({CONFIG: "denied: [pods.get]\nnotify: [on-call]\n"}))
    assert engine.revision != first
    answer = await engine.evaluate(document("pods.get"))
    assert answer.revision == engine.revision
    assert "DEMO_LIMIT" in {f["code"] for f in answer.findings}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({WATCH: text_of(WATCH).replace("some step in input.steps", "some step in", 1)}, "POLICY_LINT"),
        ({WATCH: text_of(WATCH).replace("config.demo.denied", "http.send({})")}, "POLICY_LINT"),
        ({"samples/limit.json": None}, "POLICY_CANARY_MISSING"),
        (
            {"countermand/main/main.rego": "package countermand.main\n\ndecision := 1 if false\n"},
            "POLICY_CANARY_FAILED",
        ),
        ({WATCH: text_of(WATCH).replace('"notify": config', '"tell": config')}, "POLICY_CANARY_FAILED"),
    ],
    ids=["syntax", "forbidden function", "no canary", "undefined", "nonsense"],
)
async def test_a_refused_bundle_leaves_the_last_good_one_in_force(
    engine: PolicyEngine, changes: dict[str, str | None], code: str
) -> None:
    await engine.load(mini_bundle())
    good = engine.revision
    with pytest.raises(PolicyRefused) as refused:
        await engine.load(mini_bundle(changes))
    assert refused.value.code == code
    assert engine.revision == good
    assert (await engine.evaluate(document())).revision == good


async def test_the_canary_names_what_did_not_fire(engine: PolicyEngine) -> None:
    with pytest.raises(PolicyRefused) as refused:
        await engine.load(mini_bundle({"samples/limit.json": None}))
    assert refused.value.args_["codes"] == ["DEMO_DUTY", "DEMO_LIMIT"]
    assert "DEMO_LIMIT (limit)" in refused.value.message


async def test_a_config_that_silences_a_rule_is_not_mistaken_for_a_lost_rule(engine: PolicyEngine) -> None:
    await engine.load(mini_bundle({CONFIG: "denied: []\nnotify: [on-call]\n"}))
    answer = await engine.evaluate(document("secrets.get"))
    assert [f["code"] for f in answer.findings] == ["DEMO_PERMIT"]


async def test_an_input_that_is_not_valid_is_not_evaluated(engine: PolicyEngine) -> None:
    await engine.load(mini_bundle())
    wrong: list[dict[str, object]] = [{"schema": "other/1"}, {"steps": []}, {"now_ms": "now"}, {"surprise": 1}]
    for spoiled in wrong:
        with pytest.raises(PolicyFault) as fault:
            await engine.evaluate(document() | spoiled)
        assert fault.value.code == "POLICY_INPUT_INVALID"


async def test_an_input_over_the_cap_is_not_evaluated(engine: PolicyEngine) -> None:
    await engine.load(mini_bundle())
    large = document()
    large["request"]["untrusted"] = {"text": "x" * (64 << 10)}
    with pytest.raises(PolicyFault) as fault:
        await engine.evaluate(large)
    assert fault.value.code == "POLICY_INPUT_TOO_LARGE"


async def test_concurrent_questions_get_their_own_answers(engine: PolicyEngine) -> None:
    await engine.load(mini_bundle())
    operations = [f"pods.{n}" if n % 2 else "secrets.get" for n in range(60)]
    answers = await asyncio.gather(*(engine.evaluate(document(operation)) for operation in operations))
    for operation, answer in zip(operations, answers, strict=True):
        assert any(f["code"] == "DEMO_LIMIT" for f in answer.findings) == (operation == "secrets.get")


async def test_a_reload_under_load_loses_no_question(engine: PolicyEngine) -> None:
    await engine.load(mini_bundle())
    other = mini_bundle({CONFIG: "denied: [pods.get]\nnotify: [on-call]\n"})
    loading = asyncio.create_task(engine.load(other))
    answers = []
    while not loading.done():
        answers.append(await engine.evaluate(document("pods.get")))
        await asyncio.sleep(0)
    await loading
    answers.append(await engine.evaluate(document("pods.get")))
    for answer in answers:
        limited = any(f["code"] == "DEMO_LIMIT" for f in answer.findings)
        assert limited == (answer.revision == other.revision)
    assert answers[-1].revision == other.revision
