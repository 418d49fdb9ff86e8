"""Input that is made to end a process: halves of surrogate pairs, numbers without a canonical form, NUL, deep nesting.

Every door answers with a code, and goes on to answer the next question.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core.canonical import Json
from gateway.core.keys import emit_jwks
from gateway.errors import InvalidRequest
from gateway.service.reports import ObservationReport, Report, SamplesReport, UndoReport
from tests.api.alerts import alert, body, signed
from tests.api.test_http import World
from tests.cli.call import call
from tests.fakes.audited import kept
from tests.fakes.gateway import NOW
from tests.fakes.world import AGENT, READ, lab
from tests.service.hand import Hand, applied, running, seen
from tests.service.say import new

ALONE = "\ud800"
NUMBERS = [b"NaN", b"-Infinity", b"1e999", b"9" * 400]
VALUES = [*NUMBERS, json.dumps(ALONE).encode(), b"[" * 5_000, b'{"a":' * 5_000, b'{"a":1,"a":2}', b"\xff", b"\x00"]


# --- countermand check --jsonl -----------------------------------------------------------------


def test_no_line_ends_the_process_that_checks_lines() -> None:
    lines = [b'{"id":%b,"command":"kubectl get pods"}' % value for value in VALUES]
    lines += [b'{"id":1,"command":"kubectl get pods","context":{"incident":%b}}' % value for value in VALUES]
    lines += [b'{"id":1,"steps":[{"tool":%b}]}' % value for value in VALUES]
    lines += [b'{"id":1,"command":"kubectl get pods \\ud800\\u0000"}', b"", b"9" * 100_000]
    last = b'{"id":"last","command":"kubectl -n prod get pods"}'
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "--jsonl"], input=b"\n".join([*lines, last]) + b"\n",
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert len(answers) == len(lines) + 1
    assert answers[-1]["verdict"] == "allow"
    assert all(answer["verdict"] in {"deny", "allow"} for answer in answers)


# --- countermand audit verify ------------------------------------------------------------------


def _crafted() -> Iterator[tuple[str, bytes, bytes, bytes]]:
    """Yield (name, log, key set, checkpoint): one of them crafted."""
    log = b"".join(b'{"index":%d,"leaf":%b}\n' % (leaf.index, leaf.data) for leaf in kept().leaves)
    keys, since = emit_jwks(kept().keys.values()), kept().last_note.encode()
    jwk = json.loads(keys)["keys"][0]
    first = json.loads(kept().leaves[0].data)
    for value in [*VALUES, b"null", b"[]", b"{}"]:
        yield f"log {value[:12]!r}", b'{"index":0,"leaf":%b}\n' % value, keys, since
        yield f"keys {value[:12]!r}", log, b'{"keys":[%b]}' % value, since
        yield f"since {value[:12]!r}", log, keys, value
        yield f"leaf {value[:12]!r}", _with(first, "body", value) + log, keys, since
        for name in ("x", "kid", "crv", "nbf_ms"):
            yield f"{name} {value[:12]!r}", log, b'{"keys":[%b]}' % _member(jwk, name, value), since
    point = {"kty": "EC", "crv": "P-256", "alg": "ES256", "x": "A" * 43, "y": "A" * 43, "kid": "x", "use": "sig"}
    yield "a point that is on no curve", log, json.dumps({"keys": [point]}).encode(), since
    yield "an index of 19 digits", b'{"index":9999999999999999999,"leaf":{}}\n', keys, since
    yield (
        "a size of 5000 digits",
        log,
        keys,
        b"test/log\n" + b"9" * 5_000 + b"\nAAAA\n\n\xe2\x80\x94 test/log AAAAAAA=\n",
    )


def _with(leaf: Json, name: str, value: bytes) -> bytes:
    return b'{"index":0,"leaf":%b}\n' % _member(leaf, name, value)


def _member(item: Json, name: str, value: bytes) -> bytes:
    return json.dumps({**item, name: "\0"}).encode().replace(b'"\\u0000"', value)


@pytest.mark.parametrize(("name", "log", "keys", "since"), [pytest.param(*case, id=case[0]) for case in _crafted()])
def test_a_crafted_log_key_set_or_checkpoint_is_an_error_with_a_code(
    tmp_path: Path, name: str, log: bytes, keys: bytes, since: bytes
) -> None:
    for file, data in (("log", log), ("keys", keys), ("since", since)):
        (tmp_path / file).write_bytes(data)
    told = call(
        "audit", "verify", "--log", str(tmp_path / "log"), "--keys", str(tmp_path / "keys"),
        "--since", str(tmp_path / "since"),
    )  # fmt: skip
    assert (told.code, "Traceback" in told.err) == (1, False), name
    assert told.err.startswith("error: "), told.err


# --- the door of executors ---------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value[:12]))
async def test_a_report_that_has_no_canonical_form_is_refused_and_changes_nothing(value: bytes) -> None:
    async with lab(executor=False) as made:
        hand = Hand.attach(made)
        view = await made.settled()
        work = await hand.take("observe")
        await hand.begin(work)
        document = json.dumps(seen(made)).replace('"connection_limit": 0', '"connection_limit": "\\u0000"')
        await _refused(hand, work, ObservationReport(document.encode().replace(b'"\\u0000"', value)))
        assert (await made.get(view.id)).state == "PROPOSED"


@pytest.mark.anyio
@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value[:12]))
async def test_samples_and_read_backs_that_have_no_canonical_form_are_refused(value: bytes) -> None:
    async with lab(executor=False) as made:
        hand, action = await running(made)
        await hand.say(hand.taken[-1], applied())
        await made.clock.advance(1_000)
        sample = await hand.take("sample")
        told = b'{"samples":[],"fields":[{"step":0,"status":"not_applied","now":{"limit":%b}}]}' % value
        await _refused(hand, sample, SamplesReport(told))
        assert (await made.get(action)).state == "VERIFYING"
        await made.gateway.cancel(AGENT, new(), action, "wrong")
        undo = await hand.take("undo")
        await hand.begin(undo)
        await _refused(hand, undo, UndoReport(0, "conflict", "EDITED", "", b'{"limit":%b}' % value))
        assert (await made.get(action)).state == "UNDOING"


async def _refused(hand: Hand, work: object, report: Report) -> None:
    with pytest.raises(InvalidRequest) as raised:
        await hand.say(work, report)  # type: ignore[arg-type]
    assert raised.value.code.endswith("_MALFORMED")


@pytest.mark.anyio
async def test_a_lease_of_ages_is_refused() -> None:
    async with lab() as made:
        with pytest.raises(InvalidRequest) as raised:
            await made.submit(READ, lease_s=2**62)
        assert raised.value.code == "LEASE_MALFORMED"
        assert (await made.submit(READ)).state == "GRANTED"


# --- the webhook -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [{"status": []}, {"status": {}}, {"labels": {ALONE: "x"}}, {"labels": {"x": ALONE}}, {"fingerprint": ALONE},
     {"startsAt": "9" * 5_000}, {"startsAt": None}],
    ids=repr,
)  # fmt: skip
def test_a_signed_alert_that_cannot_be_recorded_is_refused_and_the_next_is_not(changes: dict[str, Json]) -> None:
    world = World()
    data = json.dumps({**json.loads(body(alert("f1"))), "alerts": [{**alert("f1"), **changes}]}).encode()
    answer = world.post(data, signed(data, NOW))
    assert (answer.status_code, answer.json()["reason"]) == (400, "WEBHOOK_BODY")
    good = body(alert("f1"))
    assert world.post(good, signed(good, NOW, message_id="msg_2")).json()["incidents"]
