"""The words of a git command, sorted: its options with their values, revisions, and paths."""

import re
from dataclasses import dataclass, field

from gateway.parsing.result import Refusal
from gateway.parsing.tools.git_table import Option, Subcommand
from gateway.parsing.words import Word

# Walks that begin elsewhere when one of these options says where.
WALKS = frozenset({"log", "rev-list", "shortlog"})
CHOOSES = frozenset({"--all", "--branches", "--tags", "--remotes", "--glob"})
_SHOWS_CHANGES = re.compile(r"-p$|-u$|-U|--(patch|stat|numstat|shortstat|name-|raw|summary|no-patch|unified)|-s$")
_STASH = re.compile(r"stash(@\{[0-9]{1,4}\})?|[0-9]{1,4}")
_REFLOG_OTHERS = frozenset({"expire", "delete", "exists", "list", "drop", "write", "verify"})
_COUNT = re.compile(r"-([0-9]{1,6})")
_SHOWABLE = re.compile(r"-{0,2}[A-Za-z][A-Za-z-]{0,31}")


_Found = tuple[list[tuple[str, str | None]], int]


@dataclass(slots=True)
class Read:
    """The words of one command, sorted into options and the two lists around `--`."""

    options: list[tuple[str, str | None]] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    paths: list[str] | None = None


def spelled_out(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Write `annotate`, `whatchanged`, `reflog` and the reads of `stash` as the `blame`, `log` or `diff` they are."""
    name, at = words[1].text, words[1].span
    if name == "--version":
        return (words[0], Word("version", at), *words[2:])
    if name == "stash" and len(words) > 2:
        return _stash(words)
    if name == "annotate":
        return (words[0], Word("blame", at), Word("-c", at), *words[2:])
    if name == "whatchanged":
        shown = any(_SHOWS_CHANGES.match(word.text) for word in words[2:])
        added = ("--no-merges",) if shown else ("--no-merges", "--raw")
        return (words[0], *(Word(text, at) for text in ("log", *added)), *words[2:])
    return words if name != "reflog" else _reflog(words)


def _reflog(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Write `git reflog [show]` as the walk that it is; its other commands change the reflog."""
    if len(words) > 2 and words[2].text in _REFLOG_OTHERS:
        return words
    rest = words[3:] if len(words) > 2 and words[2].text == "show" else words[2:]
    formatted = any(word.text.startswith(("--oneline", "--format", "--pretty")) for word in rest)
    added = ("--walk-reflogs",) if formatted else ("--walk-reflogs", "--oneline")
    return (words[0], *(Word(text, words[1].span) for text in ("log", *added)), *rest)


def _stash(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Write `stash list` as the walk of its reflog and `stash show` as the difference to the commit below it.

    The pattern behind the walk makes no error of it when nothing is stashed.
    """
    at, rest = words[1].span, words[3:]
    options = [word for word in rest if word.text.startswith("-")]
    named = [word.text for word in rest if not word.text.startswith("-")]
    if words[2].text == "list" and not any(word.text == "--" for word in rest):
        formatted = any(word.text.startswith(("--oneline", "--format", "--pretty")) for word in rest)
        added = ["--walk-reflogs", "--first-parent", "--glob=refs/stash*"]
        added += [] if formatted else ["--format=%gd: %gs"]
        return (words[0], *(Word(text, at) for text in ("log", *added)), *rest)
    if words[2].text == "show" and len(named) <= 1 and all(map(_STASH.fullmatch, named)):
        stash = named[0] if named else "stash@{0}"
        stash = f"stash@{{{stash}}}" if stash.isdigit() else stash
        added = [] if options else ["--stat"]
        both = (f"{stash}^1", stash)
        return (words[0], *(Word(text, at) for text in ("diff", *added)), *options, *(Word(text, at) for text in both))
    return words


def sort(name: str, table: Subcommand, words: tuple[Word, ...]) -> Read | Refusal:
    """Sort the words behind a subcommand; what stands behind `--not` is written as `^revision`."""
    read = Read()
    index = 0
    negated = False
    while index < len(words):
        text = words[index].text
        index += 1
        if read.paths is not None:
            read.paths.append(text)
        elif text == "--":
            read.paths = []
        elif text == "--not" and name in WALKS:
            negated = not negated
        elif text.startswith("-") and not (negated and text.partition("=")[0] in CHOOSES):
            following = words[index].text if index < len(words) else None
            found = _option(table, text, following)
            if found is None:
                return Refusal("GIT_OPTION", words[index - 1].span, {"option": shown_name(text), "subcommand": name})
            options, taken = found
            read.options.extend(options)
            index += taken
        elif not negated:
            read.arguments.append(text)
        elif text.startswith(("^", "-")) or ".." in text:
            return Refusal("GIT_OPTION", words[index - 1].span, {"option": "--not", "subcommand": name})
        else:
            read.arguments.append(f"^{text}")
    _settle(name, table, read)
    return read


def _settle(name: str, table: Subcommand, read: Read) -> None:
    """Put words where the subcommand has them: bare paths, paths that are arguments, the pattern of `grep -e`."""
    if table.joined and read.paths is not None:
        read.arguments, read.paths = [*read.arguments, *read.paths], None
    patterns = [value for option, value in read.options if name == "grep" and option == "-e" and value is not None]
    if len(patterns) == 1:
        read.options = [option for option in read.options if option[0] != "-e"]
        read.arguments.insert(0, patterns[0])
    if read.paths is None and table.bare_paths:
        read.paths = read.arguments[-table.bare_paths :]
        del read.arguments[-table.bare_paths :]


def _option(table: Subcommand, text: str, following: str | None) -> _Found | None:
    """Read one word; return its options and how many further words were taken, None when it is unknown."""
    count = _COUNT.fullmatch(text)
    if count and "--max-count" in table.options:
        return [("--max-count", count[1])], 0
    return _long(table, text, following) if text.startswith("--") else _short(table, text, following)


def _long(table: Subcommand, text: str, following: str | None) -> _Found | None:
    name, equals, value = text.partition("=")
    canonical = table.spellings.get(name, name)
    option = table.options.get(canonical)
    if option is None or (equals and option.value is None):
        return None
    return _with_value(canonical, option, value if equals else None, following)


def _short(table: Subcommand, text: str, following: str | None) -> _Found | None:
    """Read `-x`, `-xVALUE`, `-x VALUE`, or several flags together where the subcommand has such."""
    if text in table.options and table.options[text].value is None:
        return [(text, None)], 0
    name = table.spellings.get(text[:2], text[:2])
    option = table.options.get(name)
    if option is not None and (option.value is not None or len(text) == len("-x")):
        return _with_value(name, option, text[2:] or None, following)
    twice = "vv" in text and "-vv" in table.options  # `-avv` is `-a -vv`
    letters = [f"-{character}" for character in (text.replace("vv", "", 1) if twice else text)[1:]]
    if (len(letters) > 1 or twice) and all(letter[1] in table.bundle for letter in letters):
        found: list[tuple[str, str | None]] = [(table.spellings.get(letter, letter), None) for letter in letters]
        return [*found, ("-vv", None)] if twice else found, 0
    return None


def _with_value(name: str, option: Option, value: str | None, following: str | None) -> _Found | None:
    if option.value is None or value is not None or option.optional:
        return [(name, value)], 0
    if following is None:
        return ([(name, option.last)], 0) if option.last else None
    return [(name, following)], 1


def shown_name(text: str) -> str:
    """Return a word as far as a refusal may repeat it."""
    head = text.partition("=")[0]
    return head if _SHOWABLE.fullmatch(head) else "this"
