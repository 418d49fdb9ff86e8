"""The gateway as its doors see it: every use case, one line each."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from time import perf_counter

from gateway.core.keys import emit_jwks
from gateway.core.lifecycle import FINAL, State
from gateway.core.principal import Principal
from gateway.errors import InvalidRequest
from gateway.ports import Tx
from gateway.service import approve as approvals
from gateway.service import attempt, control, drift, incidents, leases, lifeops, log
from gateway.service.announce import announce as announced
from gateway.service.drive import hasten
from gateway.service.operate import get_action, get_changed, read_surely
from gateway.service.proposal import Ask
from gateway.service.query import is_edited, listed_view
from gateway.service.reported import reported
from gateway.service.reports import Report
from gateway.service.rest import check_wait, rested
from gateway.service.submit import submit
from gateway.service.views import (
    ActionView,
    CapabilityView,
    DriftView,
    IncidentView,
    OutputView,
    PendingView,
    ProofView,
    Purpose,
    ScopeView,
    StatusView,
    WorkView,
)
from gateway.service.waiting import absent_executors
from gateway.service.world import World

_PAGE_MAX = 200
_TOOLS = ("aws", "git", "kubectl", "psql")
"""First words of commands whose text is understood, besides configured processes."""
_PAGE_DEFAULT = 50
_LEASE_MAX_S = 2**31
"""Beyond it a time in milliseconds has no canonical form; what is allowed is much less."""


class Gateway:
    """Implements `usecases.GatewayUseCases` over one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.policy_error: Callable[[], str] = str
        """Says why the newest bundle was not accepted; empty when it was."""

    # --- actions ---
    async def submit(
        self, principal: Principal, *, request_id: str, command: bytes | None, steps: bytes | None, scope: str,
        justification: str, incident: str, hypothesis: str, lease_s: int, validate_only: bool, wait_ms: int = 0,
    ) -> ActionView:  # fmt: skip
        """Parse, decide and record a proposal; exactly one of `command` and `steps` is given."""
        check_wait(wait_ms)
        text = command.decode(errors="backslashreplace") if command is not None else ""
        ask = Ask(request_id, text, justification, incident, hypothesis, _seconds(lease_s))
        began = perf_counter()
        view = await submit(
            self._world, principal, ask, command=command, steps=steps, scope=scope, validate_only=validate_only
        )
        if view.decision is not None:
            self._world.counts.decided(view.decision.verdict, perf_counter() - began)
        return await rested(self._world, principal, view, wait_ms)

    async def get_action(self, principal: Principal, action: str) -> ActionView:
        """Return an action; an agent sees only its own."""
        return await get_action(self._world, principal, action)

    async def list_actions(
        self, principal: Principal, *, page_size: int, page_token: str, incident: str, states: Sequence[str]
    ) -> tuple[list[ActionView], str]:
        """Return a page, newest first, and the token of the next one."""
        size = _size(page_size)
        agent = principal.id if principal.door == "agent" else ""

        def unit(tx: Tx) -> tuple[list[ActionView], str]:
            rows = tx.actions(states=states, incident=incident, agent=agent, before=page_token, limit=size + 1)
            token = rows[size - 1].id if len(rows) > size else ""
            return [listed_view(self._world, tx, row) for row in rows[:size]], token

        return await read_surely(self._world.store.scan, unit, lambda found: any(map(is_edited, found[0])))

    async def watch(self, principal: Principal, action: str) -> AsyncGenerator[ActionView | OutputView, None]:
        """Yield the action now, then every change and output chunk until a final state."""
        version = -1
        async for event in self._world.bus.watch(action):
            if event is not None:
                yield event
                continue
            view = await get_changed(self._world, principal, action, version)
            if view is None:
                continue
            version = view.version
            yield view
            if State(view.state) in FINAL:
                return

    async def cancel(self, principal: Principal, request_id: str, action: str, reason: str) -> ActionView:
        """Cancel what has not begun and abort what has."""
        return await lifeops.cancel(self._world, principal, request_id, action, reason)

    async def rollback(self, principal: Principal, request_id: str, action: str, reason: str) -> ActionView:
        """Take back a committed action inside its undo window."""
        return await lifeops.rollback(self._world, principal, request_id, action, reason)

    async def renew(self, principal: Principal, request_id: str, action: str, lease_s: int) -> ActionView:
        """Extend a lease."""
        return await leases.renew(self._world, principal, request_id, action, _seconds(lease_s))

    async def release(self, principal: Principal, request_id: str, action: str) -> ActionView:
        """End a lease now."""
        return await leases.release(self._world, principal, request_id, action)

    # --- incidents ---
    async def open_incident(self, principal: Principal, request_id: str, title: str) -> IncidentView:
        """Open an incident by hand."""
        return await incidents.open_incident(self._world, principal, request_id, title)

    async def open_alert(
        self, source: str, *, title: str, labels: Mapping[str, str], alert_ms: int, fingerprint: str
    ) -> IncidentView:
        """Open an incident for a verified alert; the same fingerprint returns the one that is open."""
        return await incidents.open_alert(
            self._world, source, title=title, labels=labels, alert_ms=alert_ms, fingerprint=fingerprint
        )

    async def get_incident(self, _principal: Principal, incident: str) -> IncidentView:
        """Return an incident."""
        return await incidents.get_incident(self._world, incident)

    async def list_incidents(
        self, _principal: Principal, *, page_size: int, page_token: str, open_only: bool
    ) -> tuple[list[IncidentView], str]:
        """Return a page of incidents, newest first."""
        return await incidents.list_incidents(
            self._world, page_size=_size(page_size), before=page_token, open_only=open_only
        )

    async def add_hypothesis(
        self, principal: Principal, request_id: str, incident: str, text: str
    ) -> tuple[IncidentView, str]:
        """Record a possible cause."""
        return await incidents.add_hypothesis(self._world, principal, request_id, incident, text)

    async def declare_cause(
        self, principal: Principal, request_id: str, incident: str, hypothesis: str, cause: str,
        evidence: tuple[str, ...],
    ) -> IncidentView:  # fmt: skip
        """Say which hypothesis holds."""
        return await incidents.declare_cause(self._world, principal, request_id, incident, hypothesis, cause, evidence)

    async def close_incident(self, principal: Principal, request_id: str, incident: str) -> IncidentView:
        """Close an incident."""
        return await incidents.close_incident(self._world, principal, request_id, incident)

    # --- people ---
    async def list_pending(self, _principal: Principal) -> list[PendingView]:
        """Return what waits for people."""
        return await approvals.list_pending(self._world)

    async def approve(
        self, principal: Principal, request_id: str, action: str, *, plan_digest: str, decision_digest: str,
        state_digest: str, nonce: str, comment: str,
    ) -> ActionView:  # fmt: skip
        """Vote for exactly what was shown."""
        return await approvals.approve(
            self._world, principal, request_id, action, plan_digest=plan_digest, decision_digest=decision_digest,
            state_digest=state_digest, nonce=nonce, comment=comment,
        )  # fmt: skip

    async def reject(self, principal: Principal, request_id: str, action: str, comment: str) -> ActionView:
        """Vote against an action."""
        return await approvals.reject(self._world, principal, request_id, action, comment)

    async def acknowledge(self, principal: Principal, request_id: str, action: str, mark: str) -> ActionView:
        """Score a suggestion."""
        return await lifeops.acknowledge(self._world, principal, request_id, action, mark)

    async def keep(self, principal: Principal, request_id: str, action: str) -> ActionView:
        """Keep a change."""
        return await leases.keep(self._world, principal, request_id, action)

    async def resolve(
        self, principal: Principal, request_id: str, action: str, resolution: str, comment: str
    ) -> ActionView:
        """End NEEDS_HUMAN."""
        return await lifeops.resolve(self._world, principal, request_id, action, resolution, comment)

    # --- log ---
    async def checkpoint(self, min_size: int) -> str:
        """Return the newest checkpoint once it covers `min_size` leaves."""
        return await log.checkpoint(self._world, min_size)

    async def proof(self, *, index: int | None, action: str, first_size: int, size: int) -> ProofView:
        """Prove a leaf, a receipt, or consistency."""
        return await log.prove(self._world, index=index, action=action, first_size=first_size, size=size)

    def tail(self, first: int, follow: bool) -> AsyncGenerator[tuple[int, bytes], None]:  # noqa: FBT001  # a wire field
        """Yield leaves from `first` on."""
        return log.tail(self._world, first, follow=follow)

    async def jwks(self) -> bytes:
        """Return the public keys."""
        return emit_jwks(self._world.keys().values())

    # --- control ---
    async def capabilities(self, _principal: Principal) -> CapabilityView:
        """Return what may be proposed here."""
        settings, catalog, online = self._world.settings, self._world.catalog, self._world.hub.audiences
        scopes = tuple(
            ScopeView(s.name, s.tool, tuple(sorted(set(settings.scopes[s.name].environments.values()))),
                      settings.scopes[s.name].audience in online)
            for s in catalog.scopes.values()
        )  # fmt: skip
        commands = tuple(" ".join((c.name, *(f"<{s.name or s.kind}>" for s in c.slots))) for c in catalog.commands)
        return CapabilityView(scopes, _TOOLS, commands, self._world.policy.revision)

    async def stop(self, principal: Principal, request_id: str, agent: str, environment: str, reason: str) -> int:
        """Let no new attempt begin."""
        return await control.switch_on(
            self._world, principal, request_id, "stop", agent=agent, environment=environment, reason=reason
        )

    async def freeze(self, principal: Principal, request_id: str, agent: str, environment: str, reason: str) -> int:
        """Let nothing begin; undos wait for people."""
        return await control.switch_on(
            self._world, principal, request_id, "freeze", agent=agent, environment=environment, reason=reason
        )

    async def resume(self, principal: Principal, request_id: str, agent: str, environment: str, reason: str) -> int:
        """Take a switch back."""
        return await control.switch_off(
            self._world, principal, request_id, agent=agent, environment=environment, reason=reason
        )

    async def status(self) -> StatusView:
        """Return the gateway as it stands."""
        switches, head = await self._world.store.read(lambda tx: (tx.switches(), tx.log_head()))
        lines = tuple(f"{s.kind} agent={s.agent or '*'} environment={s.environment or '*'} by {s.by}" for s in switches)
        online, revision = self._world.hub.audiences, self._world.policy.revision
        return StatusView(lines, revision, self.policy_error(), online, head.size, absent_executors(self._world))

    async def withdraw(self, principal: Principal, request_id: str, revision: str, reason: str) -> tuple[str, ...]:
        """Withdraw a policy revision."""
        return await control.withdraw(self._world, principal, request_id, revision, reason)

    async def list_drift(
        self, *, entry: str, open_only: bool, page_size: int, page_token: str
    ) -> tuple[list[DriftView], str]:
        """Return one entry of the drift ledger, or a page of them."""
        return await drift.list_drift(
            self._world, entry=entry, open_only=open_only, page_size=_size(page_size), before=page_token
        )

    async def close_drift(self, principal: Principal, request_id: str, entry: str, reference: str) -> DriftView:
        """Close an entry whose proposal was handed to the owner."""
        return await drift.close_drift(self._world, principal, request_id, entry, reference)

    # --- executors ---
    async def attach(
        self, audience: str, instance: str, *, process: str = "", concurrency: int = 0
    ) -> AsyncGenerator[WorkView, None]:
        """Yield work for an audience until the caller goes away; what waited for it is offered at once."""
        session = self._world.hub.open(audience, instance, process=process, concurrency=concurrency)
        try:
            await hasten(self._world, audience)
            while True:
                yield await session.next()
        finally:
            session.close()
            self._world.hub.absent_since(audience, self._world.clock.now_ms())  # from now on, if nobody else is there

    async def announce(self, *, audience: str, instance: str, scope: str, document: bytes) -> tuple[bool, str]:
        """Return (accepted, reason)."""
        return await announced(self._world, audience=audience, instance=instance, scope=scope, document=document)

    async def begin_attempt(
        self, *, work_id: str, action: str, purpose: Purpose, nonce: str, fence: int, instance: str
    ) -> tuple[bool, str]:
        """Return (begun, reason)."""
        return await attempt.begin_attempt(
            self._world, work_id=work_id, action=action, purpose=purpose, nonce=nonce, fence=fence, instance=instance
        )

    async def report(self, *, work_id: str, action: str, fence: int, instance: str, body: Report) -> tuple[bool, str]:
        """Return (proceed, reason)."""
        return await reported(self._world, work_id, action, fence, instance, body)


def _seconds(lease_s: int) -> int:
    if abs(lease_s) > _LEASE_MAX_S:
        raise InvalidRequest("LEASE_MALFORMED", f"a lease is given in seconds, at most {_LEASE_MAX_S}")
    return lease_s


def _size(page_size: int) -> int:
    if page_size < 0:
        raise InvalidRequest("PAGE_SIZE", "a page size is not negative")
    return min(page_size or _PAGE_DEFAULT, _PAGE_MAX)
