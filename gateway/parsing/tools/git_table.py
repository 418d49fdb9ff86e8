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
    r"|(format:|tformat:)?(?=.*%)([^%\n\t]|%(h|H|t|T|p|P|s|b|B|n|d|D|f|e|%|x(00|09|0[aA]|20|2[cC]|7[cC])"
    r"|a[nNeElLdDrtiIshc]|c[nNeElLdDrtiIsh]|C(red|green|blue|reset|\([a-z0-9 ]{1,32}\))))+"
)
_FILTER = re.compile(r"[ACDMRTXacdmrtx]{1,12}")
_CONTEXT = re.compile(r"[0-9]{1,3}")
_POINT = r"(?:[0-9]{1,7}|/[^/\n\t]{1,64}/)"
_RANGE = rf"{_POINT}?,[+-]?{_POINT}|{_POINT},?"
_LINES = re.compile(_RANGE)
_LINES_IN = re.compile(rf"(?:{_RANGE}):[^:]+")
_DECORATE = re.compile(r"short|full|auto|no")
_SIMILARITY = re.compile(r"[0-9]{1,3}%?")
_ABBREV = re.compile(r"[0-9]{1,2}")
_COLOR = re.compile(r"never|auto|always")
_UNTRACKED = re.compile(r"no|normal|all")
_SORT = re.compile(r"-?(refname|version:refname|v:refname|creatordate|committerdate|authordate|taggerdate)")


INSTEAD = "instead"
"""The group of an option that takes the place of what a subcommand implies."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option by its canonical name: without a value, with a value, or with an optional `=value`."""

    value: re.Pattern[str] | None = None
    optional: bool = False
    group: str = ""
    """At most one option of a group may be given, so that their order cannot matter."""
    many: bool = False


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


_FLAG = Option()
_INSTEAD = Option(group=INSTEAD)
_DIFF: Mapping[str, Option] = {
    "--patch": Option(group="patch"), "--no-patch": Option(group="patch"), "--stat": _FLAG, "--shortstat": _FLAG,
    "--numstat": _FLAG, "--summary": _FLAG, "--name-only": Option(group="names"), "--no-color": _FLAG,
    "--name-status": Option(group="names"), "--unified": Option(_CONTEXT), "--no-renames": Option(group="renames"),
    "--ignore-all-space": _FLAG, "--ignore-space-change": _FLAG, "--diff-filter": Option(_FILTER),
    "--find-renames": Option(_SIMILARITY, optional=True, group="renames"), "--word-diff": _FLAG, "--raw": _FLAG,
    "--find-copies": Option(_SIMILARITY, optional=True), "--function-context": _FLAG, "--minimal": _FLAG,
    "--color": Option(_COLOR, optional=True), "--full-index": _FLAG, "--dirstat": _FLAG,
    "--check": _FLAG, "--ignore-blank-lines": _FLAG,
}  # fmt: skip
_COMMITS: Mapping[str, Option] = {
    "--oneline": Option(group="format"), "--format": Option(_FORMAT, group="format"), "--date": Option(_DATE_STYLE),
    "--abbrev-commit": _FLAG, "--no-abbrev-commit": _FLAG, "--decorate": Option(_DECORATE, optional=True),
    "--no-decorate": _FLAG, "--abbrev": Option(_ABBREV),
}  # fmt: skip
_WALK: Mapping[str, Option] = {
    "--max-count": Option(_NUMBER), "--skip": Option(_NUMBER), "--since": Option(_DATE), "--until": Option(_DATE),
    "--author": Option(_TEXT), "--committer": Option(_TEXT), "--grep": Option(_TEXT), "--all": _FLAG,
    "--all-match": _FLAG, "--no-merges": Option(group="merges"), "--merges": Option(group="merges"),
    "--first-parent": _FLAG, "--reverse": _FLAG, "--regexp-ignore-case": _FLAG, "--branches": _FLAG, "--tags": _FLAG,
    "--remotes": _FLAG, "--date-order": Option(group="order"), "--topo-order": Option(group="order"),
    "--extended-regexp": Option(group="regexp"), "--fixed-strings": Option(group="regexp"),
    "--invert-grep": _FLAG, "--ancestry-path": _FLAG, "--simplify-by-decoration": _FLAG, "--full-history": _FLAG,
    "--show-pulls": _FLAG, "--boundary": _FLAG,
}  # fmt: skip
_LOG: Mapping[str, Option] = {
    "--graph": _FLAG, "--follow": _FLAG, "-S": Option(_TEXT, group="pickaxe"), "-G": Option(_TEXT, group="pickaxe"),
    "--pickaxe-all": _FLAG, "-L": Option(_LINES_IN, many=True), "--cc": _FLAG, "--left-right": _FLAG,
    "--cherry-pick": _FLAG, "--cherry-mark": _FLAG, "--parents": _FLAG, "--children": _FLAG,
}  # fmt: skip
_GREP: Mapping[str, Option] = {
    "--line-number": _FLAG, "-l": _FLAG, "-h": _FLAG, "--ignore-case": _FLAG, "--word-regexp": _FLAG,
    "--extended-regexp": Option(group="regexp"), "--fixed-strings": Option(group="regexp"), "-A": Option(_CONTEXT),
    "-B": Option(_CONTEXT), "-C": Option(_CONTEXT), "-I": _FLAG, "--count": _FLAG, "--heading": _FLAG,
    "--break": _FLAG, "--invert-match": _FLAG,
}  # fmt: skip
_BLAME: Mapping[str, Option] = {
    "-L": Option(_LINES, many=True), "-e": _FLAG, "-l": _FLAG, "-s": _FLAG, "-f": _FLAG, "-n": _FLAG, "-w": _FLAG,
    "-M": _FLAG, "-C": _FLAG, "-t": _FLAG, "--porcelain": Option(group="output"),
    "--line-porcelain": Option(group="output"),
    "--date": Option(_DATE_STYLE), "--root": _FLAG, "--abbrev": Option(_ABBREV), "--since": Option(_DATE),
    "--first-parent": _FLAG,
}  # fmt: skip
_REFS: Mapping[str, Option] = {
    "--contains": Option(_NAME), "--no-contains": Option(_NAME), "--merged": Option(_NAME), "--list": _FLAG,
    "--no-merged": Option(_NAME), "--points-at": Option(_NAME), "--no-color": _FLAG, "--sort": Option(_SORT),
}  # fmt: skip
_TREE: Mapping[str, Option] = {
    "-r": _FLAG, "-d": _FLAG, "-t": _FLAG, "-l": _FLAG, "--name-only": Option(group="names"),
    "--name-status": Option(group="names"), "--full-name": _FLAG, "--full-tree": _FLAG,
}  # fmt: skip
_DESCRIBE: Mapping[str, Option] = {
    "--tags": _FLAG, "--always": _FLAG, "--long": _FLAG, "--all": _FLAG, "--abbrev": Option(_ABBREV),
    "--contains": _FLAG, "--exact-match": _FLAG, "--match": Option(_NAME),
}  # fmt: skip

_STATUS: Mapping[str, Option] = {
    "--short": Option(group="form"), "--porcelain": Option(group="form"), "--long": Option(group="form"),
    "--branch": _FLAG, "--untracked-files": Option(_UNTRACKED, optional=True), "--no-renames": _FLAG,
}  # fmt: skip

_WALK_SPELLINGS = {
    "-n": "--max-count", "-i": "--regexp-ignore-case", "-E": "--extended-regexp", "-F": "--fixed-strings",
    "--after": "--since", "--before": "--until",
}  # fmt: skip
_DIFF_SPELLINGS = {
    "-p": "--patch", "-u": "--patch", "-s": "--no-patch", "-U": "--unified", "-w": "--ignore-all-space",
    "-b": "--ignore-space-change", "-M": "--find-renames", "-C": "--find-copies", "-W": "--function-context",
    "--pretty": "--format", "--staged": "--cached",
}  # fmt: skip
_GREP_SPELLINGS = {
    "-n": "--line-number", "-i": "--ignore-case", "-w": "--word-regexp", "-E": "--extended-regexp",
    "-F": "--fixed-strings", "-v": "--invert-match", "-c": "--count", "--files-with-matches": "-l",
}  # fmt: skip
_BLAME_SPELLINGS = {"--show-email": "-e", "--show-name": "-f", "--show-number": "-n", "-p": "--porcelain"}
_STATUS_SPELLINGS = {"-s": "--short", "-b": "--branch", "-u": "--untracked-files"}
_REF_SPELLINGS = {"-l": "--list", "-a": "--all", "-r": "--remotes", "-v": "--verbose"}

SUBCOMMANDS: Mapping[str, Subcommand] = MappingProxyType(
    {
        "log": Subcommand(
            {**_COMMITS, **_WALK, **_DIFF, **_LOG}, separated=False, spellings={**_DIFF_SPELLINGS, **_WALK_SPELLINGS}
        ),
        "show": Subcommand({**_COMMITS, **_DIFF}, spellings=_DIFF_SPELLINGS),
        "diff": Subcommand({**_DIFF, "--cached": _FLAG}, (0, 2), spellings=_DIFF_SPELLINGS),
        "blame": Subcommand(_BLAME, (0, 1), 1, default="HEAD", bare_paths=1, spellings=_BLAME_SPELLINGS),
        "status": Subcommand(_STATUS, (0, 0), bare_paths=16, spellings=_STATUS_SPELLINGS, bundle="sb"),
        "shortlog": Subcommand(
            {**_WALK, "--summary": _FLAG, "--numbered": _FLAG, "--email": _FLAG},
            default="HEAD", bundle="sne", spellings={"-s": "--summary", "-n": "--numbered", "-e": "--email"},
        ),
        "grep": Subcommand(_GREP, (1, 4), default="HEAD", spellings=_GREP_SPELLINGS, bundle="niwEFvclhI"),
        "rev-parse": Subcommand(
            {"--short": Option(_ABBREV, optional=True), "--verify": _FLAG, "--abbrev-ref": _FLAG},
            (1, 8), 0, separated=False,
        ),
        "rev-list": Subcommand({**_WALK, "--count": _FLAG}, default="HEAD", spellings=_WALK_SPELLINGS),
        "branch": Subcommand(
            {**_REFS, "--all": _FLAG, "--remotes": _FLAG, "--verbose": _FLAG, "-vv": _FLAG, "--show-current": _INSTEAD},
            (0, 4), 0,
            separated=False, spellings=_REF_SPELLINGS, bundle="arvl", implied=("--list",),
        ),
        "tag": Subcommand(
            {**_REFS, "-n": Option(_ABBREV, optional=True)}, (0, 4), 0,
            separated=False, spellings={"-l": "--list"}, implied=("--list",),
        ),
        "ls-files": Subcommand(
            {"--cached": _FLAG, "--stage": _FLAG}, (0, 0), bare_paths=16, spellings={"-c": "--cached", "-s": "--stage"}
        ),
        "ls-tree": Subcommand(_TREE, (1, 8), 0, separated=False, bundle="rdtl", spellings={"--long": "-l"}),
        "describe": Subcommand(_DESCRIBE, (0, 4), 0, default="HEAD", separated=False),
        "cat-file": Subcommand(
            {"-p": Option(group="what"), "-t": Option(group="what"), "-s": Option(group="what")}, (1, 1), 0,
            separated=False,
        ),
        "name-rev": Subcommand({"--name-only": _FLAG, "--tags": _FLAG}, (1, 8), 0, separated=False),
        "merge-base": Subcommand({"--all": _FLAG, "--is-ancestor": _FLAG}, (2, 4), 0, separated=False),
    }
)  # fmt: skip
