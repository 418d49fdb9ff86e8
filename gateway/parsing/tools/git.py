"""git steps: reads of one repository; `api.argv` is the exact argv behind `git`.

The executor adds what the repository must not decide: no system and global configuration, no fsmonitor, hooks,
pager, external diff, text conversion, signature programs or lazy fetches, and no optional locks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.canonical import Json
from gateway.core.effect import Effect, Undo
from gateway.core.step import Step, Target, Tool
from gateway.parsing.catalog import Catalog
from gateway.parsing.result import ParsedStep, Refusal
from gateway.parsing.scope import resolve_scope
from gateway.parsing.tools.git_secrets import shows_secrets
from gateway.parsing.tools.git_table import INSTEAD, SUBCOMMANDS, WORKTREE, Option, Subcommand
from gateway.parsing.typed import agrees
from gateway.parsing.words import TypedStep, Word

TOOL: Tool = "git"
TABLE = "git-2.39"
_PARAMS = frozenset({"options", "arguments", "paths"})
_REVISION = re.compile(
    r"\^?[A-Za-z0-9_@][A-Za-z0-9_./@^~+-]{0,199}(@\{[A-Za-z0-9. -]{1,32}\}|\^\{[a-z]{0,8}\}|\^[!@-])?[\^~0-9]*"
)
_MAX_REVISION = 240
_PATH = re.compile(r"[A-Za-z0-9_.@+*][A-Za-z0-9_.@+/ *=,-]{0,255}")
_REF_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@*+-]{0,127}")
_PATTERN = re.compile(r"[^\n\t]{1,256}")
_OBJECT_TYPES = frozenset({"blob", "commit", "tag", "tree"})
_COUNT = re.compile(r"-([0-9]{1,6})")
# Walks that begin elsewhere when one of these options says where.
_WALKS = frozenset({"log", "rev-list", "shortlog"})
_CHOOSES = frozenset({"--all", "--branches", "--tags", "--remotes", "--glob"})
_REFLOG_OTHERS = frozenset({"expire", "delete", "exists", "list", "drop", "write", "verify"})
_SHOWABLE = re.compile(r"-{0,2}[A-Za-z][A-Za-z-]{0,31}")


_Found = tuple[list[tuple[str, str | None]], int]


@dataclass(slots=True)
class _Read:
    """The words of one command, sorted into options and the two lists around `--`."""

    options: list[tuple[str, str | None]] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    paths: list[str] | None = None


def from_argv(words: tuple[Word, ...], catalog: Catalog, scope: str | None) -> ParsedStep | Refusal:
    """Read `git SUBCOMMAND ...`; of the options before the subcommand only `--no-pager` is known, and dropped."""
    if len(words) > 1 and words[1].text == "--no-pager":
        words = (words[0], *words[2:])
    if len(words) == 1:
        return Refusal("GIT_SUBCOMMAND", words[0].span, {"subcommand": "nothing", "known": _known()})
    words = _spelled_out(words)
    name = words[1].text
    table = SUBCOMMANDS.get(name)
    if table is None:
        code = "GIT_OPTION_BEFORE" if name.startswith("-") else "GIT_SUBCOMMAND"
        return Refusal(code, words[1].span, {"subcommand": _shown(name), "known": _known()})
    read = _sort(name, table, words[2:])
    return read if isinstance(read, Refusal) else build(name, read, catalog, scope)


def _spelled_out(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Write `git reflog [show]` as the `git log` that git makes of it; its other commands change the reflog."""
    if words[1].text != "reflog" or (len(words) > 2 and words[2].text in _REFLOG_OTHERS):
        return words
    rest = words[3:] if len(words) > 2 and words[2].text == "show" else words[2:]
    formatted = any(word.text.startswith(("--oneline", "--format", "--pretty")) for word in rest)
    added = ("--walk-reflogs",) if formatted else ("--walk-reflogs", "--oneline")
    return (words[0], *(Word(text, words[1].span) for text in ("log", *added)), *rest)


def from_typed(step: TypedStep, catalog: Catalog) -> ParsedStep | Refusal:
    """Read a typed step: params are options (by name), arguments and paths."""
    name = step.operation.removeprefix("git.")
    if f"git.{name}" != step.operation or name not in SUBCOMMANDS:
        return Refusal("TYPED_OPERATION_UNKNOWN", args={"operation": "this", "known": _known("git.")})
    read = _from_params(SUBCOMMANDS[name], step.params)
    parsed = read if isinstance(read, Refusal) else build(name, read, catalog, step.scope)
    return parsed if isinstance(parsed, Refusal) else agrees(step, parsed) or parsed


def build(name: str, read: _Read, catalog: Catalog, scope: str | None) -> ParsedStep | Refusal:
    """Return the one step that a command means, for both doors."""
    where = resolve_scope(catalog, TOOL, scope)
    if isinstance(where, Refusal):
        return where
    table = SUBCOMMANDS[name]
    options = _options(table, read.options)
    if isinstance(options, Refusal):
        return options
    if name == "grep" and "-e" in options:
        return Refusal("GIT_PARAMS")  # the pattern is the first argument
    refusal = _values(name, table, options, read)
    if refusal is not None:
        return refusal
    arguments = _arguments(name, table, options, read.arguments)
    paths = read.paths or []
    argv = _argv(name, table, options, arguments, paths)
    params = {"options": options, "arguments": arguments, "paths": paths}
    target = Target(scope=where.name, kind="repository", id=f"git:{where.name}/-")
    step = Step(tool=TOOL, operation=f"git.{name}", api={"argv": argv}, target=target, params=params)
    searched = arguments[0] if name == "grep" else ""
    secret = shows_secrets(name, options, arguments, paths, searched)
    effect, why = (Effect.READ_SENSITIVE, "path:secrets") if secret else (Effect.READ, f"table:git#{name}")
    return ParsedStep(step, frozenset({effect}), (why,), TABLE, Undo.NOT_NEEDED)


def _arguments(name: str, table: Subcommand, options: Mapping[str, Json], given: list[str]) -> list[str]:
    """Add the revision that is read when none is given."""
    if name == "grep" and len(given) == 1:
        return [*given, table.default]
    worktree = any(table.options[option].group == WORKTREE for option in options)
    chosen = name in _WALKS and not _CHOOSES.isdisjoint(options)
    return given or ([table.default] if table.default and not (worktree or chosen) else [])


def _sort(name: str, table: Subcommand, words: tuple[Word, ...]) -> _Read | Refusal:
    read = _Read()
    index = 0
    while index < len(words):
        text = words[index].text
        index += 1
        if read.paths is not None:
            read.paths.append(text)
        elif text == "--":
            read.paths = []
        elif text.startswith("-"):
            following = words[index].text if index < len(words) else None
            found = _option(table, text, following)
            if found is None:
                return Refusal("GIT_OPTION", words[index - 1].span, {"option": _shown(text), "subcommand": name})
            options, taken = found
            read.options.extend(options)
            index += taken
        else:
            read.arguments.append(text)
    _settle(name, table, read)
    return read


def _settle(name: str, table: Subcommand, read: _Read) -> None:
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


def _from_params(table: Subcommand, params: Mapping[str, Json]) -> _Read | Refusal:
    wrong = Refusal("GIT_PARAMS")
    given, arguments, paths = params.get("options", {}), params.get("arguments", []), params.get("paths", [])
    if not set(params) <= _PARAMS or not isinstance(given, Mapping) or not (_texts(arguments) and _texts(paths)):
        return wrong
    options: list[tuple[str, str | None]] = []
    for name, value in given.items():
        canonical = table.spellings.get(name, name)
        values = value if isinstance(value, list | tuple) else [value]
        if canonical not in table.options or not all(item is True or isinstance(item, str) for item in values):
            return wrong
        options.extend((canonical, None if item is True else item) for item in values)
    return _Read(options, list(arguments), list(paths) if paths else None)


def _options(table: Subcommand, found: list[tuple[str, str | None]]) -> dict[str, Json] | Refusal:
    """Check values, duplicates and groups; an option that may repeat has a list."""
    options: dict[str, Json] = {}
    groups: set[str] = set()
    for name, value in [*found, *((name, None) for name in _implied(table, found))]:
        option = table.options[name]
        repeated = (name in options and not option.many) or (option.group and option.group in groups)
        if repeated:
            return Refusal("GIT_TWICE", args={"option": name})
        if not _valid(option, value):
            return Refusal("GIT_VALUE", args={"option": name})
        groups |= {option.group} - {""}
        options[name] = [*options.get(name, []), value] if option.many else (True if value is None else value)
    return dict(sorted(options.items()))


def _implied(table: Subcommand, found: list[tuple[str, str | None]]) -> list[str]:
    given = {name for name, _ in found}
    instead = any(table.options[name].group == INSTEAD for name in given)
    return [] if instead else [name for name in table.implied if name not in given]


def _valid(option: Option, value: str | None) -> bool:
    if value is None:
        return option.value is None or option.optional
    return option.value is not None and option.value.fullmatch(value) is not None


def _values(name: str, table: Subcommand, options: Mapping[str, Json], read: _Read) -> Refusal | None:
    refusal = _counts(name, table, read)
    if refusal is not None:
        return refusal
    revisions = read.arguments[1:] if name == "grep" else read.arguments
    accepted = _REF_PATTERN.fullmatch if table.patterns else _is_revision
    if not all(accepted(revision) for revision in revisions):
        return Refusal("GIT_REVISION")
    inside = [value.rpartition(":")[2] for value in options.get("-L", []) if name == "log"]
    if not all(_is_path(path) for path in [*(read.paths or []), *inside]):
        return Refusal("GIT_PATH")
    return None


def _counts(name: str, table: Subcommand, read: _Read) -> Refusal | None:
    least, most = table.arguments
    paths = read.paths or []
    pattern = name != "grep" or not read.arguments or _PATTERN.fullmatch(read.arguments[0]) is not None
    counted = least <= len(read.arguments) <= most and len(paths) <= table.paths
    if name == "cat-file":  # an option and an object, or a type and an object
        typed = read.arguments[0] in _OBJECT_TYPES if len(read.arguments) > 1 else bool(read.options)
        counted = counted and typed and not (read.options and len(read.arguments) > 1)
    if not counted or not pattern or (name == "blame" and not paths):
        return Refusal("GIT_ARGUMENTS", args={"subcommand": name})
    if read.arguments and not set(table.implied) <= {option for option, _ in read.options}:
        return Refusal("GIT_WOULD_WRITE", args={"subcommand": name})
    return None


def _is_revision(text: str) -> bool:
    """Accept a revision, a range, or `revision:path`."""
    revision, colon, path = text.partition(":")
    return len(revision) <= _MAX_REVISION and bool(_REVISION.fullmatch(revision)) and (not colon or _is_path(path))


def _is_path(text: str) -> bool:
    return bool(_PATH.fullmatch(text)) and not {"..", ".git"} & set(text.lower().split("/"))


def _argv(
    name: str, table: Subcommand, options: Mapping[str, Json], arguments: list[str], paths: list[str]
) -> list[str]:
    argv = [name]
    for option, value in options.items():
        argv.extend(_spell(option, item) for item in (value if isinstance(value, list) else [value]))
    if name == "grep":
        argv += ["-e", arguments[0]]
        arguments = arguments[1:]
    separator = ["--"] if paths or table.separated else []
    return [*argv, *arguments, *separator, *paths]


def _spell(option: str, value: Json) -> str:
    if value is True:
        return option
    return f"{option}={value}" if option.startswith("--") else f"{option}{value}"


def _texts(value: Json) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _known(prefix: str = "") -> str:
    return ", ".join(prefix + name for name in SUBCOMMANDS)


def _shown(text: str) -> str:
    head = text.partition("=")[0]
    return head if _SHOWABLE.fullmatch(head) else "this"
