"""git steps: reads of one repository; `api.argv` is the exact argv behind `git`.

The executor adds what the repository must not decide: no system and global configuration, no fsmonitor, hooks,
pager, external diff, text conversion, signature programs or lazy fetches, and no optional locks.
"""

import re
from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.core.effect import Effect, Undo
from gateway.core.step import Step, Target, Tool
from gateway.parsing.catalog import Catalog
from gateway.parsing.result import ParsedStep, Refusal
from gateway.parsing.scope import resolve_scope
from gateway.parsing.tools.git_secrets import shows_secrets
from gateway.parsing.tools.git_table import INSTEAD, SUBCOMMANDS, WORKTREE, Option, Subcommand
from gateway.parsing.tools.git_words import CHOOSES, WALKS, Read, shown_name, sort, spelled_out
from gateway.parsing.typed import agrees
from gateway.parsing.words import TypedStep, Word

TOOL: Tool = "git"
TABLE = "git-2.39"
_PARAMS = frozenset({"options", "arguments", "paths"})
_POINT = (
    r"(?:[A-Za-z0-9_@][A-Za-z0-9_./@^~+-]{0,199}|(?=@\{))"
    r"(?:@\{[A-Za-z0-9. -]{1,32}\}|\^\{[a-z]{0,8}\}|\^[!@-])?[\^~0-9]*"
)
_REVISION = re.compile(rf"\^?{_POINT}(?:\.{{2,3}}{_POINT})?")
_STAGED = re.compile(r":(?:[0-3]:)?(?![0-3]:)")  # a path as it is in the index
_FROM_HEAD = re.compile(r"^(\.\.\.?[A-Za-z0-9_@])")  # `..main` is `HEAD..main`
_MAX_REVISION = 240
_PATH = re.compile(r"[A-Za-z0-9_.@+*][A-Za-z0-9_.@+/ *=,-]{0,255}")
_REF_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./@*+-]{0,127}")
_PATTERN = re.compile(r"[^\n\t]{1,256}")
_OBJECT_TYPES = frozenset({"blob", "commit", "tag", "tree"})
_FIRST = "--walk-reflogs"  # git walks the reflogs only of the refs that are named behind it
_ALWAYS_GIVEN = frozenset({"--no-pager", "--no-optional-locks"})


def from_argv(words: tuple[Word, ...], catalog: Catalog, scope: str | None) -> ParsedStep | Refusal:
    """Read `git SUBCOMMAND ...`; options before the subcommand that the executor gives anyway are dropped."""
    while len(words) > 1 and words[1].text in _ALWAYS_GIVEN:
        words = (words[0], *words[2:])
    if len(words) == 1:
        return Refusal("GIT_SUBCOMMAND", words[0].span, {"subcommand": "nothing", "known": _known()})
    words = spelled_out(words)
    name = words[1].text
    table = SUBCOMMANDS.get(name)
    if table is None:
        code = "GIT_OPTION_BEFORE" if name.startswith("-") else "GIT_SUBCOMMAND"
        return Refusal(code, words[1].span, {"subcommand": shown_name(name), "known": _known()})
    read = sort(name, table, words[2:])
    return read if isinstance(read, Refusal) else build(name, read, catalog, scope)


def from_typed(step: TypedStep, catalog: Catalog) -> ParsedStep | Refusal:
    """Read a typed step: params are options (by name), arguments and paths."""
    name = step.operation.removeprefix("git.")
    if f"git.{name}" != step.operation or name not in SUBCOMMANDS:
        return Refusal("TYPED_OPERATION_UNKNOWN", args={"operation": "this", "known": _known("git.")})
    read = _from_params(SUBCOMMANDS[name], step.params)
    parsed = read if isinstance(read, Refusal) else build(name, read, catalog, step.scope)
    return parsed if isinstance(parsed, Refusal) else agrees(step, parsed) or parsed


def build(name: str, read: Read, catalog: Catalog, scope: str | None) -> ParsedStep | Refusal:
    """Return the one step that a command means, for both doors."""
    where = resolve_scope(catalog, TOOL, scope)
    if isinstance(where, Refusal):
        return where
    table = SUBCOMMANDS[name]
    if name != "grep" and not table.patterns:
        read.arguments = [_FROM_HEAD.sub(r"HEAD\1", argument) for argument in read.arguments]
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
    chosen = name in WALKS and not CHOOSES.isdisjoint(options)
    return given or ([table.default] if table.default and not (worktree or chosen) else [])


def _from_params(table: Subcommand, params: Mapping[str, Json]) -> Read | Refusal:
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
    return Read(options, list(arguments), list(paths) if paths else None)


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
        given = True if value is None else value
        options[name] = [*options.get(name, []), given] if option.many else given
    return dict(sorted(options.items()))


def _implied(table: Subcommand, found: list[tuple[str, str | None]]) -> list[str]:
    given = {name for name, _ in found}
    instead = any(table.options[name].group == INSTEAD for name in given)
    return [] if instead else [name for name in table.implied if name not in given]


def _valid(option: Option, value: str | None) -> bool:
    if value is None:
        return option.value is None or option.optional
    return option.value is not None and option.value.fullmatch(value) is not None


def _values(name: str, table: Subcommand, options: Mapping[str, Json], read: Read) -> Refusal | None:
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


def _counts(name: str, table: Subcommand, read: Read) -> Refusal | None:
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
    if not revision and colon:
        return _is_file(_STAGED.sub("", text, count=1))
    return len(revision) <= _MAX_REVISION and bool(_REVISION.fullmatch(revision)) and (not colon or _is_file(path))


def _is_file(path: str) -> bool:
    """Accept a path behind a colon; with two dots in it git may take it for the beginning of a range."""
    return _is_path(path) and ".." not in path


def _is_path(text: str) -> bool:
    return bool(_PATH.fullmatch(text)) and not {"..", ".git"} & set(text.lower().split("/"))


def _argv(
    name: str, table: Subcommand, options: Mapping[str, Json], arguments: list[str], paths: list[str]
) -> list[str]:
    argv = [name]
    ordered = sorted(options.items(), key=lambda item: item[0] != _FIRST)
    for option, value in ordered:
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
