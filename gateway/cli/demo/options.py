"""What the caller of a demo chooses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Redirect = Callable[[str], str]
"""From the AWS API's URL to the one that the executor gets; a test puts a proxy in between."""


@dataclass(frozen=True, slots=True)
class Options:
    """One performance."""

    seed: int
    case: Literal["database", "kubernetes"] = "database"
    keep: bool = False
    """Keep the folder with all files and logs."""
    redirect: Redirect | None = None
    """For tests of the database case: what stands between the executor and the AWS API."""
