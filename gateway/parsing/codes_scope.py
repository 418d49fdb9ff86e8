"""Refusal codes of scope resolution."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.parsing.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "SCOPE_AMBIGUOUS": Code(
            "several scopes are configured for {tool} and none is named",
            "name one of: {known}",
        ),
        "SCOPE_UNKNOWN": Code(
            "{scope} is not a configured scope of {tool}",
            "name one of: {known}",
        ),
        "SCOPE_NONE": Code(
            "no scope is configured for {tool}",
            "configure a scope of {tool}, or propose a step for one of: {others}",
        ),
    }
)
