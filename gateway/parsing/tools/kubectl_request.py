"""What a Kubernetes step asks for, before it is checked: the common ground of text and typed form."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.canonical import Json
from gateway.parsing.tables_kubectl import Kind


@dataclass(frozen=True, slots=True)
class Request:
    """One question or change."""

    verb: str
    kinds: tuple[Kind, ...] = ()
    """Empty for a question to the cluster itself."""
    names: tuple[str, ...] = ()
    namespace: str | None = None
    """None means the scope's default."""
    selector: str | None = None
    params: Mapping[str, Json] = field(default_factory=dict)
    all: bool = False
    """`--all` was written; a change of every object is never implied by silence, except where kubectl does so."""
    command: str = ""
    """The kubectl command, for refusals."""
