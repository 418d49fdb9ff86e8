"""The words of `psql`: one `-c`, the name of a scope, and flags that only shape the output."""

import re
from dataclasses import dataclass

from gateway.parsing.result import Refusal
from gateway.parsing.words import Word

# Without effect here: the result is returned as data and never formatted by psql.
_FLAGS = frozenset({"--no-align", "--tuples-only", "--expanded", "--quiet", "--csv", "--no-psqlrc", "--no-password"})
_BUNDLE = re.compile(r"-[AtxqXw]*([cdPFv])?")
_LONG = {"--command": "c", "--dbname": "d", "--pset": "P", "--field-separator": "F", "--set": "v", "--variable": "v"}
_PSET = re.compile(
    r"pager=(off|0)|border=[0-3]|expanded(=(on|off|auto))?|footer=off|null=[^\n\t]{0,16}|tuples_only(=on)?"
    r"|format=(aligned|unaligned|csv|wrapped)"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_MAX_SEPARATOR = 4
_STOPS = re.compile(r"ON_ERROR_STOP=(1|on|true)")  # one statement stops at its error anyway


@dataclass(frozen=True, slots=True)
class Psql:
    """What a psql command says: the SQL, and the scope if it names one."""

    sql: Word
    scope: str | None


def read_psql(words: tuple[Word, ...]) -> Psql | Refusal:
    """Read the argv of psql; `words[0]` is psql itself."""
    found: dict[str, Word] = {}
    index = 1
    while index < len(words):
        option = _option(words, index)
        if isinstance(option, Refusal):
            return option
        letter, value, index = option
        refusal = _keep(found, letter, value)
        if refusal is not None:
            return refusal
    if "c" not in found:
        return Refusal("PSQL_NO_COMMAND", words[0].span)
    return Psql(found["c"], found["d"].text if "d" in found else None)


def _option(words: tuple[Word, ...], index: int) -> tuple[str, Word, int] | Refusal:
    """Return (letter, value, next index); a flag without a value has the letter '', a bare name is `-d name`."""
    word = words[index]
    name, equals, value = word.text.partition("=")
    bundle = _BUNDLE.fullmatch(word.text)
    if word.text in _FLAGS or (bundle and bundle[1] is None and len(word.text) > 1):
        return "", word, index + 1
    if name in _LONG and equals:
        return _LONG[name], Word(value, word.span), index + 1
    letter = _LONG.get(word.text) or (bundle[1] if bundle else None)
    if letter is None and _NAME.fullmatch(word.text):
        return "d", word, index + 1
    if letter is None:
        return _unknown(word)
    if index + 1 == len(words):
        return Refusal("PSQL_VALUE_MISSING", word.span, {"option": word.text[:24]})
    return letter, words[index + 1], index + 2


def _keep(found: dict[str, Word], letter: str, value: Word) -> Refusal | None:
    if letter in {"c", "d"} and letter in found:
        return Refusal("PSQL_TWICE", value.span, {"option": f"-{letter}"})
    if letter == "P" and not _PSET.fullmatch(value.text):
        return Refusal("PSQL_PSET", value.span)
    if letter == "v" and not _STOPS.fullmatch(value.text):
        return Refusal("PSQL_OPTION", value.span, {"option": "-v"})
    if letter == "F" and len(value.text) > _MAX_SEPARATOR:
        return Refusal("PSQL_PSET", value.span)
    if letter:
        found[letter] = value
    return None


def _unknown(word: Word) -> Refusal:
    if not word.text.startswith("-"):
        return Refusal("PSQL_POSITIONAL", word.span)
    shown = word.text.partition("=")[0]
    return Refusal("PSQL_OPTION", word.span, {"option": shown if re.fullmatch(r"[\w-]{1,32}", shown) else "this"})
