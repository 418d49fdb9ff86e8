"""Read standard input line by line under a cap: memory stays flat whatever is piped in."""

from collections.abc import Iterator
from typing import BinaryIO

_DISCARD = 1 << 16


def capped_lines(stream: BinaryIO, cap: int) -> Iterator[bytes]:
    """Yield lines without their line feed; of a line longer than `cap` bytes only `cap` + 1 bytes are yielded."""
    while line := stream.readline(cap + 2):
        if line.endswith(b"\n"):
            yield line[:-1]
            continue
        if len(line) > cap:
            _skip_rest(stream)
        yield line[: cap + 1]


def _skip_rest(stream: BinaryIO) -> None:
    while chunk := stream.readline(_DISCARD):
        if chunk.endswith(b"\n"):
            return
