"""The text for people behind one refusal code."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A message and a remedy, both `str.format` templates over the refusal's `args`."""

    message: str
    remedy: str
    """Names something that would itself be accepted."""
