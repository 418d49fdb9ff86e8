"""Which door offers what, to whom, over which transport."""

import socket
import stat
from pathlib import Path

import grpc
import grpc.aio
import pytest
from countermand.gateway.v1 import (
    approval_service_pb2,
    capability_service_pb2,
    control_service_pb2,
    executor_service_pb2,
)
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.api.grpc.server import HUMAN_ACTION_METHODS, Doors, Listener, services
from gateway.core.principal import Door
from gateway.errors import ConfigFault
from tests.api.raw import METHODS, Raw, new_id, request_of
from tests.api.tls import Authority
from tests.fakes.doors import APPROVER, BOB_SPIFFE, authenticator, open_doors
from tests.fakes.gateway import FakeGateway

pytestmark = pytest.mark.anyio
SERVICES = {
    "agent": {"ActionService", "IncidentService", "CapabilityService", "AuditService"},
    "approver": {
        "ActionService", "ApprovalService", "AuditService", "CapabilityService", "ControlService", "IncidentService",
    },
    "executor": {"ExecutorService"},
}  # fmt: skip


@pytest.mark.parametrize("door", ["agent", "approver", "executor"])
def test_a_door_offers_its_services_and_no_other(door: Door) -> None:
    assert {s.descriptor.name for s in services(FakeGateway())[door]} == SERVICES[door]


@pytest.mark.parametrize("door", ["agent", "approver", "executor"])
async def test_what_a_door_does_not_offer_is_not_there(folder: Path, door: Door) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix(door)) as raw:
        for method in METHODS.values():
            if method.containing_service.name not in SERVICES[door]:
                code, _, _ = await raw.error(method.name, request_of(method.name))
                assert code == "UNIMPLEMENTED", method.full_name


@pytest.mark.parametrize("method", [m.name for m in METHODS.values() if m.containing_service.name == "ActionService"])
async def test_people_read_and_end_actions_but_propose_none(folder: Path, method: str) -> None:
    request = request_of(method, **_required(method))
    async with open_doors(folder) as doors, Raw(doors.unix("approver")) as raw:
        if method == "ListActions":
            assert not (await raw.call(method, request)).actions
            return
        _, reason, _ = await raw.error(method, request)
    assert reason == ("ACTION_UNKNOWN" if method in HUMAN_ACTION_METHODS else "METHOD_NOT_AT_THIS_DOOR")


def _required(method: str) -> dict[str, str]:
    return {"request_id": new_id()} if "request_id" in METHODS[method].input_type.fields_by_name else {}


@pytest.mark.parametrize("door", ["agent", "approver", "executor"])
async def test_a_socket_belongs_to_its_owner_only(folder: Path, door: Door) -> None:
    async with open_doors(folder):
        assert _mode(folder / f"{door}.sock") == 0o600
        assert _mode(folder) == 0o700


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("door", ["agent", "approver", "executor"])
async def test_health_is_told_at_every_door_without_an_identity(folder: Path, door: Door) -> None:
    async with open_doors(folder) as doors, grpc.aio.insecure_channel(doors.unix(door)) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_is_off(folder: Path) -> None:
    async with open_doors(folder) as doors, grpc.aio.insecure_channel(doors.unix("agent")) as channel:
        call = channel.unary_unary("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", None, None)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_another_gateway_on_the_same_socket_is_refused_and_the_first_goes_on(folder: Path) -> None:
    async with open_doors(folder) as doors, Raw(doors.unix("agent")) as raw:
        second = Doors(FakeGateway(), authenticator())
        with pytest.raises(ConfigFault) as caught:
            await second.open([Listener("agent", doors.unix("agent"))])
        assert caught.value.code == "SOCKET_IN_USE"
        await second.close()
        await raw.call("ListCapabilities", capability_service_pb2.ListCapabilitiesRequest())


async def test_a_port_that_is_taken_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        doors = Doors(FakeGateway(), authenticator())
        with pytest.raises(ConfigFault) as caught:
            await doors.open([Listener("agent", f"127.0.0.1:{taken.getsockname()[1]}")])
        await doors.close()
    assert caught.value.code == "ADDRESS_NOT_AVAILABLE"


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "gateway.example", "127.0.0.1.example"])
async def test_a_port_on_a_network_needs_tls_and_leaves_no_door_half_open(folder: Path, host: str) -> None:
    doors = Doors(FakeGateway(), authenticator())
    with pytest.raises(ConfigFault) as caught:
        await doors.open([Listener("agent", f"unix:{folder}/agent.sock"), Listener("agent", f"{host}:0")])
    assert caught.value.code == "TLS_REQUIRED"
    async with Raw(f"unix:{folder}/agent.sock") as raw:
        code, _, _ = await raw.error("ListCapabilities", request_of("ListCapabilities"))
    assert code == "UNAVAILABLE"


async def test_over_tcp_a_caller_needs_a_token_of_that_door(folder: Path) -> None:
    request = capability_service_pb2.ListCapabilitiesRequest()
    async with open_doors(folder, Listener("agent", "127.0.0.1:0")) as doors:
        address = doors.addresses[-1]
        for token, reason in ((None, "IDENTITY_REQUIRED"), ("nope", "TOKEN_UNKNOWN")):
            async with Raw(address, token) as raw:
                code, found, _ = await raw.error("ListCapabilities", request)
                assert (code, found) == ("UNAUTHENTICATED", reason)
        async with Raw(address, "bob-token") as raw:
            assert (await raw.error("ListCapabilities", request))[1] == "IDENTITY_NOT_FOR_THIS_DOOR"
        async with Raw(address, "agent-b-token") as raw:
            assert (await raw.call("ListCapabilities", request)).tools == ["kubectl"]
    assert [(name, p.id, p.assurance) for name, p in doors.gateway.calls] == [("capabilities", "agent/other", "token")]


@pytest.mark.parametrize("method", ["Approve", "Keep", "Resolve", "Resume"])
async def test_a_token_over_tcp_does_not_vote(folder: Path, method: str) -> None:
    request = request_of(method, request_id=new_id())
    async with (
        open_doors(folder, Listener("approver", "127.0.0.1:0")) as doors,
        Raw(doors.addresses[-1], "bob-token") as raw,
    ):
        code, reason, _ = await raw.error(method, request)
    assert (code, reason) == ("PERMISSION_DENIED", "TOKEN_CANNOT_VOTE")
    assert doors.gateway.calls == []


async def test_a_token_over_tcp_may_stop_and_reject_because_that_is_safe(folder: Path) -> None:
    async with (
        open_doors(folder, Listener("approver", "127.0.0.1:0")) as doors,
        Raw(doors.addresses[-1], "bob-token") as raw,
    ):
        answer = await raw.call("Stop", control_service_pb2.StopRequest(request_id=new_id(), reason="fire"))
        _, reason, _ = await raw.error("Reject", approval_service_pb2.RejectRequest(request_id=new_id()))
    assert (answer.leaf_index, reason) == (0, "ACTION_UNKNOWN")


async def test_a_client_certificate_names_the_caller_and_votes(folder: Path) -> None:
    authority = Authority()
    server = authority.server_credentials("localhost")
    bob = authority.client_credentials(BOB_SPIFFE)
    listener = Listener("approver", "localhost:0", server)
    async with open_doors(folder, listener) as doors, Raw(doors.addresses[-1], credentials=bob) as raw:
        request = approval_service_pb2.KeepRequest(request_id=new_id(), action_id="act_01")
        _, reason, _ = await raw.error("Keep", request)
    assert reason == "ACTION_UNKNOWN"
    assert [(p.id, p.assurance) for name, p in doors.gateway.calls if name == "COMMITTED"] == [("bob", "mtls")]


async def test_a_certificate_that_no_table_knows_is_refused(folder: Path) -> None:
    authority = Authority()
    eve = authority.client_credentials("spiffe://acme.test/eve")
    listener = Listener("approver", "localhost:0", authority.server_credentials("localhost"))
    async with open_doors(folder, listener) as doors, Raw(doors.addresses[-1], credentials=eve) as raw:
        code, reason, _ = await raw.error("ListPending", approval_service_pb2.ListPendingRequest())
    assert (code, reason) == ("UNAUTHENTICATED", "CERTIFICATE_UNKNOWN")


async def test_a_certificate_of_another_authority_does_not_connect(folder: Path) -> None:
    authority = Authority()
    stranger = Authority().client_credentials(BOB_SPIFFE, root=authority.certificate)
    listener = Listener("approver", "localhost:0", authority.server_credentials("localhost"))
    async with open_doors(folder, listener) as doors, Raw(doors.addresses[-1], credentials=stranger) as raw:
        code, _, _ = await raw.error("ListPending", approval_service_pb2.ListPendingRequest())
    assert code == "UNAVAILABLE"


async def test_a_token_on_the_socket_picks_the_approver(folder: Path) -> None:
    async with open_doors(folder) as doors:
        for token in (None, "bob-token"):
            async with Raw(doors.unix("approver"), token) as raw:
                await raw.call("ListPending", approval_service_pb2.ListPendingRequest())
    assert [p.id for _, p in doors.gateway.calls] == [APPROVER.id, "bob"]


async def test_an_executor_on_this_machine_serves_any_audience_and_a_remote_one_its_own(folder: Path) -> None:
    attach = executor_service_pb2.AttachRequest
    async with open_doors(folder, Listener("executor", "127.0.0.1:0")) as doors:
        async with Raw(doors.addresses[-1], "executor-eu-token") as raw:
            code, reason, _ = await raw.error("Attach", attach(audience="executor/local", instance="i"))
            assert (code, reason) == ("PERMISSION_DENIED", "AUDIENCE_NOT_YOURS")
            assert (await raw.error("Attach", attach(audience="executor/prod-eu")))[1] == "VALUE_MISSING"
        assert doors.gateway.instances == []
