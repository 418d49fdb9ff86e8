"""Sinks of log records. Built in: `jsonl`. Others: entry points `countermand.exporters`, when configured."""

from collections.abc import Callable, Mapping

from gateway import plugins
from gateway.exporters import jsonl
from gateway.ports import Exporter

Factory = Callable[[str, plugins.Settings], Exporter]
"""Takes the sink's name, which its cursor is kept under, and its settings; raises ConfigFault."""

GROUP = "countermand.exporters"
BUILT_IN: Mapping[str, Factory] = {"jsonl": jsonl.from_settings}


def open_exporters(configured: Mapping[str, plugins.Settings]) -> list[Exporter]:
    """Return the configured exporters; raises ConfigFault for one that is enabled and missing."""
    return [found.factory(found.name, found.settings) for found in plugins.enabled(configured, BUILT_IN, GROUP)]
