from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Purpose(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PURPOSE_UNSPECIFIED: _ClassVar[Purpose]
    PURPOSE_OBSERVE: _ClassVar[Purpose]
    PURPOSE_APPLY: _ClassVar[Purpose]
    PURPOSE_PROBE: _ClassVar[Purpose]
    PURPOSE_SAMPLE: _ClassVar[Purpose]
    PURPOSE_UNDO: _ClassVar[Purpose]

class StepStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_STATUS_UNSPECIFIED: _ClassVar[StepStatus]
    STEP_STATUS_APPLIED: _ClassVar[StepStatus]
    STEP_STATUS_NOT_APPLIED: _ClassVar[StepStatus]
    STEP_STATUS_UNKNOWN: _ClassVar[StepStatus]
    STEP_STATUS_PARTLY: _ClassVar[StepStatus]

class UndoStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNDO_STATUS_UNSPECIFIED: _ClassVar[UndoStatus]
    UNDO_STATUS_UNDONE: _ClassVar[UndoStatus]
    UNDO_STATUS_CONFLICT: _ClassVar[UndoStatus]
    UNDO_STATUS_RETRY: _ClassVar[UndoStatus]
    UNDO_STATUS_IMPOSSIBLE: _ClassVar[UndoStatus]
PURPOSE_UNSPECIFIED: Purpose
PURPOSE_OBSERVE: Purpose
PURPOSE_APPLY: Purpose
PURPOSE_PROBE: Purpose
PURPOSE_SAMPLE: Purpose
PURPOSE_UNDO: Purpose
STEP_STATUS_UNSPECIFIED: StepStatus
STEP_STATUS_APPLIED: StepStatus
STEP_STATUS_NOT_APPLIED: StepStatus
STEP_STATUS_UNKNOWN: StepStatus
STEP_STATUS_PARTLY: StepStatus
UNDO_STATUS_UNSPECIFIED: UndoStatus
UNDO_STATUS_UNDONE: UndoStatus
UNDO_STATUS_CONFLICT: UndoStatus
UNDO_STATUS_RETRY: UndoStatus
UNDO_STATUS_IMPOSSIBLE: UndoStatus

class AnnounceRequest(_message.Message):
    __slots__ = ("audience", "instance", "scope", "document")
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    audience: str
    instance: str
    scope: str
    document: bytes
    def __init__(self, audience: _Optional[str] = ..., instance: _Optional[str] = ..., scope: _Optional[str] = ..., document: _Optional[bytes] = ...) -> None: ...

class AnnounceResponse(_message.Message):
    __slots__ = ("accepted", "reason")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    accepted: bool
    reason: str
    def __init__(self, accepted: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class AttachRequest(_message.Message):
    __slots__ = ("audience", "instance", "concurrency")
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    audience: str
    instance: str
    concurrency: int
    def __init__(self, audience: _Optional[str] = ..., instance: _Optional[str] = ..., concurrency: _Optional[int] = ...) -> None: ...

class AttachResponse(_message.Message):
    __slots__ = ("work",)
    WORK_FIELD_NUMBER: _ClassVar[int]
    work: Work
    def __init__(self, work: _Optional[_Union[Work, _Mapping]] = ...) -> None: ...

class Work(_message.Message):
    __slots__ = ("work_id", "action_id", "purpose", "grant", "plan", "fence", "snapshot", "checks", "deadline_ms", "first_step", "progress")
    WORK_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    GRANT_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_MS_FIELD_NUMBER: _ClassVar[int]
    FIRST_STEP_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    work_id: str
    action_id: str
    purpose: Purpose
    grant: bytes
    plan: bytes
    fence: int
    snapshot: bytes
    checks: bytes
    deadline_ms: int
    first_step: int
    progress: bytes
    def __init__(self, work_id: _Optional[str] = ..., action_id: _Optional[str] = ..., purpose: _Optional[_Union[Purpose, str]] = ..., grant: _Optional[bytes] = ..., plan: _Optional[bytes] = ..., fence: _Optional[int] = ..., snapshot: _Optional[bytes] = ..., checks: _Optional[bytes] = ..., deadline_ms: _Optional[int] = ..., first_step: _Optional[int] = ..., progress: _Optional[bytes] = ...) -> None: ...

class BeginAttemptRequest(_message.Message):
    __slots__ = ("work_id", "action_id", "purpose", "nonce", "fence", "instance")
    WORK_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_ID_FIELD_NUMBER: _ClassVar[int]
    PURPOSE_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    work_id: str
    action_id: str
    purpose: Purpose
    nonce: str
    fence: int
    instance: str
    def __init__(self, work_id: _Optional[str] = ..., action_id: _Optional[str] = ..., purpose: _Optional[_Union[Purpose, str]] = ..., nonce: _Optional[str] = ..., fence: _Optional[int] = ..., instance: _Optional[str] = ...) -> None: ...

class BeginAttemptResponse(_message.Message):
    __slots__ = ("begun", "reason")
    BEGUN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    begun: bool
    reason: str
    def __init__(self, begun: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class ReportRequest(_message.Message):
    __slots__ = ("work_id", "action_id", "fence", "instance", "refusal", "observation", "step", "probe", "samples", "undo", "chunk")
    WORK_ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_ID_FIELD_NUMBER: _ClassVar[int]
    FENCE_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    PROBE_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    UNDO_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    work_id: str
    action_id: str
    fence: int
    instance: str
    refusal: Refusal
    observation: Observation
    step: StepOutcome
    probe: ProbeResult
    samples: Samples
    undo: UndoOutcome
    chunk: OutputChunk
    def __init__(self, work_id: _Optional[str] = ..., action_id: _Optional[str] = ..., fence: _Optional[int] = ..., instance: _Optional[str] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ..., observation: _Optional[_Union[Observation, _Mapping]] = ..., step: _Optional[_Union[StepOutcome, _Mapping]] = ..., probe: _Optional[_Union[ProbeResult, _Mapping]] = ..., samples: _Optional[_Union[Samples, _Mapping]] = ..., undo: _Optional[_Union[UndoOutcome, _Mapping]] = ..., chunk: _Optional[_Union[OutputChunk, _Mapping]] = ...) -> None: ...

class ReportResponse(_message.Message):
    __slots__ = ("proceed", "reason")
    PROCEED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    proceed: bool
    reason: str
    def __init__(self, proceed: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("code", "detail")
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    code: str
    detail: str
    def __init__(self, code: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class Observation(_message.Message):
    __slots__ = ("document",)
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    document: bytes
    def __init__(self, document: _Optional[bytes] = ...) -> None: ...

class StepOutcome(_message.Message):
    __slots__ = ("step", "status", "code", "detail", "output", "truncated", "after")
    STEP_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    step: int
    status: StepStatus
    code: str
    detail: str
    output: bytes
    truncated: bool
    after: bytes
    def __init__(self, step: _Optional[int] = ..., status: _Optional[_Union[StepStatus, str]] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ..., output: _Optional[bytes] = ..., truncated: _Optional[bool] = ..., after: _Optional[bytes] = ...) -> None: ...

class ProbeResult(_message.Message):
    __slots__ = ("step", "status", "after")
    STEP_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    step: int
    status: StepStatus
    after: bytes
    def __init__(self, step: _Optional[int] = ..., status: _Optional[_Union[StepStatus, str]] = ..., after: _Optional[bytes] = ...) -> None: ...

class Samples(_message.Message):
    __slots__ = ("document",)
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    document: bytes
    def __init__(self, document: _Optional[bytes] = ...) -> None: ...

class UndoOutcome(_message.Message):
    __slots__ = ("step", "status", "code", "detail", "read_back")
    STEP_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    READ_BACK_FIELD_NUMBER: _ClassVar[int]
    step: int
    status: UndoStatus
    code: str
    detail: str
    read_back: bytes
    def __init__(self, step: _Optional[int] = ..., status: _Optional[_Union[UndoStatus, str]] = ..., code: _Optional[str] = ..., detail: _Optional[str] = ..., read_back: _Optional[bytes] = ...) -> None: ...

class OutputChunk(_message.Message):
    __slots__ = ("step", "data")
    STEP_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    step: int
    data: bytes
    def __init__(self, step: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...
