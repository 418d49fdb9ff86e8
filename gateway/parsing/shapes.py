"""Shapes of processes beside each other: no argv may fit two of them, or their order would decide what it means."""

from collections.abc import Sequence

from gateway.parsing.catalog import CommandShape, Slot
from gateway.parsing.tools.process import fits


def overlap(one: CommandShape, other: CommandShape) -> bool:
    """Tell whether some argv fits both shapes."""
    return one.name == other.name and _meet(one.slots, other.slots)


def _meet(one: Sequence[Slot], other: Sequence[Slot]) -> bool:
    """Tell whether two rows of slots accept a common row of words; an optional slot may be left out."""
    reached, seen = [(0, 0)], {(0, 0)}
    while reached:
        i, j = reached.pop()
        if i == len(one) and j == len(other):
            return True
        left, right = one[i : i + 1], other[j : j + 1]
        following = [(i + 1, j)] if left and left[0].optional else []
        following += [(i, j + 1)] if right and right[0].optional else []
        following += [(i + 1, j + 1)] if left and right and _common(left[0], right[0]) else []
        reached += [place for place in following if place not in seen]
        seen.update(following)
    return False


def _common(one: Slot, other: Slot) -> bool:
    """Tell whether one word fits both slots."""
    words = _words(one) or _words(other)
    if words is not None:
        return any(fits(one, word) and fits(other, word) for word in words)
    numbers = [slot for slot in (one, other) if slot.kind == "int"]
    if not numbers:
        return True  # two bounded words: the shortest fits both
    low, high = max(slot.low for slot in numbers), min(slot.high for slot in numbers)
    if len(numbers) == 1:  # a word cannot begin with a minus
        low = max(low, 0)
    return low <= high and all(fits(slot, str(low)) for slot in (one, other))


def _words(slot: Slot) -> tuple[str, ...] | None:
    return slot.values if slot.kind in {"literal", "choice"} else None
