"""Objects as they are read to an agent: values that a name calls secret are masked, before any form is printed.

The gateway redacts the text of every output too; a jsonpath or a column cuts a value off from the name that tells.
"""

from collections.abc import Mapping
from typing import Any

from gateway.core.redact import named_secret, secret_name
from gateway.executor.targets.kubernetes.snapshots import HIDDEN


def masked(value: Any) -> Any:
    """Return a value of JSON without the texts of environment variables and members whose names say secret."""
    if isinstance(value, list):
        return [masked(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    named = named_secret(value)
    return {
        name: HIDDEN if isinstance(member, str) and (name == named or secret_name(name)) else masked(member)
        for name, member in value.items()
    }
