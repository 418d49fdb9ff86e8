"""Channels that tell people. Built in: `webhook`. Others: entry points `countermand.notifiers`, when configured."""

from collections.abc import Callable, Mapping

from gateway import plugins
from gateway.notifiers import webhook
from gateway.ports import Clock, Notifier

Factory = Callable[[str, plugins.Settings, Clock], Notifier]
"""Takes the channel's name, its settings and the clock; raises ConfigFault."""

GROUP = "countermand.notifiers"
BUILT_IN: Mapping[str, Factory] = {"webhook": webhook.from_settings}


def open_notifiers(configured: Mapping[str, plugins.Settings], clock: Clock) -> list[Notifier]:
    """Return the configured notifiers; raises ConfigFault for one that is enabled and missing."""
    return [found.factory(found.name, found.settings, clock) for found in plugins.enabled(configured, BUILT_IN, GROUP)]
