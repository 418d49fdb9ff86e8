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
    __slots__ = ("switches", "revision", "policy_error", "audiences", "log_size")
    SWITCHES_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    POLICY_ERROR_FIELD_NUMBER: _ClassVar[int]
    AUDIENCES_FIELD_NUMBER: _ClassVar[int]
    LOG_SIZE_FIELD_NUMBER: _ClassVar[int]
    switches: _containers.RepeatedScalarFieldContainer[str]
    revision: str
    policy_error: str
    audiences: _containers.RepeatedScalarFieldContainer[str]
    log_size: int
    def __init__(self, switches: _Optional[_Iterable[str]] = ..., revision: _Optional[str] = ..., policy_error: _Optional[str] = ..., audiences: _Optional[_Iterable[str]] = ..., log_size: _Optional[int] = ...) -> None: ...

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
