"""Channels that tell people. Built in: `webhook`. Others: entry points `countermand.notifiers`, when configured."""

from collections.abc import Callable, Mapping

from gateway import plugins
from gateway.ports import Clock, Notifier

Factory = Callable[[str, plugins.Settings, Clock], Notifier]
"""Takes the channel's name, its settings and the clock; raises ConfigFault."""

GROUP = "countermand.notifiers"


def _webhook(name: str, settings: plugins.Settings, clock: Clock) -> Notifier:
    from gateway.notifiers.webhook import from_settings  # and an HTTP client, which is not for every start

    return from_settings(name, settings, clock)


BUILT_IN: Mapping[str, Factory] = {"webhook": _webhook}


def open_notifiers(configured: Mapping[str, plugins.Settings], clock: Clock) -> list[Notifier]:
    """Return the configured notifiers; raises ConfigFault for one that is enabled and missing."""
    return [found.factory(found.name, found.settings, clock) for found in plugins.enabled(configured, BUILT_IN, GROUP)]
