"""The git commands that may be proposed: reads of one repository, as exact tables (git 2.39).

Left out on purpose: whatever names a program or a file outside the repository, and every abbreviation. Commands
that look at the working tree are safe because the executor shows git a directory without the repository's own
configuration: no filter, hook, pager or monitor is defined there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_NUMBER = re.compile(r"0|[1-9][0-9]{0,5}")
_TEXT = re.compile(r"[^\n\t]{1,128}")
_DATE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 :+.,/-]{0,63}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.*/@-]{0,127}")
_DATE_STYLE = re.compile(
    r"(iso|iso-strict|iso8601|iso8601-strict|relative|short|local|human|unix|raw|default|rfc|rfc2822)(-local)?"
    r"|format(-local)?:[%A-Za-z0-9 :./,_-]{1,64}"
)
# Placeholders of `--format`: %G runs gpg and is not among them; of %x only blanks and separators.
_FORMAT = re.compile(
    r"oneline|short|medium|full|fuller|reference|raw"
    r"|(format:|tformat:)?(?=.*%)([^%\n\t]|%(h|H|t|T|p|P|s|b|B|n|d|D|f|e|m|N|S|g[dDs]|%|x(00|09|0[aA]|20|2[cC]|7[cC])"
    r"|[<>]{1,2}\([0-9]{1,3}(,(m|l)?trunc)?\)"
    r"|a[nNeElLdDrtiIshc]|c[nNeElLdDrtiIsh]|C(red|green|blue|reset|\([a-z0-9 ]{1,32}\))))+|"
)
# Atoms of a ref's `--format`; %(signature) runs gpg and is not among them.
_REF_FORMAT = re.compile(
    r"([^%\n\t]|%(%|00|09|0[aA]|20|2[cC]|7[cC])|%\(\*?(refname|objectname|objecttype|objectsize|upstream|push|HEAD|symref"
    r"|subject|(author|committer|tagger|creator)(name|email|date)?|contents:subject|tree|parent|numparent|tag|type"
    r"|object|color)(:[a-z0-9=, -]{1,32})?\))+"
)
_STAT = re.compile(r"[0-9]{1,4}(,[0-9]{1,4}){0,2}")
_ALGORITHM = re.compile(r"myers|minimal|patience|histogram|default")
_WORDS = re.compile(r"color|plain|porcelain|none")
_PORCELAIN = re.compile(r"v1|v2")
_IGNORED = re.compile(r"traditional|no|matching")
_GROUP = re.compile(r"author|committer|trailer:[A-Za-z-]{1,32}")
_FILTER = re.compile(r"[ACDMRTXacdmrtx]{1,12}")
_CONTEXT = re.compile(r"[0-9]{1,3}")
_POINT = r"(?:[0-9]{1,7}|/[^/\n\t]{1,64}/)"
_RANGE = rf"{_POINT}?,[+-]?{_POINT}|{_POINT},?"
_FUNCTION = r":[A-Za-z0-9_.$-]{1,64}"
_LINES = re.compile(rf"{_RANGE}|{_FUNCTION}")
_LINES_IN = re.compile(rf"(?:{_RANGE}|{_FUNCTION}):[^:]+")
_DECORATE = re.compile(r"short|full|auto|no")
_SIMILARITY = re.compile(r"[0-9]{1,3}%?")
_ABBREV = re.compile(r"[0-9]{1,2}")
_COLOR = re.compile(r"never|auto|always")
_UNTRACKED = re.compile(r"no|normal|all")
_SORT = re.compile(r"-?(refname|version:refname|v:refname|creatordate|committerdate|authordate|taggerdate)")


INSTEAD = "instead"
"""The group of an option that takes the place of what a subcommand implies."""
WORKTREE = "worktree"
"""The group of an option that looks at the working tree, where no default revision may stand."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option by its canonical name: without a value, with a value, or with an optional `=value`."""

    value: re.Pattern[str] | None = None
    optional: bool = False
    group: str = ""
    """At most one option of a group may be given, so that their order cannot matter."""
    many: bool = False
    last: str = ""
    """The value when the option is the last word, as git has it for `--merged`."""


@dataclass(frozen=True, slots=True)
class Subcommand:
    """What one subcommand accepts."""

    options: Mapping[str, Option]
    arguments: tuple[int, int] = (0, 8)
    """Least and most words before `--`: revisions, for `grep` a pattern first."""
    paths: int = 16
    default: str = ""
    """The revision that is added when none is given: what is committed is read, also in a bare repository."""
    separated: bool = True
    """`--` is always added, so that git takes no argument for a path."""
    bare_paths: int = 0
    """How many of the last arguments are paths when there is no `--`."""
    spellings: Mapping[str, str] = field(default_factory=dict)
    """Other names of an option."""
    bundle: str = ""
    """One-letter flags that may be written together."""
    implied: tuple[str, ...] = ()
    """Options that are always added, so that the command can only list."""
    patterns: bool = False
    """Arguments are patterns of refs and not revisions."""
    joined: bool = False
    """Words behind `--` are arguments like the others."""


_FLAG = Option()
_INSTEAD = Option(group=INSTEAD)
_DIFF: Mapping[str, Option] = {
    "--patch": Option(group="patch"), "--no-patch": Option(group="patch"), "--stat": Option(_STAT, optional=True),
    "--shortstat": _FLAG, "--compact-summary": _FLAG, "--patience": Option(group="algorithm"),
    "--histogram": Option(group="algorithm"), "--diff-algorithm": Option(_ALGORITHM, group="algorithm"),
    "--no-ext-diff": _FLAG, "--no-textconv": _FLAG, "--ignore-space-at-eol": _FLAG, "--no-prefix": _FLAG, "-R": _FLAG,
    "--numstat": _FLAG, "--summary": _FLAG, "--name-only": Option(group="names"), "--no-color": _FLAG,
    "--name-status": Option(group="names"), "--unified": Option(_CONTEXT), "--no-renames": Option(group="renames"),
    "--ignore-all-space": _FLAG, "--ignore-space-change": _FLAG, "--diff-filter": Option(_FILTER),
    "--find-renames": Option(_SIMILARITY, optional=True, group="renames"), "--word-diff": Option(_WORDS, optional=True),
    "--raw": _FLAG,
    "--find-copies": Option(_SIMILARITY, optional=True), "--function-context": _FLAG,
    "--minimal": Option(group="algorithm"),
    "--color": Option(_COLOR, optional=True), "--full-index": _FLAG, "--dirstat": _FLAG,
    "--check": _FLAG, "--ignore-blank-lines": _FLAG,
}  # fmt: skip
_COMMITS: Mapping[str, Option] = {
    "--oneline": Option(group="format"), "--format": Option(_FORMAT, group="format"), "--date": Option(_DATE_STYLE),
    "--abbrev-commit": _FLAG, "--no-abbrev-commit": _FLAG, "--decorate": Option(_DECORATE, optional=True),
    "--no-decorate": _FLAG, "--abbrev": Option(_ABBREV), "--no-notes": _FLAG, "--relative-date": _FLAG,
}  # fmt: skip
_WALK: Mapping[str, Option] = {
    "--max-count": Option(_NUMBER), "--skip": Option(_NUMBER), "--since": Option(_DATE), "--until": Option(_DATE),
    "--author": Option(_TEXT), "--committer": Option(_TEXT), "--grep": Option(_TEXT), "--all": _FLAG,
    "--all-match": _FLAG, "--no-merges": Option(group="merges"), "--merges": Option(group="merges"),
    "--first-parent": _FLAG, "--reverse": _FLAG, "--regexp-ignore-case": _FLAG,
    "--branches": Option(_NAME, optional=True), "--tags": Option(_NAME, optional=True),
    "--remotes": Option(_NAME, optional=True), "--glob": Option(_NAME), "--max-parents": Option(_NUMBER),
    "--min-parents": Option(_NUMBER), "--author-date-order": Option(group="order"), "--no-walk": _FLAG,
    "--date-order": Option(group="order"), "--topo-order": Option(group="order"),
    "--extended-regexp": Option(group="regexp"), "--fixed-strings": Option(group="regexp"),
    "--invert-grep": _FLAG, "--ancestry-path": _FLAG, "--simplify-by-decoration": _FLAG, "--full-history": _FLAG,
    "--show-pulls": _FLAG, "--boundary": _FLAG,
}  # fmt: skip
_LOG: Mapping[str, Option] = {
    "--graph": _FLAG, "--follow": _FLAG, "-S": Option(_TEXT, group="pickaxe"), "-G": Option(_TEXT, group="pickaxe"),
    "--pickaxe-all": _FLAG, "--pickaxe-regex": _FLAG, "-L": Option(_LINES_IN, many=True), "--cc": _FLAG,
    "--left-right": _FLAG,
    "--cherry-pick": _FLAG, "--cherry-mark": _FLAG, "--parents": _FLAG, "--children": _FLAG, "--source": _FLAG,
    "--walk-reflogs": _FLAG, "--left-only": Option(group="side"), "--right-only": Option(group="side"),
}  # fmt: skip
_GREP: Mapping[str, Option] = {
    "--line-number": _FLAG, "-l": _FLAG, "-h": _FLAG, "--ignore-case": _FLAG, "--word-regexp": _FLAG,
    "--extended-regexp": Option(group="regexp"), "--fixed-strings": Option(group="regexp"), "-A": Option(_CONTEXT),
    "-B": Option(_CONTEXT), "-C": Option(_CONTEXT), "-I": _FLAG, "--count": _FLAG, "--heading": _FLAG,
    "--break": _FLAG, "--invert-match": _FLAG, "-e": Option(_TEXT), "--only-matching": _FLAG, "--show-function": _FLAG,
    "--full-name": _FLAG, "--files-without-match": _FLAG, "--recursive": _FLAG, "--max-depth": Option(_NUMBER),
}  # fmt: skip
_BLAME: Mapping[str, Option] = {
    "-L": Option(_LINES, many=True), "-e": _FLAG, "-l": _FLAG, "-s": _FLAG, "-f": _FLAG, "-n": _FLAG, "-w": _FLAG,
    "-M": _FLAG, "-C": _FLAG, "-t": _FLAG, "--porcelain": Option(group="output"),
    "--line-porcelain": Option(group="output"),
    "--date": Option(_DATE_STYLE), "--root": _FLAG, "--abbrev": Option(_ABBREV), "--since": Option(_DATE),
    "--first-parent": _FLAG, "--ignore-rev": Option(_NAME, many=True), "--minimal": _FLAG, "-b": _FLAG,
}  # fmt: skip
_REFS: Mapping[str, Option] = {
    "--contains": Option(_NAME, last="HEAD"), "--no-contains": Option(_NAME, last="HEAD"),
    "--merged": Option(_NAME, last="HEAD"), "--no-merged": Option(_NAME, last="HEAD"),
    "--points-at": Option(_NAME, last="HEAD"), "--sort": Option(_SORT), "--format": Option(_REF_FORMAT),
    "--ignore-case": _FLAG,
}  # fmt: skip
_LISTED: Mapping[str, Option] = {"--list": _FLAG, "--no-color": _FLAG, "--abbrev": Option(_ABBREV)}
_SHOW_REF: Mapping[str, Option] = {
    "--heads": _FLAG, "--tags": _FLAG, "--head": _FLAG, "--dereference": _FLAG, "--verify": _FLAG,
    "--hash": Option(_ABBREV, optional=True), "--abbrev": Option(_ABBREV, optional=True),
}  # fmt: skip
_FILES: Mapping[str, Option] = {
    "--cached": _FLAG, "--stage": _FLAG, "--others": _FLAG, "--modified": _FLAG, "--deleted": _FLAG, "-t": _FLAG,
    "--exclude-standard": _FLAG, "--unmerged": _FLAG, "--full-name": _FLAG, "--error-unmatch": _FLAG, "--eol": _FLAG,
}  # fmt: skip
_PARSE: Mapping[str, Option] = {
    "--short": Option(_ABBREV, optional=True), "--verify": _FLAG, "--abbrev-ref": _FLAG, "--symbolic-full-name": _FLAG,
    "--quiet": _FLAG, "--all": _FLAG, "--branches": _FLAG, "--tags": _FLAG, "--remotes": _FLAG,
    "--is-inside-work-tree": _FLAG, "--is-bare-repository": _FLAG, "--show-prefix": _FLAG, "--show-toplevel": _FLAG,
}  # fmt: skip
_TREE: Mapping[str, Option] = {
    "-r": _FLAG, "-d": _FLAG, "-t": _FLAG, "-l": _FLAG, "--name-only": Option(group="names"),
    "--name-status": Option(group="names"), "--full-name": _FLAG, "--full-tree": _FLAG,
}  # fmt: skip
_DESCRIBE: Mapping[str, Option] = {
    "--tags": _FLAG, "--always": _FLAG, "--long": _FLAG, "--all": _FLAG, "--abbrev": Option(_ABBREV),
    "--contains": _FLAG, "--exact-match": _FLAG, "--match": Option(_NAME), "--exclude": Option(_NAME),
    "--first-parent": _FLAG, "--candidates": Option(_NUMBER), "--dirty": Option(_NAME, optional=True, group=WORKTREE),
}  # fmt: skip

_STATUS: Mapping[str, Option] = {
    "--short": Option(group="form"), "--porcelain": Option(_PORCELAIN, optional=True, group="form"),
    "--long": Option(group="form"), "--show-stash": _FLAG, "--no-ahead-behind": _FLAG,
    "--ignored": Option(_IGNORED, optional=True),
    "--branch": _FLAG, "--untracked-files": Option(_UNTRACKED, optional=True), "--no-renames": _FLAG,
}  # fmt: skip

_WALK_SPELLINGS = {
    "-n": "--max-count", "-i": "--regexp-ignore-case", "-E": "--extended-regexp", "-F": "--fixed-strings",
    "-g": "--walk-reflogs", "--after": "--since", "--before": "--until",
}  # fmt: skip
_DIFF_SPELLINGS = {
    "-p": "--patch", "-u": "--patch", "-s": "--no-patch", "-U": "--unified", "-w": "--ignore-all-space",
    "-b": "--ignore-space-change", "-M": "--find-renames", "-C": "--find-copies", "-W": "--function-context",
    "--pretty": "--format", "--staged": "--cached",
}  # fmt: skip
_GREP_SPELLINGS = {
    "-n": "--line-number", "-i": "--ignore-case", "-w": "--word-regexp", "-E": "--extended-regexp",
    "-F": "--fixed-strings", "-v": "--invert-match", "-c": "--count", "--files-with-matches": "-l",
    "-o": "--only-matching",
    "-p": "--show-function", "-L": "--files-without-match", "-r": "--recursive",
}  # fmt: skip
_BLAME_SPELLINGS = {"--show-email": "-e", "--show-name": "-f", "--show-number": "-n", "-p": "--porcelain"}
_STATUS_SPELLINGS = {"-s": "--short", "-b": "--branch", "-u": "--untracked-files"}
_REF_SPELLINGS = {"-l": "--list", "-a": "--all", "-r": "--remotes", "-v": "--verbose", "-i": "--ignore-case"}
_FILE_SPELLINGS = {
    "-c": "--cached", "-s": "--stage", "-o": "--others", "-m": "--modified", "-d": "--deleted", "-u": "--unmerged",
}  # fmt: skip

SUBCOMMANDS: Mapping[str, Subcommand] = MappingProxyType(
    {
        "log": Subcommand(
            {**_COMMITS, **_WALK, **_DIFF, **_LOG}, default="HEAD", separated=False,
            spellings={**_DIFF_SPELLINGS, **_WALK_SPELLINGS},
        ),
        "show": Subcommand({**_COMMITS, **_DIFF}, default="HEAD", spellings=_DIFF_SPELLINGS),
        "diff": Subcommand({**_DIFF, "--cached": _FLAG, "--merge-base": _FLAG}, (0, 2), spellings=_DIFF_SPELLINGS),
        "blame": Subcommand(_BLAME, (0, 1), 1, default="HEAD", bare_paths=1, spellings=_BLAME_SPELLINGS),
        "status": Subcommand(_STATUS, (0, 0), bare_paths=16, spellings=_STATUS_SPELLINGS, bundle="sb"),
        "shortlog": Subcommand(
            {**_WALK, "--summary": _FLAG, "--numbered": _FLAG, "--email": _FLAG, "--group": Option(_GROUP)},
            default="HEAD", bundle="sne", spellings={"-s": "--summary", "-n": "--numbered", "-e": "--email"},
        ),
        "grep": Subcommand(_GREP, (1, 4), default="HEAD", spellings=_GREP_SPELLINGS, bundle="niwEFvclhI"),
        "rev-parse": Subcommand(_PARSE, (0, 8), 0, separated=False, spellings={"-q": "--quiet"}),
        "rev-list": Subcommand(
            {**_COMMITS, **_WALK, "--count": _FLAG, "--left-right": _FLAG}, default="HEAD",
            spellings={**_WALK_SPELLINGS, "--pretty": "--format"},
        ),
        "branch": Subcommand(
            {
                **_REFS, **_LISTED, "--all": _FLAG, "--remotes": _FLAG, "--verbose": Option(group="verbose"),
                "-vv": Option(group="verbose"), "--show-current": _INSTEAD,
            },
            (0, 4), 0,
            separated=False, spellings=_REF_SPELLINGS, bundle="arvli", implied=("--list",), patterns=True,
        ),
        "tag": Subcommand(
            {**_REFS, **_LISTED, "-n": Option(_ABBREV, optional=True)}, (0, 4), 0,
            separated=False, spellings={"-l": "--list", "-i": "--ignore-case"}, implied=("--list",), patterns=True,
        ),
        "for-each-ref": Subcommand({**_REFS, "--count": Option(_NUMBER)}, (0, 4), 0, separated=False, patterns=True),
        "show-ref": Subcommand(
            _SHOW_REF, (0, 4), 0, separated=False, patterns=True,
            spellings={"-d": "--dereference", "-s": "--hash", "--branches": "--heads"},
        ),
        "ls-files": Subcommand(_FILES, (0, 0), bare_paths=16, spellings=_FILE_SPELLINGS),
        "ls-tree": Subcommand(
            _TREE, (1, 8), 0, separated=False, bundle="rdtl", spellings={"--long": "-l"}, joined=True
        ),
        "describe": Subcommand(_DESCRIBE, (0, 4), 0, default="HEAD", separated=False),
        "cat-file": Subcommand(
            {option: Option(group="what") for option in ("-p", "-t", "-s", "-e")},
            (1, 2), 0,
            separated=False,
        ),
        "name-rev": Subcommand({"--name-only": _FLAG, "--tags": _FLAG}, (1, 8), 0, separated=False),
        "merge-base": Subcommand(
            {"--all": _FLAG, "--is-ancestor": _FLAG, "--fork-point": _FLAG, "--independent": _FLAG, "--octopus": _FLAG},
            (1, 4), 0, separated=False,
        ),
        "cherry": Subcommand(
            {"--verbose": _FLAG, "--abbrev": Option(_ABBREV)}, (1, 3), 0, separated=False, spellings={"-v": "--verbose"}
        ),
        "count-objects": Subcommand(
            {"--verbose": _FLAG, "--human-readable": _FLAG}, (0, 0), 0, separated=False, bundle="vH",
            spellings={"-v": "--verbose", "-H": "--human-readable"},
        ),
    }
)  # fmt: skip
