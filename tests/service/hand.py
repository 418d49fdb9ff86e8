"""An executor that a test plays by hand: it takes work and says whatever it likes, truth or not."""

from dataclasses import dataclass, field

from gateway.core.canonical import Json, canonical, loads_strict
from gateway.core.dsse import Envelope
from gateway.core.statement import Statement
from gateway.service.hub import Session
from gateway.service.reports import ObservationReport, ProbeReport, Report, SamplesReport, StepReport, UndoReport
from gateway.service.settings import Timing
from gateway.service.views import WorkView
from tests.fakes.world import AUDIENCE, READ, VERIFY, WRITE, Lab

ROLE = "pg:orders-db/role/checkout"
FAST = Timing(attempt_ms=5_000, attempt_margin_ms=500)
TWO = b'psql -c "ALTER ROLE checkout CONNECTION LIMIT 5" && psql -c "ALTER ROLE shop CONNECTION LIMIT 7"'
MIXED = READ + b" && " + TWO


@dataclass
class Hand:
    """One attached executor; work that was taken stays in `taken`."""

    made: Lab
    session: Session
    instance: str = "hand"
    taken: list[WorkView] = field(default_factory=list)

    @classmethod
    def attach(cls, made: Lab, instance: str = "hand", *, concurrency: int = 0) -> "Hand":
        session = made.world.hub.open(AUDIENCE, instance, process=instance, concurrency=concurrency)
        return cls(made, session, instance)

    async def take(self, purpose: str) -> WorkView:
        """Return the newest work of a purpose that is there without time passing."""
        await self.made.clock.settle()
        while not self.session.queue.empty():
            self.taken.append(self.session.queue.get_nowait())
        return [w for w in self.taken if w.purpose == purpose][-1]

    async def begin(self, work: WorkView, *, nonce: str = "", fence: int | None = None) -> tuple[bool, str]:
        signed = Statement.from_bytes(Envelope.from_bytes(work.grant).payload).predicate["nonce"]
        return await self.made.gateway.begin_attempt(
            work_id=work.work_id, action=work.action, purpose=work.purpose, nonce=nonce or signed,
            fence=work.fence if fence is None else fence, instance=self.instance,
        )  # fmt: skip

    async def say(
        self, work: WorkView, body: Report, *, work_id: str = "", action: str = "", fence: int | None = None
    ) -> tuple[bool, str]:
        answer = await self.made.gateway.report(
            work_id=work_id or work.work_id, action=action or work.action,
            fence=work.fence if fence is None else fence, instance=self.instance, body=body,
        )  # fmt: skip
        await self.made.clock.settle()
        return answer

    async def observe(self, *, steps: int = 1, limit: int = 0, undo_class: str = "exact", **more: Json) -> WorkView:
        """Answer the observation that waits, with the same for every step."""
        work = await self.take("observe")
        await self.begin(work)
        await self.say(work, ObservationReport(canonical(seen(self.made, steps, limit, undo_class, **more))))
        return work

    async def sample_again(self, value: Json = 1.0) -> tuple[bool, str]:
        """Answer the next round of samples, as after an undo."""
        await self.made.clock.advance(1_000)
        work = await self.take("sample")
        await self.begin(work)
        asked = [str(check["name"]) for check in loads_strict(work.checks)]
        return await self.say(work, samples(*((name, self.made.clock.now_ms(), value) for name in asked)))

    async def observe_each(self, undo_classes: list[str]) -> None:
        """Answer the observation that waits, with an undo class for each step."""
        work = await self.take("observe")
        await self.begin(work)
        document = seen(self.made, len(undo_classes))
        steps = [{**s, "undo_class": c} for s, c in zip(document["steps"], undo_classes, strict=True)]
        await self.say(work, ObservationReport(canonical({**document, "steps": steps})))

    async def granted(self, *, steps: int = 1, **more: Json) -> WorkView:
        """Observe, and return the work to apply that follows."""
        await self.observe(steps=steps, **more)
        return await self.take("apply")


async def running(made: Lab, command: bytes = WRITE, steps: int = 1, **more: Json) -> tuple[Hand, str]:
    """Return a hand whose attempt of an action has begun, and the action."""
    made.policy.obligations = made.policy.obligations or [VERIFY]
    hand = Hand.attach(made)
    view = await made.settled(command, **more)
    work = await hand.granted(steps=steps)
    assert await hand.begin(work) == (True, "")
    return hand, view.id


def seen(made: Lab, steps: int = 1, limit: int = 0, undo_class: str = "exact", **more: Json) -> dict[str, Json]:
    """Return an observation as an executor sends it."""
    fact = {
        "target": ROLE, "status": "known", "observed_ms": made.clock.now_ms(),
        "value": {"exists": True, "connection_limit": limit},
    }  # fmt: skip
    step = {
        "facts": [fact],
        "preflight": {"status": "ok", "targets": 1, "changes": [{"path": "/limit", "from": limit, "to": 5}]},
        "snapshot": {"limit": limit}, "undo_class": undo_class,
    }  # fmt: skip
    return {"steps": [{**step, **more} for _ in range(steps)], "baseline": {"0/errors": 1.0}}


def applied(step: int = 0, status: str = "applied", code: str = "") -> StepReport:
    return StepReport(step, status, code, "", b"", truncated=False, after=b"")  # type: ignore[arg-type]


def probed(step: int, status: str) -> ProbeReport:
    return ProbeReport(step, status, b"")  # type: ignore[arg-type]


def undone(step: int = 0, status: str = "undone", code: str = "") -> UndoReport:
    return UndoReport(step, status, code, "", canonical({"limit": 0}))  # type: ignore[arg-type]


def samples(*values: tuple[str, int, Json]) -> SamplesReport:
    """Return a round of samples; no field was read back."""
    return SamplesReport(canonical({"samples": [{"check": c, "at_ms": at, "value": v} for c, at, v in values]}))
