"""The words of a kubectl command to its path, its flags and its arguments. Exact names only, every flag once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.parsing.tables_kubectl import Command, Flag, KubectlTable
from gateway.parsing.tools.refuse import RefusedError, refuse, show, some, words_of
from gateway.parsing.words import Word

_EXAMPLES = {"dry-run": "server", "cascade": "background", "validate": "strict"}
_INTEGER = re.compile(r"-1|0|[1-9][0-9]{0,9}")
_DURATION = re.compile(
    r"(?=[0-9])(?:(?P<h>0|[1-9][0-9]{0,3})h)?(?:(?P<m>0|[1-9][0-9]{0,4})m)?(?:(?P<s>0|[1-9][0-9]{0,5})s)?"
)
_FILES = words_of("filename kustomize raw output-directory patch-file from-file from-env-file")
_WANTED = {"int": "a whole number in decimal digits", "duration": "a time such as 30s", "bool": "true or false"}


@dataclass(frozen=True, slots=True)
class Given:
    """One flag as it was given: its last word and every value."""

    word: Word
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """One kubectl command, read but not yet understood."""

    command: str
    """The path, `rollout status`."""
    flags: Mapping[str, Given]
    arguments: tuple[Word, ...]

    def text(self, flag: str) -> str | None:
        """Return the value of a flag that takes one."""
        given = self.flags.get(flag)
        return None if given is None else given.values[0]

    def switch(self, flag: str, *, default: bool = False) -> bool:
        """Return the value of a boolean flag."""
        given = self.flags.get(flag)
        return default if given is None else given.values[0] == "true"

    def many(self, flag: str) -> tuple[str, ...]:
        """Return every value of a list flag, commas not yet split."""
        given = self.flags.get(flag)
        return () if given is None else given.values

    def integer(self, flag: str) -> int | None:
        """Return the value of an integer flag; only decimal digits and -1, because kubectl reads 010 as 8."""
        text = self.text(flag)
        if text is None:
            return None
        if _INTEGER.fullmatch(text) is None:
            raise self.wrong(flag, _WANTED["int"], "3")
        return int(text)

    def seconds(self, flag: str) -> int | None:
        """Return the value of a duration flag in seconds."""
        text = self.text(flag)
        if text is None:
            return None
        match = _DURATION.fullmatch(text)
        if match is None and text != "0":
            raise self.wrong(flag, _WANTED["duration"], "30s")
        hours, minutes, seconds = (int(match[unit] or 0) for unit in "hms") if match else (0, 0, 0)
        return hours * 3600 + minutes * 60 + seconds

    def wrong(self, flag: str, wanted: str, example: str) -> RefusedError:
        """Return the refusal of a flag's value."""
        return refuse("K8S_FLAG_VALUE", self.flags[flag].word.span, flag=f"--{flag}", wanted=wanted, example=example)

    def refuse_flags(self, *flags: str) -> None:
        """Refuse flags that the command has and that are not accepted here."""
        for flag in flags:
            if flag in self.flags:
                span = self.flags[flag].word.span
                raise refuse("K8S_FLAG_UNSUPPORTED", span, flag=f"--{flag}", command=self.command)


class _Reader:
    def __init__(self, words: tuple[Word, ...], table: KubectlTable, check: Callable[[str], None]) -> None:
        self._check = check
        self._words = words
        self._table = table
        self._at = 1
        self._found: dict[str, Given] = {}
        self._arguments: list[Word] = []
        self._command: Command | None = None
        self._path = ""

    def read(self) -> Call:
        while self._at < len(self._words):
            word = self._words[self._at]
            self._at += 1
            if word.text == "--":
                raise refuse("K8S_TERMINATOR", word.span)
            if word.text == "-":
                raise refuse("K8S_LOCAL_FILE", word.span, flag="-")
            if word.text.startswith("--"):
                self._long(word)
            elif word.text.startswith("-"):
                self._short(word)
            elif not self._descend(word):
                self._arguments.append(word)
        if not self._path:
            raise refuse("K8S_INCOMPLETE")
        return Call(self._path, self._found, tuple(self._arguments))

    def _descend(self, word: Word) -> bool:
        """Take a word as the next part of the command's path, where there is one; an empty word is none."""
        if self._arguments or not word.text:
            return False
        path = f"{self._path} {word.text}".strip()
        path = self._table.aliases.get(path, path)
        command = self._table.commands.get(path)
        if command is None:
            if not self._path:
                raise refuse("K8S_COMMAND_UNKNOWN", word.span, command=show(word.text), known=some(_top(self._table)))
            return False
        self._check(path)
        self._path, self._command = path, command
        return True

    def _long(self, word: Word) -> None:
        name, equals, value = word.text[2:].partition("=")
        flag = self._lookup(name, word)
        if equals:
            self._set(flag, word, value)
        elif flag.type == "bool":
            self._set(flag, word, "true")
        elif flag.optional_value:
            raise refuse("K8S_FLAG_EQUALS", word.span, flag=f"--{name}", example=_EXAMPLES.get(name, "VALUE"))
        else:
            self._set(flag, word, self._next(flag, word))

    def _short(self, word: Word) -> None:
        """Read `-n dev`, `-ndev`, `-n=dev` and bundles of switches such as `-Aw`, as pflag does."""
        letters = word.text[1:]
        while letters:
            flag = self._shorthand(letters[0], word)
            letters = letters[1:]
            if letters.startswith("="):
                self._set(flag, word, letters[1:])
                return
            if flag.type == "bool":
                self._set(flag, word, "true")
                continue
            self._set(flag, word, letters or self._next(flag, word))
            return

    def _next(self, flag: Flag, word: Word) -> str:
        following = self._words[self._at].text if self._at < len(self._words) else "-"
        if following.startswith("-") and not (flag.type == "int" and _INTEGER.fullmatch(following)):
            raise refuse(
                "K8S_FLAG_VALUE", word.span, flag=f"--{flag.name}", wanted="followed by a value", example="VALUE"
            )
        self._at += 1
        return following

    def _set(self, flag: Flag, word: Word, value: str) -> None:
        shown = f"--{flag.name}"
        if flag.type == "bool" and value not in {"true", "false"}:
            raise refuse("K8S_FLAG_VALUE", word.span, flag=shown, wanted=_WANTED["bool"], example="true")
        before = self._found.get(flag.name)
        if before is not None and flag.type != "list":
            raise refuse("K8S_FLAG_DUPLICATE", word.span, flag=shown)
        if flag.name in _FILES:
            if flag.name == "raw" and self._path == "get":
                pass  # decided by the address
            elif flag.name == "raw":
                raise refuse("K8S_RAW", word.span)
            else:
                raise refuse("K8S_LOCAL_FILE", word.span, flag=shown)
        self._found[flag.name] = Given(word, (*before.values, value) if before else (value,))

    def _lookup(self, name: str, word: Word) -> Flag:
        own = self._command.flags.get(name) if self._command else None
        if own is not None:
            return own
        flag = self._table.globals.get(name)
        return self._global(flag, word) if flag else self._unknown(f"--{name}", word)

    def _shorthand(self, letter: str, word: Word) -> Flag:
        own = self._command.shorthands.get(letter) if self._command else None
        if own is not None:
            return own
        flag = next((f for f in self._table.globals.values() if f.shorthand == letter), None)
        return self._global(flag, word) if flag else self._unknown(f"-{letter}", word)

    def _global(self, flag: Flag, word: Word) -> Flag:
        # A context is read as the name of a scope; how long the client would wait matters to changes only.
        if flag.name not in {"namespace", "context", "request-timeout"}:
            raise refuse("K8S_TARGET_OVERRIDE", word.span, flag=f"--{flag.name}")
        return flag

    def _unknown(self, flag: str, word: Word) -> Flag:
        flags = self._command.flags if self._command else self._table.globals
        known = ", ".join("--" + name for name in some(flags, flag.lstrip("-")).split(", ") if name)
        raise refuse(
            "K8S_FLAG_UNKNOWN", word.span, command=self._path, flag=show(flag, "this one"), known=known or "none"
        )


def read_call(words: tuple[Word, ...], table: KubectlTable, check: Callable[[str], None]) -> Call:
    """Return the call that the words make, or raise a refusal; `check` sees a path before its flags are read."""
    return _Reader(words, table, check).read()


def _top(table: KubectlTable) -> list[str]:
    return [path for path in table.commands if " " not in path]
