"""Which configured scope a step acts on; none is ever guessed."""

from gateway.parsing.catalog import Catalog, Scope
from gateway.parsing.result import Refusal


def resolve_scope(catalog: Catalog, tool: str, scope: str | None) -> Scope | Refusal:
    """Return the named scope of a tool, or its only one when none is named."""
    known = catalog.scopes_of(tool)
    if not known:
        others = ", ".join(sorted(catalog.scopes)) or "none"
        return Refusal("SCOPE_NONE", args={"tool": tool, "others": others})
    names = ", ".join(s.name for s in known)
    if scope is None:
        return known[0] if len(known) == 1 else Refusal("SCOPE_AMBIGUOUS", args={"tool": tool, "known": names})
    for candidate in known:
        if candidate.name == scope:
            return candidate
    return Refusal("SCOPE_UNKNOWN", args={"tool": tool, "scope": scope, "known": names})
