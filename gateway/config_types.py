"""Hold what a settings file gives against the types of the settings: a wrong one is a fault at start, named by key."""

import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from gateway.errors import ConfigFault

T = TypeVar("T")
_MOST = 10**12
"""Thirty years in milliseconds: added to a time of day it is still exact in JSON."""


def build(kind: type[T], raw: Any, where: str, *, least: int = 0, given: Mapping[str, Any] | None = None) -> T:
    """Build a dataclass of settings from a mapping; `given` are members that the file does not say.

    Raises ConfigFault for a key that is not known, one that is missing, and a value of another type, or below `least`.
    """
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]  # every caller passes a dataclass
    members = mapping(raw, where)
    only(members, set(known) - set(given or ()), where)
    hints = get_type_hints(kind)
    values = {name: _value(value, hints[name], f"{where}.{name}", least) for name, value in members.items()}
    whole = {**values, **(given or {})}
    for name, known_field in known.items():
        if name not in whole and known_field.default is MISSING and known_field.default_factory is MISSING:
            raise ConfigFault("CONFIG_MISSING_KEY", f"{where} needs {name!r}", key=f"{where}.{name}")
    return kind(**whole)


def only(raw: Mapping[str, Any], known: set[str], where: str) -> None:
    """Raise ConfigFault for a key that is not known."""
    unknown = sorted(set(raw) - known)
    if unknown:
        raise ConfigFault("CONFIG_UNKNOWN_KEY", f"{where} has no setting {unknown[0]!r}", key=unknown[0])


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """Return a mapping; raises ConfigFault for anything else."""
    if not isinstance(value, Mapping):
        raise ConfigFault("CONFIG_SHAPE", f"{where} must be a mapping", key=where)
    return value


def listed(value: Any, where: str) -> list[Any]:
    """Return a list; raises ConfigFault for anything else."""
    if not isinstance(value, list):
        raise ConfigFault("CONFIG_SHAPE", f"{where} must be a list", key=where)
    return value


def text(value: Any, where: str) -> str:
    """Return a text that says something; raises ConfigFault for anything else."""
    if not isinstance(value, str) or not value:
        raise _wrong(where, "a text that is not empty")
    return value


def short(value: str, most: int, where: str) -> None:
    """Raise ConfigFault for a text that is empty or longer than `most` characters."""
    if not 0 < len(value) <= most:
        raise _wrong(where, f"a text of 1 to {most} characters")


def words(value: Any, where: str) -> tuple[str, ...]:
    """Return a list of texts as a tuple; raises ConfigFault for anything else."""
    return tuple(text(word, f"{where}[{i}]") for i, word in enumerate(listed(value, where)))


def one_of(value: Any, known: Iterable[str], where: str) -> str:
    """Return one of some words; raises ConfigFault for anything else."""
    named = tuple(known)
    if not isinstance(value, str) or value not in named:
        raise ConfigFault("CONFIG_VALUE", f"{where} has no value {value!r}; one of: {', '.join(named)}", key=where)
    return value


def _value(value: Any, hint: Any, where: str, least: int) -> Any:
    """Return a value as its type wants it."""
    if get_origin(hint) in {Union, types.UnionType}:
        inner = next(arg for arg in get_args(hint) if arg is not type(None))
        return None if value is None else _value(value, inner, where, least)
    if get_origin(hint) is Literal:
        return one_of(value, get_args(hint), where)
    if get_origin(hint) is tuple:
        return words(value, where)
    if hint is Path:
        return text(value, where)  # made a path by the caller, who knows the folder
    return _plain(value, hint, where, least)


def _plain(value: Any, hint: Any, where: str, least: int) -> Any:
    if hint is bool and not isinstance(value, bool):
        raise _wrong(where, "true or false")
    if hint is int and (not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MOST):
        raise _wrong(where, f"a whole number from {least} on")
    if hint is str and not isinstance(value, str):
        raise _wrong(where, "a text")
    return value


def _wrong(where: str, wanted: str) -> ConfigFault:
    return ConfigFault("CONFIG_VALUE", f"{where} must be {wanted}", key=where)
