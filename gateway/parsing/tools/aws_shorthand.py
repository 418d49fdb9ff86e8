"""A strict subset of awscli's shorthand: `Name=state,Values=running,stopped`, `[a,b]`, `{k=v}`.

What it accepts means the same in awscli (an oracle says so). What could read a file (`key@=`) or depends on
escapes is refused; JSON says the same without doubt.
"""

import re
from typing import NoReturn

from gateway.core.canonical import Json

_KEY = re.compile(r"[A-Za-z0-9._#/:-]+")
# A first value may contain `=` after its first character; a later one of a list may not, or it would be a key.
_FIRST = re.compile(r"[^\s\"'\[\]{},=\\@][^\"'\[\]{},\\]*")
_LATER = re.compile(r"[^\s\"'\[\]{},=\\@][^\"'\[\]{},=\\]*")
_QUOTED = {"'": re.compile(r"'((?:\\'|[^'\\])*)'"), '"': re.compile(r'"((?:\\"|[^"\\])*)"')}
_MAX_DEPTH = 8


class ShorthandError(ValueError):
    """The text is not shorthand of the accepted subset."""


def parse_shorthand(text: str) -> dict[str, Json]:
    """Return `{key: str | list | dict}`; raises ShorthandError."""
    reader = _Reader(text)
    result = reader.pairs(end="")
    if not reader.done:
        reader.fail()
    return result


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._text)

    def fail(self) -> NoReturn:
        raise ShorthandError(f"unexpected text at {self._at}")

    def pairs(self, end: str) -> dict[str, Json]:
        """Read `key=value` pairs up to `end`; the end of text where `end` is empty."""
        found: dict[str, Json] = {}
        while True:
            key = self._match(_KEY)
            if key is None or key in found:
                self.fail()
            self._expect("=")
            found[key] = self._nested() if end else self._values()
            if not self._take(","):
                return found

    def _values(self) -> Json:
        if self._peek() in {"[", "{"}:
            return self._nested()
        first = self._scalar(_FIRST)
        values = [first]
        while self._peek() == ",":
            back = self._at
            self._take(",")
            later = None if self.done else self._scalar(_LATER)
            if later is None or self._peek() not in {"", ","}:
                self._at = back  # what follows is the next key
                break
            values.append(later)
        return first or "" if len(values) == 1 else [value or "" for value in values]

    def _nested(self) -> Json:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self.fail()
        value = (
            self._list() if self._peek() == "[" else self._hash() if self._peek() == "{" else self._scalar(_FIRST) or ""
        )
        self._depth -= 1
        return value

    def _list(self) -> list[Json]:
        self._expect("[")
        values: list[Json] = []
        if self._take("]"):
            return values
        while True:
            values.append(self._nested())
            if not self._take(","):
                break
        self._expect("]")
        return values

    def _hash(self) -> dict[str, Json]:
        self._expect("{")
        found = self.pairs(end="}")
        self._expect("}")
        return found

    def _scalar(self, bare: re.Pattern[str]) -> str | None:
        quote = self._peek()
        if quote in _QUOTED:
            match = _QUOTED[quote].match(self._text, self._at)
            if match is None:
                self.fail()
            self._at = match.end()
            return match[1].replace("\\" + quote, quote)
        found = self._match(bare)
        return None if found is None else found.rstrip()

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        self._blanks()
        match = pattern.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        return match[0]

    def _peek(self) -> str:
        self._blanks()
        return self._text[self._at : self._at + 1]

    def _take(self, char: str) -> bool:
        if self._peek() != char:
            return False
        self._at += 1
        return True

    def _expect(self, char: str) -> None:
        if not self._take(char):
            self.fail()

    def _blanks(self) -> None:
        while self._text[self._at : self._at + 1] == " ":
            self._at += 1
