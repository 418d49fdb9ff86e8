"""Objects as they are read to an agent: values that a name calls secret are masked, before any form is printed.

The gateway redacts the text of every output too; a jsonpath or a column cuts a value off from the name that tells.
"""

from collections.abc import Mapping
from typing import Any, Final

from gateway.core.redact import named_secret, secret_name
from gateway.executor.targets.kubernetes.snapshots import HIDDEN

_NAMES_ONLY: Final = frozenset({"labels", "matchLabels", "selector", "nodeSelector"})
"""Members whose keys are names of labels, which hold no secrets, and by which objects are chosen."""


def masked(value: Any) -> Any:
    """Return a value of JSON without the texts of environment variables and members whose names say secret."""
    if isinstance(value, list):
        return [masked(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    named = named_secret(value)
    return {
        name: member
        if name in _NAMES_ONLY
        else HIDDEN
        if name == named or (isinstance(member, str) and secret_name(name))
        else masked(member)
        for name, member in value.items()
    }
