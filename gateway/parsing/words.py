"""What tool parsers receive: the words of one command, or one typed step."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.canonical import Json


@dataclass(frozen=True, slots=True)
class Word:
    """One argv word after unquoting."""

    text: str
    span: tuple[int, int]
    """Bytes of the proposal that the word was read from."""


@dataclass(frozen=True, slots=True)
class TypedStep:
    """A step as an agent proposes it in typed form; what is derived is derived by the tool parser."""

    tool: str
    operation: str
    params: Mapping[str, Json]
    scope: str | None
    namespace: str | None
    region: str | None
    kind: str | None
    names: tuple[str, ...]
    selector: str | None
    api: Mapping[str, Json] | None
    """Optional; when given it must equal what the gateway derives."""
    id: str | None = None
    """Optional like `api`, so that a step as the gateway shows it can be proposed again; so is `fanout`."""
    fanout: str | None = None
