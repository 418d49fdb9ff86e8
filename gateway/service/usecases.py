"""The use cases of the gateway as the doors see them.

Every expected failure is a `gateway.errors.CallerError` with a reason code; a GatewayFault means
that nothing was done. A denial is an answer, not an error. Streams are async generators, so that
a door can close them when its caller goes away.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from gateway.core.principal import Principal
from gateway.service.reports import Report
from gateway.service.views import (
    ActionView,
    CapabilityView,
    DriftView,
    IncidentView,
    OutputView,
    PendingView,
    ProofView,
    Purpose,
    StatusView,
    WorkView,
)


class ActionUseCases(Protocol):
    """Propose and follow actions."""

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
        """Parse, decide and record a proposal; exactly one of `command` and `steps` is given.

        With `wait_ms` the answer waits that long for the action to rest: final, leased, or in the hands of people.
        """
        ...

    async def get_action(self, principal: Principal, action: str) -> ActionView: ...

    async def list_actions(
        self, principal: Principal, *, page_size: int, page_token: str, incident: str, states: Sequence[str]
    ) -> tuple[list[ActionView], str]:
        """Return a page, newest first, and the token of the next one (empty on the last)."""
        ...

    def watch(self, principal: Principal, action: str) -> AsyncGenerator[ActionView | OutputView, None]:
        """Yield the action now, then every change and output chunk until a final state."""
        ...

    async def cancel(self, principal: Principal, request_id: str, action: str, reason: str) -> ActionView: ...
    async def rollback(self, principal: Principal, request_id: str, action: str, reason: str) -> ActionView: ...
    async def renew(self, principal: Principal, request_id: str, action: str, lease_s: int) -> ActionView: ...
    async def release(self, principal: Principal, request_id: str, action: str) -> ActionView: ...


class IncidentUseCases(Protocol):
    """Keep the record of incidents."""

    async def open_incident(self, principal: Principal, request_id: str, title: str) -> IncidentView: ...

    async def open_alert(
        self, source: str, *, title: str, labels: Mapping[str, str], alert_ms: int, fingerprint: str
    ) -> IncidentView:
        """Open an incident for a verified alert; the same fingerprint returns the one that is open."""
        ...

    async def get_incident(self, principal: Principal, incident: str) -> IncidentView: ...

    async def list_incidents(
        self, principal: Principal, *, page_size: int, page_token: str, open_only: bool
    ) -> tuple[list[IncidentView], str]: ...

    async def add_hypothesis(
        self, principal: Principal, request_id: str, incident: str, text: str
    ) -> tuple[IncidentView, str]:
        """Return the incident and the id of the new hypothesis."""
        ...

    async def declare_cause(
        self,
        principal: Principal,
        request_id: str,
        incident: str,
        hypothesis: str,
        cause: str,
        evidence: tuple[str, ...],
    ) -> IncidentView: ...

    async def close_incident(self, principal: Principal, request_id: str, incident: str) -> IncidentView: ...


class ApprovalUseCases(Protocol):
    """What people decide."""

    async def list_pending(self, principal: Principal) -> list[PendingView]: ...

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
        """Vote for exactly what was shown."""
        ...

    async def reject(self, principal: Principal, request_id: str, action: str, comment: str) -> ActionView: ...
    async def acknowledge(self, principal: Principal, request_id: str, action: str, mark: str) -> ActionView: ...
    async def keep(self, principal: Principal, request_id: str, action: str) -> ActionView: ...

    async def resolve(
        self, principal: Principal, request_id: str, action: str, resolution: str, comment: str
    ) -> ActionView: ...


class AuditUseCases(Protocol):
    """Read the log."""

    async def checkpoint(self, min_size: int) -> str:
        """Return the newest signed checkpoint, once it covers `min_size` leaves."""
        ...

    async def proof(self, *, index: int | None, action: str, first_size: int, size: int) -> ProofView:
        """Prove leaf `index`, or the receipt of `action`, or (both absent) consistency from `first_size`."""
        ...

    def tail(self, first: int, follow: bool) -> AsyncGenerator[tuple[int, bytes], None]:  # noqa: FBT001 -- a wire field
        """Yield (index, leaf) from `first` on; with `follow`, for ever."""
        ...

    async def jwks(self) -> bytes: ...


class ControlUseCases(Protocol):
    """Switches and what is configured."""

    async def capabilities(self, principal: Principal) -> CapabilityView: ...

    async def stop(self, principal: Principal, request_id: str, agent: str, environment: str, reason: str) -> int:
        """Return the index of the leaf that records it; so do `freeze` and `resume`."""
        ...

    async def freeze(self, principal: Principal, request_id: str, agent: str, environment: str, reason: str) -> int: ...

    async def resume(self, principal: Principal, request_id: str, agent: str, environment: str, reason: str) -> int: ...

    async def status(self) -> StatusView: ...

    async def withdraw(self, principal: Principal, request_id: str, revision: str, reason: str) -> tuple[str, ...]:
        """Withdraw a policy revision and return the actions whose grants died."""
        ...

    async def list_drift(
        self, *, entry: str, open_only: bool, page_size: int, page_token: str
    ) -> tuple[list[DriftView], str]:
        """Return one entry of the drift ledger, or a page of them, newest first, and the token of the next one."""
        ...

    async def close_drift(self, principal: Principal, request_id: str, entry: str, reference: str) -> DriftView: ...


class ExecutorUseCases(Protocol):
    """The other process."""

    def attach(
        self, audience: str, instance: str, *, process: str = "", concurrency: int = 0
    ) -> AsyncGenerator[WorkView, None]:
        """Yield work for an audience until the caller goes away; `process` is the instance as the executor names it."""
        ...

    async def announce(self, *, audience: str, instance: str, scope: str, document: bytes) -> tuple[bool, str]:
        """Return (accepted, reason): proposals for this cluster are read with the kinds that it serves."""
        ...

    async def begin_attempt(
        self, *, work_id: str, action: str, purpose: Purpose, nonce: str, fence: int, instance: str
    ) -> tuple[bool, str]:
        """Return (begun, reason): begun only once the intent is on disk."""
        ...

    async def report(self, *, work_id: str, action: str, fence: int, instance: str, body: Report) -> tuple[bool, str]:
        """Return (proceed, reason)."""
        ...


class GatewayUseCases(
    ActionUseCases,
    IncidentUseCases,
    ApprovalUseCases,
    AuditUseCases,
    ControlUseCases,
    ExecutorUseCases,
    Protocol,
):
    """Everything a gateway does; implemented by `gateway.service.gateway.Gateway`."""
