"""Exporters and notifiers by name: what the configuration enables, found among the built-in ones and entry points."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from gateway.errors import ConfigFault

F = TypeVar("F")

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Enabled(Generic[F]):
    """One enabled plugin: its name in the configuration, its factory and its own settings."""

    name: str
    factory: F
    settings: Settings


def enabled(configured: Mapping[str, Settings], built_in: Mapping[str, F], group: str) -> list[Enabled[F]]:
    """Resolve `{name: {type, …settings}}` in the order it is written; `type` defaults to the name.

    Entry points of `group` are only looked at, and imported, for a type that is configured and not built in.
    Raises ConfigFault for what is enabled and missing, offered twice, or does not import.
    """
    found = []
    for name, settings in configured.items():
        kind = settings.get("type", name)
        factory = built_in[kind] if kind in built_in else _installed(name, kind, group)
        found.append(Enabled(name, factory, {key: value for key, value in settings.items() if key != "type"}))
    return found


def checked(name: str, settings: Settings, required: Mapping[str, type], optional: Mapping[str, type]) -> Settings:
    """Return the settings when every key is known and of its type; raises ConfigFault for the first that is not."""
    for key in required:
        if key not in settings:
            raise ConfigFault("CONFIG_MISSING_KEY", f"{name} needs the setting {key!r}", key=f"{name}.{key}")
    types = {**required, **optional}
    for key, value in settings.items():
        if key not in types:
            raise ConfigFault("CONFIG_UNKNOWN_KEY", f"{name} has no setting {key!r}", key=f"{name}.{key}")
        if not _is(value, types[key]):
            text = f"{name}.{key} must be of type {types[key].__name__}"
            raise ConfigFault("CONFIG_SHAPE", text, key=f"{name}.{key}")
    return settings


def _is(value: object, kind: type) -> bool:
    """Tell whether a value has a type as people write it: a whole number is a float too, a bool is never a number."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def _installed(name: str, kind: str, group: str) -> Any:
    offers = list(entry_points(group=group, name=kind))
    if not offers:
        text = f"{name} is enabled, but no installed package offers {kind!r} in {group!r}"
        raise ConfigFault("PLUGIN_MISSING", text, name=name)
    if len(offers) > 1:
        text = f"several installed packages offer {kind!r} in {group!r}; remove all but one"
        raise ConfigFault("PLUGIN_AMBIGUOUS", text, name=name)
    try:
        return offers[0].load()
    except (ImportError, AttributeError) as exc:
        raise ConfigFault("PLUGIN_BROKEN", f"{name} cannot be loaded from {offers[0].value!r}: {exc}") from exc
