"""The request that people answer: its nonce, its life, and how often it was voided."""

from dataclasses import dataclass

from gateway.core.assurance import Assurance
from gateway.core.canonical import Json, canonical, digest_bytes, loads_strict
from gateway.core.kinds import LeafKind as K
from gateway.core.lifecycle import Due
from gateway.core.obligation import Approval
from gateway.ports import Tx
from gateway.service.decide import Decision
from gateway.service.edited import read_stored
from gateway.service.record import LeafBody, Recorder, document
from gateway.service.recorded import told
from gateway.service.world import World

MAX_VOIDS = 3


@dataclass(frozen=True, slots=True)
class Request:
    """One request for approval; a vote counts only under its nonce."""

    nonce: str
    expires_ms: int
    approvals: Json
    voids: int
    notify: Json
    """Whom the policy wants told that people are asked."""

    @property
    def requirements(self) -> tuple[Approval, ...]:
        """Return whom the policy wanted to be asked; nobody means the configured group."""
        return tuple(Approval(a["group"], a["n"], Assurance(a["assurance"])) for a in self.approvals)


def open_request(world: World, tx: Tx, recorder: Recorder, decision: Decision, *, voids: int) -> LeafBody:
    """Store a new request and its timer; returns the leaf that announces it."""
    ttl_s = decision.requirements.approval_ttl_s
    now = world.clock.now_ms()
    expires = now + (ttl_s * 1000 if ttl_s is not None else world.settings.timing.approval_ttl_ms)
    approvals = [a.to_json() for a in decision.requirements.approvals]
    body = {
        "nonce": world.ids.nonce(), "expires_ms": expires, "approvals": approvals, "voids": voids,
        "notify": sorted(decision.requirements.notify),
    }  # fmt: skip
    document(tx, recorder.row.id, f"request/{voids}", canonical(body))
    recorder.due(Due.APPROVAL_TTL, expires)
    return K.REQUEST, body  # the very document: an audit compares them


def current_request(tx: Tx, action: str) -> Request | None:
    """Return the newest request of an action; raises Edited when it is not the one that its leaf records."""
    for voids in range(MAX_VOIDS, -1, -1):
        data = tx.document(action, f"request/{voids}")
        if data is not None:
            recorded = [canonical(body) for body in told(tx, action, K.REQUEST, 1)]
            known = digest_bytes(recorded[0]) if recorded else "none"
            return read_stored("REQUEST_EDITED", action, data, known, lambda data: Request(**loads_strict(data)))
    return None
