"""The value type of one refusal code; the tables of codes are merged in `codes`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a refusal says to people; both texts are `str.format` templates over the refusal's `args`."""

    message: str
    remedy: str
