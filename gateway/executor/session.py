"""The line to the gateway: dial, attach, do what comes, report until it is heard. The only user of protobuf here."""

import asyncio
import logging
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import grpc
from countermand.gateway.v1 import executor_service_pb2 as pb
from countermand.gateway.v1.executor_service_pb2_grpc import ExecutorServiceStub

from gateway.core.canonical import Json, canonical
from gateway.core.grant import Purpose
from gateway.executor.config import ExecutorConfig, GatewayAddress
from gateway.executor.messages import (
    Begun,
    ObservationSaid,
    ProbeSaid,
    RefusalSaid,
    Said,
    SamplesSaid,
    StepSaid,
    UndoSaid,
    Work,
)
from gateway.executor.work import Worker

_LOG = logging.getLogger(__name__)
_CALL_TIMEOUT_S = 15.0
_CHUNK_TIMEOUT_S = 2.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_GRACE_S = 10.0
"""How long work in hand may go on once the executor is told to stop."""
_MAX_WORK_IDS = 10_000
_MESSAGE_BYTES = 16 * 1_024 * 1_024
_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
)
_AGAIN = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    }
)
"""A gateway that restarts or has a fault answers so; a report is idempotent there, so it is sent again."""
_PURPOSE = {
    pb.PURPOSE_OBSERVE: Purpose.OBSERVE,
    pb.PURPOSE_APPLY: Purpose.APPLY,
    pb.PURPOSE_PROBE: Purpose.PROBE,
    pb.PURPOSE_SAMPLE: Purpose.SAMPLE,
    pb.PURPOSE_UNDO: Purpose.UNDO,
}
_PURPOSE_PB = {purpose: number for number, purpose in _PURPOSE.items()}
_STEP_PB = {
    "applied": pb.STEP_STATUS_APPLIED,
    "not_applied": pb.STEP_STATUS_NOT_APPLIED,
    "partly": pb.STEP_STATUS_PARTLY,
    "unknown": pb.STEP_STATUS_UNKNOWN,
}
_UNDO_PB = {
    "undone": pb.UNDO_STATUS_UNDONE,
    "conflict": pb.UNDO_STATUS_CONFLICT,
    "retry": pb.UNDO_STATUS_RETRY,
    "impossible": pb.UNDO_STATUS_IMPOSSIBLE,
}


class Link:
    """One channel to the gateway; it reconnects by itself."""

    def __init__(self, config: ExecutorConfig, instance: str) -> None:
        self._config = config
        self._instance = instance
        self._channel = _dial(config.gateway)
        self._stub = ExecutorServiceStub(self._channel)
        token = config.gateway.token
        self._metadata = () if token is None else (("authorization", f"Bearer {token.reveal()}"),)

    async def work(self) -> AsyncIterator[Work]:
        """Attach and yield work until the stream breaks (grpc.aio.AioRpcError) or ends."""
        request = pb.AttachRequest(
            audience=self._config.audience, instance=self._instance, concurrency=self._config.concurrency
        )
        async for response in self._stub.Attach(request, metadata=self._metadata):
            work = _work(response.work) if response.HasField("work") else None
            if work is not None:
                yield work

    async def begin(self, work: Work, nonce: str) -> Begun:
        """Ask once; an answer that does not come counts as no, because asking again could begin twice."""
        request = pb.BeginAttemptRequest(
            work_id=work.work_id, action_id=work.action, purpose=_PURPOSE_PB[work.purpose], nonce=nonce,
            fence=work.fence, instance=self._instance,
        )  # fmt: skip
        try:
            answer = await self._stub.BeginAttempt(request, metadata=self._metadata, timeout=_CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as exc:
            return Begun(begun=False, reason=f"GATEWAY_{exc.code().name}", lost=True)
        return Begun(answer.begun, answer.reason)

    async def report(self, work: Work, said: Said) -> bool:
        """Offer a report until the gateway takes it, refuses it, or patience ends; true to go on."""
        request = self._request(work, said)
        pause = _FIRST_PAUSE_S
        try:
            async with asyncio.timeout(self._config.report_patience_s):
                while True:
                    try:
                        answer = await self._stub.Report(request, metadata=self._metadata, timeout=_CALL_TIMEOUT_S)
                    except grpc.aio.AioRpcError as exc:
                        if exc.code() not in _AGAIN:
                            _LOG.error("report of work %s refused: %s", work.work_id, exc.code().name)
                            return False
                    else:
                        return bool(answer.proceed)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE_S)
        except TimeoutError:
            _LOG.error("report of work %s given up: the gateway does not answer", work.work_id)
            return False

    async def chunk(self, work: Work, step: int, data: bytes) -> None:
        """Send live output; the recorded outcome has it again, so what is lost here is not missed."""
        request = self._request(work, None)
        request.chunk.CopyFrom(pb.OutputChunk(step=step, data=data))
        with suppress(grpc.aio.AioRpcError):
            await self._stub.Report(request, metadata=self._metadata, timeout=_CHUNK_TIMEOUT_S)

    async def announce(self, scope: str, document: bytes) -> str | None:
        """Tell what a scope serves; see announce.Listener."""
        request = pb.AnnounceRequest(
            audience=self._config.audience, instance=self._instance, scope=scope, document=document
        )
        try:
            answer = await self._stub.Announce(request, metadata=self._metadata, timeout=_CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as exc:
            return None if exc.code() in _AGAIN else str(exc.code().name)
        return "" if answer.accepted else str(answer.reason)

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close(grace=None)

    def _request(self, work: Work, said: Said | None) -> pb.ReportRequest:
        request = pb.ReportRequest(
            work_id=work.work_id, action_id=work.action, fence=work.fence, instance=self._instance
        )
        match said:
            case RefusalSaid():
                request.refusal.CopyFrom(pb.Refusal(code=said.code, detail=said.detail))
            case ObservationSaid():
                request.observation.CopyFrom(pb.Observation(document=said.document))
            case StepSaid():
                request.step.CopyFrom(_outcome(said))
            case ProbeSaid():
                status = _STEP_PB[said.applied.status]
                request.probe.CopyFrom(pb.ProbeResult(step=said.step, status=status, after=_json(said.applied.after)))
            case SamplesSaid():
                request.samples.CopyFrom(pb.Samples(document=said.document))
            case UndoSaid():
                request.undo.CopyFrom(_undo(said))
            case None:
                pass
        return request


class Session:
    """Attached for as long as the process lives: work runs concurrently, that of one action in order."""

    def __init__(
        self, config: ExecutorConfig, link: Link, worker: Worker, attaching: Callable[[], None] = lambda: None
    ) -> None:
        self._link = link
        self._attaching = attaching
        self._worker = worker
        self._slots = asyncio.Semaphore(config.concurrency)
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._tasks: set[asyncio.Task[None]] = set()
        self._seen: dict[str, None] = {}

    async def serve(self) -> None:
        """Attach, again and again, until cancelled; then give work in hand a little time to be reported."""
        loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE_S
        try:
            while True:
                began = loop.time()
                ended = await self._attach()
                pause = _FIRST_PAUSE_S if loop.time() - began > _LONGEST_PAUSE_S else pause
                if pause == _FIRST_PAUSE_S:  # said once, not at every try of a long outage
                    _LOG.warning("not attached to the gateway: %s", ended)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_S)
        finally:
            await self._finish()

    async def _attach(self) -> str:
        """Take work until the stream ends, and return why it did."""
        self._attaching()
        try:
            async for work in self._link.work():
                self._take(work)
        except grpc.aio.AioRpcError as exc:
            return str(exc.code().name)
        return "the gateway ended the stream"

    def _take(self, work: Work) -> None:
        """Start a task for work that was not seen before; a second delivery of the same work is dropped."""
        if work.work_id in self._seen:
            return
        self._seen[work.work_id] = None
        if len(self._seen) > _MAX_WORK_IDS:
            del self._seen[next(iter(self._seen))]
        task = asyncio.create_task(self._do(work), name=f"work {work.work_id}")
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def _do(self, work: Work) -> None:
        turn = self._turns.setdefault(work.action, asyncio.Lock())
        async with turn, self._slots:
            await self._worker.do(work)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (exc := task.exception()) is not None:
            _LOG.error("%s failed", task.get_name(), exc_info=exc)

    async def _finish(self) -> None:
        if not self._tasks:
            return
        _, pending = await asyncio.wait(self._tasks, timeout=_GRACE_S)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


def _dial(gateway: GatewayAddress) -> grpc.aio.Channel:
    if gateway.ca_file is None:
        return grpc.aio.insecure_channel(gateway.address, options=_OPTIONS)
    credentials = grpc.ssl_channel_credentials(root_certificates=gateway.ca_file.read_bytes())
    return grpc.aio.secure_channel(gateway.address, credentials, options=_OPTIONS)


def _work(work: pb.Work) -> Work | None:
    purpose = _PURPOSE.get(work.purpose)
    if purpose is None:
        _LOG.error("work %s has no purpose this executor knows", work.work_id)
        return None
    return Work(
        work_id=work.work_id, action=work.action_id, purpose=purpose, grant=work.grant, plan=work.plan,
        fence=work.fence, snapshot=work.snapshot, checks=work.checks, deadline_ms=work.deadline_ms,
        first_step=work.first_step, progress=work.progress,
    )  # fmt: skip


def _outcome(said: StepSaid) -> pb.StepOutcome:
    applied = said.applied
    return pb.StepOutcome(
        step=said.step, status=_STEP_PB[applied.status], code=applied.code, detail=applied.detail,
        output=applied.output, truncated=applied.truncated, after=_json(applied.after),
    )  # fmt: skip


def _undo(said: UndoSaid) -> pb.UndoOutcome:
    undone = said.undone
    return pb.UndoOutcome(
        step=said.step, status=_UNDO_PB[undone.status], code=undone.code, detail=undone.detail,
        read_back=_json(undone.read_back),
    )  # fmt: skip


def _json(value: Json) -> bytes:
    return b"" if value is None else canonical(value)
