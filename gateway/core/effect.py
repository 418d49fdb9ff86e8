"""Effect classes and undo classes, worst first (DESIGN §3)."""

from collections.abc import Iterable
from enum import StrEnum


class Effect(StrEnum):
    """What a step may do to the world; the order of members is the order of severity, worst first."""

    UNKNOWN = "unknown"
    SESSION = "session"
    PRIVILEGE = "privilege"
    BOUNDARY = "boundary"
    EGRESS = "egress"
    DESTRUCTIVE = "destructive"
    WRITE = "write"
    LOCAL = "local"
    READ_SENSITIVE = "read_sensitive"
    READ = "read"


_RANK = {effect: rank for rank, effect in enumerate(Effect)}
_READS = frozenset({Effect.READ, Effect.READ_SENSITIVE})


def worst(effects: Iterable[Effect]) -> Effect:
    """Return the most severe effect; none at all is `unknown`."""
    return min(effects, key=_RANK.__getitem__, default=Effect.UNKNOWN)


def only_reads(effects: Iterable[Effect]) -> bool:
    """Tell whether every effect is proven a read; the empty set proves nothing."""
    found = frozenset(effects)
    return bool(found) and found <= _READS


class Undo(StrEnum):
    """How well a step can be taken back; the order of members is from worst to best."""

    NONE = "none"
    NEUTRAL = "neutral"
    COMPENSATING = "compensating"
    EXACT = "exact"
    NOT_NEEDED = "not_needed"


_UNDO_RANK = {undo: rank for rank, undo in enumerate(Undo)}


def weakest(classes: Iterable[Undo]) -> Undo:
    """Return the weakest undo class of a plan; none at all is `none`."""
    return min(classes, key=_UNDO_RANK.__getitem__, default=Undo.NONE)
