"""An exported log: JSON Lines {"index": 7, "leaf": {…}}, the leaf as it was hashed."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from gateway.core.audit import StoredLeaf

_LINE = re.compile(rb'\{"index":(0|[1-9][0-9]{0,18}),"leaf":(.*)\}')


def read_log(files: Iterable[BinaryIO]) -> Iterator[StoredLeaf]:
    """Yield the leaves of open files; a line that is no record becomes a leaf that no audit accepts."""
    following = 0
    for line in chain.from_iterable(files):
        found = _LINE.fullmatch(line.removesuffix(b"\n"))
        index = following if found is None else int(found[1])
        yield StoredLeaf(index, line if found is None else found[2])
        following = index + 1


def log_line(leaf: StoredLeaf) -> bytes:
    """Return the line of a leaf."""
    return b'{"index":%d,"leaf":%b}\n' % (leaf.index, leaf.data)
