"""A gateway as executors see it: a real gRPC server that hands out work and writes down what it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from countermand.gateway.v1 import executor_service_pb2 as pb
from countermand.gateway.v1.executor_service_pb2_grpc import (
    ExecutorServiceServicer,
    add_ExecutorServiceServicer_to_server,
)

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Any, Any]


def always(request: pb.BeginAttemptRequest) -> pb.BeginAttemptResponse:  # noqa: ARG001  # answers every request
    return pb.BeginAttemptResponse(begun=True)


class ExecutorGateway(ExecutorServiceServicer):  # type: ignore[misc]  # generated code has no types
    """Answers at once, and lets tests wait for what comes; honest unless a test swaps its answers."""

    def __init__(self) -> None:
        self.work: asyncio.Queue[pb.Work] = asyncio.Queue()
        self.attached: list[pb.AttachRequest] = []
        self.announced: list[pb.AnnounceRequest] = []
        self.begins: list[pb.BeginAttemptRequest] = []
        self.reports: list[pb.ReportRequest] = []
        self.chunks: list[pb.ReportRequest] = []
        self.tokens: set[str] = set()
        self.begin: Callable[[pb.BeginAttemptRequest], pb.BeginAttemptResponse] = always
        self.proceed: Callable[[pb.ReportRequest], bool] = lambda _: True
        self.fail: list[grpc.StatusCode] = []
        """Status codes with which the next reports fail, before they are heard."""
        self._heard = asyncio.Condition()

    async def Attach(  # noqa: N802  # the name on the wire
        self, request: pb.AttachRequest, context: "Context"
    ) -> AsyncIterator[pb.AttachResponse]:
        self.tokens |= {str(v) for k, v in context.invocation_metadata() or () if k == "authorization"}
        async with self._heard:
            self.attached.append(request)
            self._heard.notify_all()
        while True:
            yield pb.AttachResponse(work=await self.work.get())

    async def Announce(  # noqa: N802  # the name on the wire
        self, request: pb.AnnounceRequest, context: "Context"
    ) -> pb.AnnounceResponse:
        del context
        async with self._heard:
            self.announced.append(request)
            self._heard.notify_all()
        return pb.AnnounceResponse(accepted=True)

    async def BeginAttempt(  # noqa: N802  # the name on the wire
        self, request: pb.BeginAttemptRequest, context: "Context"
    ) -> pb.BeginAttemptResponse:
        self.begins.append(request)
        answer = self.begin(request)
        if answer.reason == "BREAK":
            await context.abort(grpc.StatusCode.UNAVAILABLE, "broken")
        return answer

    async def Report(  # noqa: N802  # the name on the wire
        self, request: pb.ReportRequest, context: "Context"
    ) -> pb.ReportResponse:
        if self.fail:
            await context.abort(self.fail.pop(0), "broken")
        async with self._heard:
            (self.chunks if request.HasField("chunk") else self.reports).append(request)
            self._heard.notify_all()
        return pb.ReportResponse(proceed=self.proceed(request))

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return once something was heard that makes the condition true; fails after a minute."""
        async with asyncio.timeout(60), self._heard:
            await self._heard.wait_for(condition)

    async def send(self, work: pb.Work, reports: int = 1) -> list[pb.ReportRequest]:
        """Hand out work and return the reports about it, once there are so many."""

        def about() -> list[pb.ReportRequest]:
            return [r for r in self.reports if r.work_id == work.work_id]

        await self.work.put(work)
        await self.wait_for(lambda: len(about()) >= reports)
        return about()


@asynccontextmanager
async def serving(gateway: ExecutorGateway, socket: Path) -> AsyncIterator[str]:
    """Serve on a Unix socket and yield its address."""
    server = grpc.aio.server()
    add_ExecutorServiceServicer_to_server(gateway, server)
    server.add_insecure_port(f"unix:{socket}")
    await server.start()
    try:
        yield f"unix:{socket}"
    finally:
        await server.stop(grace=None)
