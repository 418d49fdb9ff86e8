from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_DENY: _ClassVar[Verdict]
    VERDICT_SHADOW: _ClassVar[Verdict]
    VERDICT_APPROVE: _ClassVar[Verdict]
    VERDICT_ALLOW: _ClassVar[Verdict]
VERDICT_UNSPECIFIED: Verdict
VERDICT_DENY: Verdict
VERDICT_SHADOW: Verdict
VERDICT_APPROVE: Verdict
VERDICT_ALLOW: Verdict

class Action(_message.Message):
    __slots__ = ("id", "state", "version", "plan_digest", "steps", "decision", "create_time_ms", "update_time_ms", "agent", "incident_id", "reason", "receipt", "outputs", "lease_end_ms", "rendering", "justification", "state_digest")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Action.State]
        STATE_PROPOSED: _ClassVar[Action.State]
        STATE_DENIED: _ClassVar[Action.State]
        STATE_SHADOWED: _ClassVar[Action.State]
        STATE_AWAITING_APPROVAL: _ClassVar[Action.State]
        STATE_GRANTED: _ClassVar[Action.State]
        STATE_EXECUTING: _ClassVar[Action.State]
        STATE_VERIFYING: _ClassVar[Action.State]
        STATE_LEASED: _ClassVar[Action.State]
        STATE_UNDOING: _ClassVar[Action.State]
        STATE_NEEDS_HUMAN: _ClassVar[Action.State]
        STATE_SUCCEEDED: _ClassVar[Action.State]
        STATE_FAILED: _ClassVar[Action.State]
        STATE_NOT_APPLIED: _ClassVar[Action.State]
        STATE_COMMITTED: _ClassVar[Action.State]
        STATE_UNDONE: _ClassVar[Action.State]
        STATE_REJECTED: _ClassVar[Action.State]
        STATE_EXPIRED: _ClassVar[Action.State]
        STATE_CANCELLED: _ClassVar[Action.State]
        STATE_REVOKED: _ClassVar[Action.State]
        STATE_REFUSED: _ClassVar[Action.State]
        STATE_SUPERSEDED: _ClassVar[Action.State]
        STATE_RESOLVED: _ClassVar[Action.State]
    STATE_UNSPECIFIED: Action.State
    STATE_PROPOSED: Action.State
    STATE_DENIED: Action.State
    STATE_SHADOWED: Action.State
    STATE_AWAITING_APPROVAL: Action.State
    STATE_GRANTED: Action.State
    STATE_EXECUTING: Action.State
    STATE_VERIFYING: Action.State
    STATE_LEASED: Action.State
    STATE_UNDOING: Action.State
    STATE_NEEDS_HUMAN: Action.State
    STATE_SUCCEEDED: Action.State
    STATE_FAILED: Action.State
    STATE_NOT_APPLIED: Action.State
    STATE_COMMITTED: Action.State
    STATE_UNDONE: Action.State
    STATE_REJECTED: Action.State
    STATE_EXPIRED: Action.State
    STATE_CANCELLED: Action.State
    STATE_REVOKED: Action.State
    STATE_REFUSED: Action.State
    STATE_SUPERSEDED: Action.State
    STATE_RESOLVED: Action.State
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PLAN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    INCIDENT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    LEASE_END_MS_FIELD_NUMBER: _ClassVar[int]
    RENDERING_FIELD_NUMBER: _ClassVar[int]
    JUSTIFICATION_FIELD_NUMBER: _ClassVar[int]
    STATE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: Action.State
    version: int
    plan_digest: str
    steps: _containers.RepeatedCompositeFieldContainer[Step]
    decision: Decision
    create_time_ms: int
    update_time_ms: int
    agent: str
    incident_id: str
    reason: str
    receipt: bytes
    outputs: _containers.RepeatedCompositeFieldContainer[StepOutput]
    lease_end_ms: int
    rendering: str
    justification: str
    state_digest: str
    def __init__(self, id: _Optional[str] = ..., state: _Optional[_Union[Action.State, str]] = ..., version: _Optional[int] = ..., plan_digest: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[Step, _Mapping]]] = ..., decision: _Optional[_Union[Decision, _Mapping]] = ..., create_time_ms: _Optional[int] = ..., update_time_ms: _Optional[int] = ..., agent: _Optional[str] = ..., incident_id: _Optional[str] = ..., reason: _Optional[str] = ..., receipt: _Optional[bytes] = ..., outputs: _Optional[_Iterable[_Union[StepOutput, _Mapping]]] = ..., lease_end_ms: _Optional[int] = ..., rendering: _Optional[str] = ..., justification: _Optional[str] = ..., state_digest: _Optional[str] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("digest", "document", "effects", "undo", "status")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    EFFECTS_FIELD_NUMBER: _ClassVar[int]
    UNDO_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    digest: str
    document: bytes
    effects: _containers.RepeatedScalarFieldContainer[str]
    undo: str
    status: str
    def __init__(self, digest: _Optional[str] = ..., document: _Optional[bytes] = ..., effects: _Optional[_Iterable[str]] = ..., undo: _Optional[str] = ..., status: _Optional[str] = ...) -> None: ...

class StepOutput(_message.Message):
    __slots__ = ("step", "data", "truncated")
    STEP_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    step: int
    data: bytes
    truncated: bool
    def __init__(self, step: _Optional[int] = ..., data: _Optional[bytes] = ..., truncated: _Optional[bool] = ...) -> None: ...

class Finding(_message.Message):
    __slots__ = ("code", "step", "permit", "limit", "message", "remedy")
    CODE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    PERMIT_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REMEDY_FIELD_NUMBER: _ClassVar[int]
    code: str
    step: int
    permit: Verdict
    limit: Verdict
    message: str
    remedy: str
    def __init__(self, code: _Optional[str] = ..., step: _Optional[int] = ..., permit: _Optional[_Union[Verdict, str]] = ..., limit: _Optional[_Union[Verdict, str]] = ..., message: _Optional[str] = ..., remedy: _Optional[str] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("verdict", "findings", "revision", "digest", "approvals", "obligations")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    APPROVALS_FIELD_NUMBER: _ClassVar[int]
    OBLIGATIONS_FIELD_NUMBER: _ClassVar[int]
    verdict: Verdict
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    revision: str
    digest: str
    approvals: bytes
    obligations: bytes
    def __init__(self, verdict: _Optional[_Union[Verdict, str]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., revision: _Optional[str] = ..., digest: _Optional[str] = ..., approvals: _Optional[bytes] = ..., obligations: _Optional[bytes] = ...) -> None: ...
