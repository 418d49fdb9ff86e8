"""Lists of names as they are easiest to read and to review: blank-separated text."""


def names(text: str) -> frozenset[str]:
    """Return the names of a blank-separated text."""
    return frozenset(text.split())
