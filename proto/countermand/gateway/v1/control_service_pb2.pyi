from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SwitchScope(_message.Message):
    __slots__ = ("agent", "environment")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    agent: str
    environment: str
    def __init__(self, agent: _Optional[str] = ..., environment: _Optional[str] = ...) -> None: ...

class StopRequest(_message.Message):
    __slots__ = ("request_id", "scope", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    scope: SwitchScope
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., scope: _Optional[_Union[SwitchScope, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class StopResponse(_message.Message):
    __slots__ = ("leaf_index",)
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    leaf_index: int
    def __init__(self, leaf_index: _Optional[int] = ...) -> None: ...

class FreezeRequest(_message.Message):
    __slots__ = ("request_id", "scope", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    scope: SwitchScope
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., scope: _Optional[_Union[SwitchScope, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class FreezeResponse(_message.Message):
    __slots__ = ("leaf_index",)
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    leaf_index: int
    def __init__(self, leaf_index: _Optional[int] = ...) -> None: ...

class ResumeRequest(_message.Message):
    __slots__ = ("request_id", "scope", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    scope: SwitchScope
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., scope: _Optional[_Union[SwitchScope, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class ResumeResponse(_message.Message):
    __slots__ = ("leaf_index",)
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    leaf_index: int
    def __init__(self, leaf_index: _Optional[int] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("switches", "revision", "policy_error", "audiences", "log_size", "absent")
    SWITCHES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    POLICY_ERROR_FIELD_NUMBER: _ClassVar[int]
    AUDIENCES_FIELD_NUMBER: _ClassVar[int]
    LOG_SIZE_FIELD_NUMBER: _ClassVar[int]
    ABSENT_FIELD_NUMBER: _ClassVar[int]
    switches: _containers.RepeatedScalarFieldContainer[str]
    revision: str
    policy_error: str
    audiences: _containers.RepeatedScalarFieldContainer[str]
    log_size: int
    absent: _containers.RepeatedCompositeFieldContainer[AbsentExecutor]
    def __init__(self, switches: _Optional[_Iterable[str]] = ..., revision: _Optional[str] = ..., policy_error: _Optional[str] = ..., audiences: _Optional[_Iterable[str]] = ..., log_size: _Optional[int] = ..., absent: _Optional[_Iterable[_Union[AbsentExecutor, _Mapping]]] = ...) -> None: ...

class AbsentExecutor(_message.Message):
    __slots__ = ("audience", "scopes", "since_time_ms")
    AUDIENCE_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    audience: str
    scopes: _containers.RepeatedScalarFieldContainer[str]
    since_time_ms: int
    def __init__(self, audience: _Optional[str] = ..., scopes: _Optional[_Iterable[str]] = ..., since_time_ms: _Optional[int] = ...) -> None: ...

class WithdrawRevisionRequest(_message.Message):
    __slots__ = ("request_id", "revision", "reason")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    revision: str
    reason: str
    def __init__(self, request_id: _Optional[str] = ..., revision: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class WithdrawRevisionResponse(_message.Message):
    __slots__ = ("revoked_action_ids",)
    REVOKED_ACTION_IDS_FIELD_NUMBER: _ClassVar[int]
    revoked_action_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, revoked_action_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class DriftEntry(_message.Message):
    __slots__ = ("id", "action_id", "step", "target", "path", "before", "after", "manager", "name", "file", "owner", "status", "how", "by", "reference", "open_time_ms", "due_time_ms", "close_time_ms", "proposal")
    ID_FIELD_NUMBER: _ClassVar[int]
    ACTION_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    MANAGER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    HOW_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    OPEN_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    CLOSE_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    PROPOSAL_FIELD_NUMBER: _ClassVar[int]
    id: str
    action_id: str
    step: int
    target: str
    path: str
    before: str
    after: str
    manager: str
    name: str
    file: str
    owner: str
    status: str
    how: str
    by: str
    reference: str
    open_time_ms: int
    due_time_ms: int
    close_time_ms: int
    proposal: str
    def __init__(self, id: _Optional[str] = ..., action_id: _Optional[str] = ..., step: _Optional[int] = ..., target: _Optional[str] = ..., path: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ..., manager: _Optional[str] = ..., name: _Optional[str] = ..., file: _Optional[str] = ..., owner: _Optional[str] = ..., status: _Optional[str] = ..., how: _Optional[str] = ..., by: _Optional[str] = ..., reference: _Optional[str] = ..., open_time_ms: _Optional[int] = ..., due_time_ms: _Optional[int] = ..., close_time_ms: _Optional[int] = ..., proposal: _Optional[str] = ...) -> None: ...

class ListDriftRequest(_message.Message):
    __slots__ = ("entry", "open_only", "page_size", "page_token")
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    OPEN_ONLY_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entry: str
    open_only: bool
    page_size: int
    page_token: str
    def __init__(self, entry: _Optional[str] = ..., open_only: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDriftResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[DriftEntry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[DriftEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CloseDriftRequest(_message.Message):
    __slots__ = ("request_id", "entry", "reference")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    entry: str
    reference: str
    def __init__(self, request_id: _Optional[str] = ..., entry: _Optional[str] = ..., reference: _Optional[str] = ...) -> None: ...

class CloseDriftResponse(_message.Message):
    __slots__ = ("entry",)
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    entry: DriftEntry
    def __init__(self, entry: _Optional[_Union[DriftEntry, _Mapping]] = ...) -> None: ...
