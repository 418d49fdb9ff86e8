"""Refusal codes of configured processes."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.parsing.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "PROCESS_SHAPE": Code("{tool} was not written in a configured shape", "write one of: {known}"),
        "PROCESS_PARAMS": Code("the params of {operation} fit no configured shape", "send the params: {known}"),
    }
)
