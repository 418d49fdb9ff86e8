"""The line between an executor and its gateway, over real gRPC."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from countermand.gateway.v1 import executor_service_pb2 as pb

from gateway.adapters.clock import SystemClock
from gateway.core.step import Step
from gateway.executor.claims import Claims, TrustedKeys
from gateway.executor.config import ExecutorConfig, GatewayAddress
from gateway.executor.messages import RefusalSaid
from gateway.executor.secret import Secret
from gateway.executor.session import Link, Session, _work
from gateway.executor.work import Served, Worker
from tests.executor.grants import AUDIENCE, jwks, work
from tests.fakes.executor_gateway import ExecutorGateway, serving
from tests.fakes.target import MemoryTarget, set_field

pytestmark = pytest.mark.anyio
STEP = set_field("a", 1)
BEFORE = [{"a": None}]


class Site:
    """A gateway and the executor that dials it, in one event loop."""

    def __init__(self, folder: Path) -> None:
        self.gateway = ExecutorGateway()
        self.target = MemoryTarget()
        self.socket = folder / "gateway.sock"
        (folder / "keys.json").write_bytes(jwks())
        address = GatewayAddress(f"unix:{self.socket}", Secret("token-of-the-executor"))
        self.config = ExecutorConfig(AUDIENCE, address, folder / "keys.json", {}, concurrency=2, report_patience_s=20)

    @asynccontextmanager
    async def executor(self) -> AsyncIterator[asyncio.Task[None]]:
        clock = SystemClock()
        link = Link(self.config, "instance-1")
        claims = Claims(AUDIENCE, "instance-1", TrustedKeys(self.config.jwks), clock)
        worker = Worker(Served({"memory": ("process", self.target)}, {}), claims, link, clock)
        task = asyncio.create_task(Session(self.config, link, worker).serve())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await link.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with serving(self.gateway, self.socket), self.executor():
            await self.gateway.wait_for(lambda: bool(self.gateway.attached))
            yield


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def test_an_executor_says_whom_it_serves_who_it_is_and_shows_its_token(site: Site) -> None:
    async with site.running():
        attached = site.gateway.attached[0]
        assert (attached.audience, attached.instance) == (AUDIENCE, "instance-1")
        assert site.gateway.tokens == {"Bearer token-of-the-executor"}
    assert "token-of-the-executor" not in repr(site.config)


async def test_leave_is_asked_for_with_the_nonce_of_the_grant(site: Site) -> None:
    async with site.running():
        made = work([STEP], pb.PURPOSE_APPLY, snapshots=BEFORE, fence=7)
        reports = await site.gateway.send(made)
    begin = site.gateway.begins[0]
    assert (begin.work_id, begin.action_id, begin.purpose, begin.nonce, begin.fence, begin.instance) == (
        made.work_id, "act_1", pb.PURPOSE_APPLY, "n" * 22, 7, "instance-1",
    )  # fmt: skip
    outcome = reports[0].step
    assert (reports[0].fence, reports[0].instance) == (7, "instance-1")
    assert (outcome.step, outcome.status, outcome.output, outcome.after) == (
        0, pb.STEP_STATUS_APPLIED, b"set", b'{"a":1}',
    )  # fmt: skip
    assert [c.chunk.data for c in site.gateway.chunks] == [b"set"]


async def test_a_lost_report_is_sent_again_until_it_is_heard(site: Site) -> None:
    async with site.running():
        site.gateway.fail = [grpc.StatusCode.UNAVAILABLE] * 4
        reports = await site.gateway.send(work([STEP], pb.PURPOSE_APPLY, snapshots=BEFORE))
    assert [r.step.status for r in reports] == [pb.STEP_STATUS_APPLIED]
    assert [call for call, _ in site.target.history] == ["apply"]


async def test_a_report_that_the_gateway_refuses_is_not_repeated_and_ends_the_work(site: Site) -> None:
    steps = [STEP, set_field("b", 2)]
    async with site.running():
        site.gateway.proceed = lambda r: r.HasField("refusal") or r.HasField("chunk")
        site.gateway.fail = [grpc.StatusCode.INTERNAL, grpc.StatusCode.PERMISSION_DENIED]
        await site.gateway.work.put(work(steps, pb.PURPOSE_APPLY, snapshots=[*BEFORE, {"b": None}]))
        await site.gateway.send(work([STEP], pb.PURPOSE_APPLY, grant=b""))
    assert site.target.fields == {"a": 1}
    assert len(site.gateway.reports) == 1


async def test_a_leave_whose_answer_breaks_is_not_asked_for_twice(site: Site) -> None:
    async with site.running():
        site.gateway.begin = lambda _: pb.BeginAttemptResponse(reason="BREAK")
        reports = await site.gateway.send(work([STEP], pb.PURPOSE_APPLY, snapshots=BEFORE))
    assert [(r.step.status, r.step.code) for r in reports] == [(pb.STEP_STATUS_NOT_APPLIED, "BEGIN_LOST")]
    assert len(site.gateway.begins) == 1
    assert site.target.history == []


async def test_a_gateway_that_restarts_is_dialled_again_and_hears_the_outcome(site: Site) -> None:
    reached, leave = asyncio.Event(), asyncio.Event()

    async def wait(call: str, step: Step) -> None:
        del call, step
        reached.set()
        await leave.wait()

    site.target.meanwhile = wait
    made = work([STEP], pb.PURPOSE_APPLY, snapshots=BEFORE)
    async with site.executor():
        async with serving(site.gateway, site.socket):
            await site.gateway.wait_for(lambda: bool(site.gateway.attached))
            await site.gateway.work.put(made)
            await reached.wait()
        leave.set()
        async with serving(site.gateway, site.socket):
            await site.gateway.wait_for(lambda: len(site.gateway.attached) == 2 and bool(site.gateway.reports))
    assert [(r.work_id, r.step.status) for r in site.gateway.reports] == [(made.work_id, pb.STEP_STATUS_APPLIED)]


async def test_an_executor_waits_for_a_gateway_that_is_not_there_yet(site: Site) -> None:
    async with site.executor(), serving(site.gateway, site.socket):
        await site.gateway.wait_for(lambda: bool(site.gateway.attached))


async def test_work_of_one_action_is_done_in_order_and_of_others_beside_it(site: Site) -> None:
    running: list[str] = []
    leave, two = asyncio.Event(), asyncio.Event()

    async def wait(call: str, step: Step) -> None:
        del call
        running.append(str(step.params["name"]))
        if len(running) == 2:
            two.set()
        await leave.wait()

    site.target.meanwhile = wait
    async with site.running():
        for fence, (name, action) in enumerate((("a", "act_1"), ("b", "act_1"), ("c", "act_2")), start=1):
            made = work([set_field(name, 1)], pb.PURPOSE_APPLY, snapshots=[{name: None}], fence=fence, action=action)
            await site.gateway.work.put(made)
        await two.wait()
        assert sorted(running) == ["a", "c"]
        leave.set()
        await site.gateway.wait_for(lambda: len(site.gateway.reports) == 3)
    assert running.index("b") == 2


async def test_no_more_work_runs_at_once_than_is_configured(site: Site) -> None:
    running: set[str] = set()
    most, leave, full = 0, asyncio.Event(), asyncio.Event()

    async def wait(call: str, step: Step) -> None:
        nonlocal most
        del call
        running.add(step.digest)
        most = max(most, len(running))
        if len(running) == site.config.concurrency:
            full.set()
        await leave.wait()
        running.discard(step.digest)

    site.target.meanwhile = wait
    async with site.running():
        for number in range(5):
            name = f"f{number}"
            made = work([set_field(name, 1)], pb.PURPOSE_APPLY, snapshots=[{name: None}], action=f"act_{number}")
            await site.gateway.work.put(made)
        await full.wait()
        leave.set()
        await site.gateway.wait_for(lambda: len(site.gateway.reports) == 5)
    assert most == site.config.concurrency


async def test_work_in_hand_is_finished_and_reported_when_the_executor_is_told_to_stop(site: Site) -> None:
    reached, leave = asyncio.Event(), asyncio.Event()

    async def wait(call: str, step: Step) -> None:
        del call, step
        reached.set()
        await leave.wait()

    site.target.meanwhile = wait
    async with serving(site.gateway, site.socket), site.executor() as task:
        await site.gateway.work.put(work([STEP], pb.PURPOSE_APPLY, snapshots=BEFORE))
        await reached.wait()
        task.cancel()
        leave.set()
        await site.gateway.wait_for(lambda: bool(site.gateway.reports))
    assert site.gateway.reports[0].step.status == pb.STEP_STATUS_APPLIED


async def test_work_of_a_purpose_that_is_not_known_is_left_alone(site: Site) -> None:
    async with site.running():
        strange = work([STEP], pb.PURPOSE_APPLY)
        strange.purpose = pb.PURPOSE_UNSPECIFIED
        await site.gateway.work.put(strange)
        await site.gateway.send(work([STEP], pb.PURPOSE_APPLY, grant=b""))
    assert site.gateway.begins == []


async def test_patience_with_a_silent_gateway_ends(site: Site) -> None:
    site.config = replace(site.config, report_patience_s=0)
    link = Link(site.config, "instance-1")
    made = _work(work([STEP], pb.PURPOSE_APPLY))
    assert made is not None
    assert await link.report(made, RefusalSaid("X", "")) is False
    await link.close()
