"""What every call meets before and after its use case."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from countermand.gateway.v1 import action_service_pb2 as pb
from countermand.gateway.v1 import audit_service_pb2, control_service_pb2, executor_service_pb2
from google.protobuf.message import Message

from gateway.api.grpc.edge import VOTES, Service, snake_case
from gateway.core.principal import Principal
from gateway.errors import StoreFault
from gateway.service.views import ActionView
from tests.api.raw import METHODS, Raw, error_of
from tests.fakes.doors import open_doors
from tests.fakes.gateway import FakeGateway

pytestmark = pytest.mark.anyio
UUID4 = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
SUBMIT = pb.SubmitActionRequest(request_id=UUID4, command="kubectl get pods")


async def _refusal(folder: Path, method: str, request: Message | bytes) -> tuple[str, str]:
    async with open_doors(folder) as doors, Raw(doors.unix("agent")) as raw:
        code, reason, metadata = await raw.error(method, request)
        assert reason == "" or metadata["remedy"]
        assert doors.gateway.actions == {}
    return code, reason


async def test_an_error_carries_its_reason_and_remedy_as_google_error_info(folder: Path) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix("agent")) as raw:
        code, reason, metadata = await raw.error("GetAction", pb.GetActionRequest(action_id="act_9"))
    assert (code, reason) == ("NOT_FOUND", "ACTION_UNKNOWN")
    assert metadata == {"action": "act_9", "remedy": "list your actions"}


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (b"\xff\xff", "REQUEST_MALFORMED"),
        (pb.SubmitActionRequest(request_id=UUID4).SerializeToString() + b"\x12\x02\xc3\x28", "REQUEST_MALFORMED"),
        (SUBMIT.SerializeToString() + b"\xfa\x06\x01a", "FIELD_UNKNOWN"),
        (pb.SubmitActionRequest(command="ls"), "REQUEST_ID_INVALID"),
        (pb.SubmitActionRequest(request_id=UUID4), "PROPOSAL_MISSING"),
        (pb.SubmitActionRequest(request_id=UUID4, command="ls", lease_s=-1), "LEASE_INVALID"),
        (pb.SubmitActionRequest(request_id=UUID4, command="x" * 300_000), "FIELD_TOO_LONG"),
        (pb.SubmitActionRequest(request_id=UUID4, command="ls", scope="s" * 257), "FIELD_TOO_LONG"),
        (pb.SubmitActionRequest(request_id=UUID4, command="ls", scope="\x1b[2J"), "FIELD_HAS_CONTROL_CHARACTERS"),
    ],
)
async def test_a_bad_request_is_refused_with_a_reason_and_nothing_is_done(
    folder: Path, request_: Message | bytes, reason: str
) -> None:
    assert await _refusal(folder, "SubmitAction", request_) == ("INVALID_ARGUMENT", reason)


async def test_a_command_that_is_not_utf8_is_refused_with_a_reason(folder: Path) -> None:
    not_utf8 = SUBMIT.SerializeToString().replace(b"kubectl", b"kube\xff\xfel")
    assert await _refusal(folder, "SubmitAction", not_utf8) == ("INVALID_ARGUMENT", "REQUEST_MALFORMED")


async def test_a_message_over_the_limit_of_grpc_is_refused_and_the_server_lives(folder: Path) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix("agent")) as raw:
        code, _, _ = await raw.error("SubmitAction", pb.SubmitActionRequest(steps=b"x" * 5_000_000))
        assert code == "RESOURCE_EXHAUSTED"
        answer = await raw.call("SubmitAction", SUBMIT)
    assert answer.action.id == "act_01"


async def test_the_same_request_id_with_other_content_is_an_error_and_with_the_same_content_the_same_answer(
    folder: Path,
) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix("agent")) as raw:
        first = await raw.call("SubmitAction", SUBMIT)
        second = await raw.call("SubmitAction", SUBMIT)
        other = pb.SubmitActionRequest(request_id=SUBMIT.request_id, command="rm")
        code, reason, _ = await raw.error("SubmitAction", other)
    assert first == second
    assert (code, reason) == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")
    assert len(doors.gateway.actions) == 1


@pytest.mark.parametrize("method", [m.name for m in METHODS.values() if "request_id" in m.input_type.fields_by_name])
async def test_no_mutation_goes_without_a_request_id(folder: Path, method: str) -> None:
    door = "agent" if METHODS[method].containing_service.name in {"ActionService", "IncidentService"} else "approver"
    async with open_doors(folder) as doors, Raw(f"unix:{folder}/{door}.sock") as raw:
        code, reason, _ = await raw.error(method, b"")
        assert doors.gateway.calls == []
    assert (code, reason) == ("INVALID_ARGUMENT", "REQUEST_ID_INVALID")


async def test_a_fault_is_told_by_its_code_without_the_operators_details(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix("agent")) as raw:
        doors.gateway.failures = [StoreFault("STORE_FULL", "the log cannot be written", path="/var/lib/x")]
        code, reason, metadata = await raw.error("SubmitAction", SUBMIT)
    assert (code, reason, metadata) == (
        "UNAVAILABLE",
        "STORE_FULL",
        {"remedy": "try again under the same request_id: it counts once"},
    )
    assert "/var/lib/x" in caplog.text


async def test_a_bug_leaves_as_internal_without_its_text_and_is_logged(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix("agent")) as raw:
        doors.gateway.failures = [RuntimeError("password=hunter2")]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await raw.call("SubmitAction", SUBMIT)
        again = await raw.call("SubmitAction", SUBMIT)
    assert "hunter2" not in str(caught.value)
    assert error_of(caught.value)[:2] == ("INTERNAL", "INTERNAL")
    assert again.action.id
    assert any(r.exc_info for r in caplog.records if r.levelno == logging.ERROR)


async def test_a_call_that_takes_too_long_is_ended_by_the_server(folder: Path) -> None:
    async with open_doors(folder, unary_timeout_s=0.05) as doors, Raw(doors.unix("agent")) as raw:
        code, reason, _ = await raw.error("GetCheckpoint", audit_service_pb2.GetCheckpointRequest(min_size=99))
    assert (code, reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")


class Patient(FakeGateway):
    """Answers a proposal only when its caller's patience is at an end."""

    async def submit(self, principal: Principal, **said: Any) -> ActionView:
        with suppress(TimeoutError):
            async with asyncio.timeout(said["wait_ms"] / 1_000):
                await asyncio.Event().wait()
        return await super().submit(principal, **said)


async def test_a_call_that_asked_to_wait_is_not_ended_before_that(folder: Path) -> None:
    request = pb.SubmitActionRequest(request_id=UUID4, command="get", wait_ms=300)
    async with open_doors(folder, gateway=Patient(), unary_timeout_s=0.2) as doors, Raw(doors.unix("agent")) as raw:
        answer = await raw.call("SubmitAction", request)
    assert answer.action.id == "act_01"


async def test_a_watcher_that_goes_away_ends_its_stream_in_the_gateway(folder: Path) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix("executor")) as raw:
        request = executor_service_pb2.AttachRequest(audience="executor/local", instance="i1")
        reader = asyncio.ensure_future(anext(raw.stream("Attach", request)))
        await doors.gateway.changed.wait()
        assert doors.gateway.attached == {"executor/local"}
        doors.gateway.changed.clear()
        reader.cancel()
        await asyncio.wait({reader})
        async with asyncio.timeout(5):
            await doors.gateway.changed.wait()
    assert doors.gateway.attached == set()


async def test_an_agent_does_not_read_the_whole_log(folder: Path) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix("agent")) as raw:
        code, reason, _ = await raw.error("TailRecords", audit_service_pb2.TailRecordsRequest())
    assert (code, reason) == ("PERMISSION_DENIED", "LOG_NOT_FOR_AGENTS")


def test_a_servicer_that_lacks_a_method_is_not_served() -> None:
    with pytest.raises(AttributeError, match="freeze"):
        Service(control_service_pb2.DESCRIPTOR.services_by_name["ControlService"], _Stopper())


def test_a_door_cannot_offer_a_method_that_does_not_exist() -> None:
    descriptor = control_service_pb2.DESCRIPTOR.services_by_name["ControlService"]
    with pytest.raises(ValueError, match="Obliterate"):
        Service(descriptor, _Stopper(), only=frozenset({"Obliterate"}))


def test_the_methods_that_vote_exist() -> None:
    assert set(METHODS) >= VOTES


@pytest.mark.parametrize(("name", "snake"), [("SubmitAction", "submit_action"), ("Stop", "stop")])
def test_a_method_is_named_after_its_rpc(name: str, snake: str) -> None:
    assert snake_case(name) == snake


class _Stopper:
    async def stop(self) -> None: ...
