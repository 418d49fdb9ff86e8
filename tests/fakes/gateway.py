"""An in-memory gateway for tests of the doors: a small, honest implementation of the use cases.

It keeps actions, incidents and leaves in dicts, answers the same request_id with the same answer, refuses with the
real error classes, and wakes watchers. It decides by the first word of a command: `deny`, `shadow`, `hold`, else allow.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from gateway.core.canonical import canonical, digest_bytes
from gateway.core.principal import Principal
from gateway.errors import CountermandError, InvalidRequest, NotFound, Precondition
from gateway.service.reports import ChunkReport, Report
from gateway.service.views import (
    AbsentView,
    ActionView,
    CapabilityView,
    DecisionView,
    DriftView,
    FindingView,
    HypothesisView,
    IncidentView,
    OutputView,
    PendingView,
    ProofView,
    Purpose,
    ScopeView,
    StatusView,
    StepView,
    Verdict,
    WorkView,
)

T = TypeVar("T")
DRIFT = DriftView(
    id="dft_01", action="act_01", step=0, target="k8s:prod/web", path="/spec/replicas", before="2", after="3",
    manager="argo", name="web", file="apps/web.yaml", owner="team-web", status="open", how="", by="", reference="",
    opened_ms=1, due_ms=2, closed_ms=0, proposal="Set it",
)  # fmt: skip
NOW = 1_764_000_000_000
TRIALS = [
    {
        "step": 0,
        "undo": "exact",
        "objects": [],
        "status": "ok",
        "targets": 1,
        "changes": [{"path": "/spec/replicas", "from": 2, "to": 3}],
    }
]
REVISION = "sha256:" + "e" * 64
FINAL = frozenset({"DENIED", "SHADOWED", "SUCCEEDED", "CANCELLED", "REJECTED", "COMMITTED", "UNDONE", "RESOLVED"})
_VERDICTS: Mapping[bytes, tuple[Verdict, str]] = {
    b"deny": ("deny", "DENIED"),
    b"shadow": ("shadow", "SHADOWED"),
    b"hold": ("approve", "AWAITING_APPROVAL"),
}


class FakeGateway:
    """All use cases, in memory."""

    def __init__(self) -> None:
        self.actions: dict[str, ActionView] = {}
        self.incidents: dict[str, IncidentView] = {}
        self.fingerprints: dict[str, str] = {}
        self.closed: set[str] = set()
        self.requests: dict[tuple[str, str], tuple[str, object]] = {}
        self.leaves: list[bytes] = []
        self.proofs: dict[str, ProofView] = {}
        self.notes = "countermand/test\n0\n"
        self.keys = b'{"keys":[]}'
        self.calls: list[tuple[str, Principal]] = []
        self.submitted: list[dict[str, object]] = []
        self.begun: list[tuple[object, ...]] = []
        self.reported: list[tuple[str, str, int, str, Report]] = []
        self.work: dict[str, list[WorkView]] = {}
        self.attached: set[str] = set()
        self.announced: list[tuple[str, str, str, bytes]] = []
        self.instances: list[str] = []
        self.switches: list[str] = []
        self.events: dict[str, list[OutputView]] = {}
        self.changed = asyncio.Event()
        self.watched = threading.Event()
        """Set once somebody watches an open action."""
        self.unwatched = threading.Event()
        """Set once a watch of an open action was left."""
        self.failures: list[BaseException] = []
        """Raised one by one by the next calls of `submit`."""
        self.policy_revision = REVISION

    # --- actions

    async def submit(
        self,
        principal: Principal,
        *,
        request_id: str,
        command: bytes | None,
        steps: bytes | None,
        scope: str,
        justification: str,
        incident: str,
        hypothesis: str,
        lease_s: int,
        validate_only: bool,
        wait_ms: int = 0,
    ) -> ActionView:
        self.calls.append(("submit", principal))
        self.submitted.append({"request_id": request_id, "command": command, "steps": steps, "scope": scope,
                               "incident": incident, "hypothesis": hypothesis, "lease_s": lease_s,
                               "wait_ms": wait_ms})  # fmt: skip
        if self.failures:
            raise self.failures.pop(0)
        content = (command or steps or b"") + scope.encode()
        view = self._new_action(principal, (command or b"").split(b" ")[0], justification, incident)
        if validate_only:
            return replace(view, id="")
        return self._once(principal, request_id, content, lambda: self._keep(view))

    def _new_action(self, principal: Principal, word: bytes, justification: str, incident: str) -> ActionView:
        verdict, state = _VERDICTS.get(word, ("allow", "SUCCEEDED"))
        finding = FindingView("FAKE_RULE", 0, None, "deny", "the fake says no", "say something else")
        permit = FindingView("FAKE_RULE", 0, verdict, None, "the fake says yes", "")
        decision = DecisionView(
            verdict, (finding if verdict == "deny" else permit,), REVISION, digest_bytes(b"decision"),
            [{"group": "sre", "n": 1}], {"notify": ["oncall"]},
        )  # fmt: skip
        step = StepView(digest_bytes(word), canonical({"word": word.decode()}), ("read",), "not_needed", "applied")
        return ActionView(
            id=f"act_{len(self.actions) + 1:02}", state=state, version=1, plan_digest=digest_bytes(b"plan"),
            steps=(step,), decision=decision, created_ms=NOW, updated_ms=NOW, agent=principal.id, incident=incident,
            reason="", receipt=b"", outputs=(OutputView(0, b"42", truncated=False),) if state == "SUCCEEDED" else (),
            lease_end_ms=0, rendering="a step", justification=justification, state_digest=digest_bytes(b"state"),
        )  # fmt: skip

    async def get_action(self, principal: Principal, action: str) -> ActionView:
        self.calls.append(("get_action", principal))
        view = self.actions.get(action)
        if view is None or (principal.door == "agent" and view.agent != principal.id):
            raise NotFound("ACTION_UNKNOWN", f"no action `{action}`", action=action, remedy="list your actions")
        return view

    async def list_actions(
        self, principal: Principal, *, page_size: int, page_token: str, incident: str, states: Sequence[str]
    ) -> tuple[list[ActionView], str]:
        rows = [
            a for a in sorted(self.actions.values(), key=lambda a: a.id, reverse=True)
            if (not page_token or a.id < page_token) and (not incident or a.incident == incident)
            and (not states or a.state in states) and (principal.door != "agent" or a.agent == principal.id)
        ]  # fmt: skip
        page = rows[:page_size]
        return page, page[-1].id if len(rows) > page_size else ""

    async def watch(self, principal: Principal, action: str) -> AsyncGenerator[ActionView | OutputView, None]:
        view = await self.get_action(principal, action)
        sent = 0
        try:
            yield view
            while view.state not in FINAL:
                self.watched.set()
                await self.changed.wait()
                for chunk in self.events.get(action, [])[sent:]:
                    sent += 1
                    yield chunk
                self.changed.clear()
                if self.actions[action].version != view.version:
                    view = self.actions[action]
                    yield view
        finally:
            if view.state not in FINAL:
                self.unwatched.set()

    async def cancel(self, principal: Principal, request_id: str, action: str, reason: str) -> ActionView:
        return self._move(principal, request_id, action, "CANCELLED", frozenset({"AWAITING_APPROVAL"}), reason)

    async def rollback(self, principal: Principal, request_id: str, action: str, reason: str) -> ActionView:
        return self._move(principal, request_id, action, "UNDONE", frozenset({"COMMITTED", "SUCCEEDED"}), reason)

    async def renew(self, principal: Principal, request_id: str, action: str, lease_s: int) -> ActionView:
        view = self._move(principal, request_id, action, "LEASED", frozenset({"LEASED"}), "renewed")
        return self._set(replace(view, lease_end_ms=NOW + lease_s * 1000))

    async def release(self, principal: Principal, request_id: str, action: str) -> ActionView:
        return self._move(principal, request_id, action, "UNDONE", frozenset({"LEASED"}), "released")

    # --- incidents

    async def open_incident(self, principal: Principal, request_id: str, title: str) -> IncidentView:
        source = "agent" if principal.door == "agent" else "human"
        return self._once(principal, request_id, title.encode(), lambda: self._open(source, title, {}, NOW))

    async def open_alert(
        self, source: str, *, title: str, labels: Mapping[str, str], alert_ms: int, fingerprint: str
    ) -> IncidentView:
        known = self.fingerprints.get(fingerprint)
        if known is not None and known not in self.closed:
            return self.incidents[known]
        view = self._open(source, title, labels, alert_ms)
        self.fingerprints[fingerprint] = view.id
        return view

    async def get_incident(self, principal: Principal, incident: str) -> IncidentView:
        self.calls.append(("get_incident", principal))
        if incident not in self.incidents:
            raise NotFound("INCIDENT_UNKNOWN", f"no incident `{incident}`")
        return self.incidents[incident]

    async def list_incidents(
        self, principal: Principal, *, page_size: int, page_token: str, open_only: bool
    ) -> tuple[list[IncidentView], str]:
        self.calls.append(("list_incidents", principal))
        rows = [i for i in self.incidents.values() if not (open_only and i.id in self.closed)]
        rows = [i for i in reversed(rows) if not page_token or i.id < page_token]
        return rows[:page_size], rows[page_size - 1].id if len(rows) > page_size else ""

    async def add_hypothesis(
        self, principal: Principal, request_id: str, incident: str, text: str
    ) -> tuple[IncidentView, str]:
        view = await self.get_incident(principal, incident)
        new = HypothesisView(f"h{len(view.hypotheses) + 1}", text, "open")
        changed = replace(view, hypotheses=(*view.hypotheses, new), phase="hypotheses")
        return self._once(principal, request_id, text.encode(), lambda: (self._set_incident(changed), new.id))

    async def declare_cause(
        self,
        principal: Principal,
        request_id: str,
        incident: str,
        hypothesis: str,
        cause: str,
        evidence: tuple[str, ...],
    ) -> IncidentView:
        view = await self.get_incident(principal, incident)
        judged = tuple(replace(h, state="supported" if h.id == hypothesis else "refuted") for h in view.hypotheses)
        changed = replace(view, hypotheses=judged, cause=f"{cause} {' '.join(evidence)}".strip(), phase="remediation")
        return self._once(principal, request_id, cause.encode(), lambda: self._set_incident(changed))

    async def close_incident(self, principal: Principal, request_id: str, incident: str) -> IncidentView:
        view = replace(await self.get_incident(principal, incident), phase="closed")
        self.closed.add(incident)
        return self._once(principal, request_id, incident.encode(), lambda: self._set_incident(view))

    # --- approvals

    async def list_pending(self, principal: Principal) -> list[PendingView]:
        self.calls.append(("list_pending", principal))
        waiting = [a for a in self.actions.values() if a.state == "AWAITING_APPROVAL"]
        return [PendingView(a, f"nonce-{a.id}", NOW + 3_600_000, (), TRIALS) for a in waiting]

    async def approve(
        self,
        principal: Principal,
        request_id: str,
        action: str,
        *,
        plan_digest: str,
        decision_digest: str,
        state_digest: str,
        nonce: str,
        comment: str,
    ) -> ActionView:
        view = await self.get_action(principal, action)
        shown = (view.plan_digest, view.decision and view.decision.digest, view.state_digest, f"nonce-{action}")
        if (plan_digest, decision_digest, state_digest, nonce) != shown:
            raise Precondition("VOTE_STALE", "the action is not what was shown", remedy="list what is pending again")
        return self._move(principal, request_id, action, "SUCCEEDED", frozenset({"AWAITING_APPROVAL"}), comment)

    async def reject(self, principal: Principal, request_id: str, action: str, comment: str) -> ActionView:
        return self._move(principal, request_id, action, "REJECTED", frozenset({"AWAITING_APPROVAL"}), comment)

    async def acknowledge(self, principal: Principal, request_id: str, action: str, mark: str) -> ActionView:
        return self._move(principal, request_id, action, "SHADOWED", frozenset({"SHADOWED"}), mark)

    async def keep(self, principal: Principal, request_id: str, action: str) -> ActionView:
        return self._move(principal, request_id, action, "COMMITTED", frozenset({"LEASED", "VERIFYING"}), "kept")

    async def resolve(
        self, principal: Principal, request_id: str, action: str, resolution: str, comment: str
    ) -> ActionView:
        reason = f"{resolution} {comment}".strip()
        return self._move(principal, request_id, action, "RESOLVED", frozenset({"NEEDS_HUMAN"}), reason)

    # --- log

    async def checkpoint(self, min_size: int) -> str:
        if min_size > len(self.leaves):
            await asyncio.Event().wait()
        return self.notes

    async def proof(self, *, index: int | None, action: str, first_size: int, size: int) -> ProofView:
        if action in self.proofs:
            return self.proofs[action]
        if index is None:
            return ProofView(-1, b"", (first_size.to_bytes(32, "big"), size.to_bytes(32, "big")), self.notes)
        if index >= len(self.leaves):
            raise NotFound("LEAF_UNKNOWN", f"no leaf {index}")
        return ProofView(index, self.leaves[index], (b"h" * 32,), self.notes)

    async def tail(self, first: int, follow: bool) -> AsyncGenerator[tuple[int, bytes], None]:  # noqa: FBT001 -- a wire field
        index = first
        while True:
            while index < len(self.leaves):
                yield index, self.leaves[index]
                index += 1
            if not follow:
                return
            await self.changed.wait()
            self.changed.clear()

    async def jwks(self) -> bytes:
        return self.keys

    # --- control

    async def capabilities(self, principal: Principal) -> CapabilityView:
        self.calls.append(("capabilities", principal))
        scope = ScopeView("prod-eu", "kubernetes", ("prod",), online=True)
        return CapabilityView((scope,), ("kubectl",), ("true",), REVISION)

    async def stop(self, principal: Principal, request_id: str, agent: str, environment: str, reason: str) -> int:
        return self._switch(principal, request_id, f"stop {agent} {environment} {reason}")

    async def freeze(self, principal: Principal, request_id: str, agent: str, environment: str, reason: str) -> int:
        return self._switch(principal, request_id, f"freeze {agent} {environment} {reason}")

    async def resume(self, principal: Principal, request_id: str, agent: str, environment: str, reason: str) -> int:
        return self._switch(principal, request_id, f"resume {agent} {environment} {reason}")

    async def status(self) -> StatusView:
        away = AbsentView("executor/eu", ("orders-db",), NOW)
        return StatusView(
            tuple(self.switches), self.policy_revision, "", tuple(sorted(self.attached)), len(self.leaves), (away,)
        )

    async def withdraw(self, principal: Principal, request_id: str, revision: str, reason: str) -> tuple[str, ...]:
        return self._once(principal, request_id, f"{revision} {reason}".encode(), lambda: tuple(sorted(self.actions)))

    async def list_drift(
        self, *, entry: str, open_only: bool, page_size: int, page_token: str
    ) -> tuple[list[DriftView], str]:
        self.calls.append(("list_drift", entry, open_only, page_size, page_token))
        return [DRIFT], "next"

    async def close_drift(self, principal: Principal, request_id: str, entry: str, reference: str) -> DriftView:
        closed = replace(DRIFT, id=entry, status="closed", how="proposed", by=principal.id, reference=reference)
        return self._once(principal, request_id, f"{entry} {reference}".encode(), lambda: closed)

    # --- executors

    async def attach(
        self, audience: str, instance: str, *, process: str = "", concurrency: int = 0
    ) -> AsyncGenerator[WorkView, None]:
        del process, concurrency
        self.attached.add(audience)
        self.instances.append(instance)
        self.changed.set()
        try:
            for work in self.work.get(audience, []):
                yield work
            await asyncio.Event().wait()
        finally:
            self.attached.discard(audience)
            self.changed.set()

    async def announce(self, *, audience: str, instance: str, scope: str, document: bytes) -> tuple[bool, str]:
        self.announced.append((audience, instance, scope, document))
        return (True, "") if document else (False, "DISCOVERY_MALFORMED")

    async def begin_attempt(
        self, *, work_id: str, action: str, purpose: Purpose, nonce: str, fence: int, instance: str
    ) -> tuple[bool, str]:
        self.begun.append((work_id, action, purpose, nonce, fence, instance))
        return (True, "") if fence > 0 else (False, "FENCE_LOWER")

    async def report(self, *, work_id: str, action: str, fence: int, instance: str, body: Report) -> tuple[bool, str]:
        self.reported.append((work_id, action, fence, instance, body))
        if isinstance(body, ChunkReport):
            self.chunk(action, OutputView(body.step, body.data, truncated=False))
        return True, ""

    # --- what tests do to it

    def set_state(self, action: str, state: str) -> ActionView:
        view = self.actions[action]
        return self._set(replace(view, state=state, version=view.version + 1))

    def chunk(self, action: str, chunk: OutputView) -> None:
        self.events.setdefault(action, []).append(chunk)
        self.changed.set()

    # --- inside

    def _once(self, principal: Principal, request_id: str, content: bytes, make: Callable[[], T]) -> T:
        digest = digest_bytes(content)
        known = self.requests.get((principal.id, request_id))
        if known is None:
            self.requests[principal.id, request_id] = (digest, make())
        elif known[0] != digest:
            raise InvalidRequest("REQUEST_ID_REUSED", "the request_id was used with other content")
        answer: T = self.requests[principal.id, request_id][1]  # type: ignore[assignment]  # what `make` made
        return answer

    def _move(
        self, principal: Principal, request_id: str, action: str, to: str, allowed: frozenset[str], reason: str
    ) -> ActionView:
        self.calls.append((to, principal))
        view = self.actions.get(action)
        if view is None:
            raise NotFound("ACTION_UNKNOWN", f"no action `{action}`")
        if view.state not in allowed:
            raise Precondition("STATE_FORBIDS", f"`{action}` is {view.state}", state=view.state)
        moved = replace(view, state=to, version=view.version + 1, reason=reason)
        return self._once(principal, request_id, f"{action} {to}".encode(), lambda: self._set(moved))

    def _keep(self, view: ActionView) -> ActionView:
        self.leaves.append(canonical({"action": view.id}))
        return self._set(view)

    def _set(self, view: ActionView) -> ActionView:
        self.actions[view.id] = view
        self.changed.set()
        return view

    def _open(self, source: str, title: str, labels: Mapping[str, str], alert_ms: int) -> IncidentView:
        number = len(self.incidents) + 1
        return self._set_incident(
            IncidentView(f"inc_{number:02}", title, source, "triage", alert_ms, NOW, (), "", labels, 0)
        )

    def _set_incident(self, view: IncidentView) -> IncidentView:
        self.incidents[view.id] = view
        return view

    def _switch(self, principal: Principal, request_id: str, line: str) -> int:
        self.calls.append((line.partition(" ")[0], principal))

        def note() -> int:
            self.switches.append(line)
            self.leaves.append(line.encode())
            return len(self.leaves) - 1

        return self._once(principal, request_id, line.encode(), note)


def every_error() -> list[type[CountermandError]]:
    """Return CountermandError and all its subclasses."""
    found: list[type[CountermandError]] = [CountermandError]
    for cls in found:
        found.extend(cls.__subclasses__())
    return found
