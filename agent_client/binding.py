"""Turn a call description into a method, keeping its signature and its documentation."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def named_after(method: F, build: Callable[..., Any]) -> F:
    """Give a method the name, documentation and parameters of the function that builds its call."""
    method.__name__ = build.__name__
    method.__doc__ = build.__doc__
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    parameters = inspect.signature(build).parameters.values()
    # What `help` and editors at run time show.
    method.__signature__ = inspect.Signature([this, *parameters])  # type: ignore[attr-defined]  # a known protocol
    return method
