"""The git commands that may be proposed: reads of one repository, as exact tables (git 2.39).

Left out on purpose: whatever names a program or a file outside the repository, and every abbreviation. Commands
that look at the working tree are safe because the executor shows git a directory without the repository's own
configuration: no filter, hook, pager or monitor is defined there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.parsing.tools import git_values as v

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
    "--patch": Option(group="patch"), "--no-patch": Option(group="patch"), "--stat": Option(v.STAT, optional=True),
    "--patch-with-stat": Option(group="patch"), "--patch-with-raw": Option(group="patch"), "--text": _FLAG,
    "--binary": _FLAG, "--inter-hunk-context": Option(v.CONTEXT), "--indent-heuristic": Option(group="indent"),
    "--no-indent-heuristic": Option(group="indent"), "--relative": Option(group="relative"),
    "--no-relative": Option(group="relative"), "--find-copies-harder": _FLAG, "--irreversible-delete": _FLAG,
    "--break-rewrites": Option(v.SIMILARITY, optional=True), "--no-color-moved": Option(group="moved"),
    "--color-moved": Option(v.MOVED, optional=True, group="moved"), "--ws-error-highlight": Option(v.BLANKS),
    "--ignore-cr-at-eol": _FLAG,
    "--ignore-matching-lines": Option(v.TEXT, many=True), "--cumulative": _FLAG,
    "--ignore-submodules": Option(v.SUBMODULES, optional=True),
    "--stat-width": Option(v.NUMBER), "--stat-name-width": Option(v.NUMBER), "--stat-graph-width": Option(v.NUMBER),
    "--stat-count": Option(v.NUMBER), "-S": Option(v.TEXT, group="pickaxe"), "-G": Option(v.PLAIN, group="pickaxe"),
    "--pickaxe-all": _FLAG, "--pickaxe-regex": _FLAG, "--rename-empty": Option(group="empty"),
    "--no-rename-empty": Option(group="empty"),
    "--shortstat": _FLAG, "--compact-summary": _FLAG, "--patience": Option(group="algorithm"),
    "--histogram": Option(group="algorithm"), "--diff-algorithm": Option(v.ALGORITHM, group="algorithm"),
    "--no-ext-diff": _FLAG, "--no-textconv": _FLAG, "--ignore-space-at-eol": _FLAG, "--no-prefix": _FLAG, "-R": _FLAG,
    "--numstat": _FLAG, "--summary": _FLAG, "--name-only": Option(group="names"), "--no-color": _FLAG,
    "--name-status": Option(group="names"), "--unified": Option(v.CONTEXT), "--no-renames": Option(group="renames"),
    "--ignore-all-space": _FLAG, "--ignore-space-change": _FLAG, "--diff-filter": Option(v.FILTER),
    "--find-renames": Option(v.SIMILARITY, optional=True, group="renames"), "--color-words": _FLAG,
    "--word-diff": Option(v.WORDS, optional=True),
    "--raw": _FLAG,
    "--find-copies": Option(v.SIMILARITY, optional=True), "--function-context": _FLAG,
    "--minimal": Option(group="algorithm"),
    "--color": Option(v.COLOR, optional=True), "--full-index": _FLAG, "--dirstat": Option(v.DIRSTAT, optional=True),
    "--check": _FLAG, "--ignore-blank-lines": _FLAG, "--quiet": _FLAG, "--exit-code": _FLAG,
}  # fmt: skip
_COMMITS: Mapping[str, Option] = {
    "--oneline": Option(group="format"), "--format": Option(v.FORMAT, group="format"), "--date": Option(v.DATE_STYLE),
    "--abbrev-commit": _FLAG, "--no-abbrev-commit": _FLAG, "--abbrev": Option(v.ABBREV), "--no-notes": _FLAG,
    "--relative-date": _FLAG, "--encoding": Option(v.ENCODING), "--no-expand-tabs": Option(group="tabs"),
    "--expand-tabs": Option(v.ABBREV, optional=True, group="tabs"),
}  # fmt: skip
_DECORATED: Mapping[str, Option] = {
    "--decorate": Option(v.DECORATE, optional=True, group="decorate"), "--no-decorate": Option(group="decorate"),
    "--clear-decorations": _FLAG, "--decorate-refs": Option(v.NAME, many=True),
    "--decorate-refs-exclude": Option(v.NAME, many=True),
}  # fmt: skip
# How a merge is compared with its parents; `remerge` would merge again and write objects.
_MERGED: Mapping[str, Option] = {
    "-m": Option(group="parents"), "--cc": Option(group="parents"),
    "--diff-merges": Option(v.MERGES, group="parents"), "--no-diff-merges": Option(group="parents"),
    "--combined-all-paths": _FLAG,
}  # fmt: skip
_WALK: Mapping[str, Option] = {
    "--max-count": Option(v.NUMBER), "--skip": Option(v.NUMBER), "--since": Option(v.DATE), "--until": Option(v.DATE),
    "--author": Option(v.TEXT, many=True), "--committer": Option(v.TEXT, many=True), "--all": _FLAG,
    "--grep": Option(v.TEXT, many=True), "--max-age": Option(v.EPOCH), "--min-age": Option(v.EPOCH),
    "--dense": Option(group="dense"), "--sparse": Option(group="dense"), "--simplify-merges": _FLAG,
    "--basic-regexp": Option(group="regexp"), "--exclude-first-parent-only": _FLAG, "--remove-empty": _FLAG,
    "--all-match": _FLAG, "--no-merges": Option(group="merges"), "--merges": Option(group="merges"),
    "--first-parent": _FLAG, "--reverse": _FLAG, "--regexp-ignore-case": _FLAG,
    "--branches": Option(v.NAME, optional=True), "--tags": Option(v.NAME, optional=True),
    "--remotes": Option(v.NAME, optional=True), "--glob": Option(v.NAME), "--max-parents": Option(v.NUMBER),
    "--min-parents": Option(v.NUMBER), "--author-date-order": Option(group="order"), "--no-walk": _FLAG,
    "--date-order": Option(group="order"), "--topo-order": Option(group="order"),
    "--extended-regexp": Option(group="regexp"), "--fixed-strings": Option(group="regexp"),
    "--invert-grep": _FLAG, "--ancestry-path": _FLAG, "--simplify-by-decoration": _FLAG, "--full-history": _FLAG,
    "--show-pulls": _FLAG, "--boundary": _FLAG,
}  # fmt: skip
_LOG: Mapping[str, Option] = {
    "-G": Option(v.TEXT, group="pickaxe"), "--graph": Option(group="graph"),
    "--follow": _FLAG, "-L": Option(v.LINES_IN, many=True), "--full-diff": _FLAG,
    "--left-right": _FLAG, "--no-graph": Option(group="graph"),
    "--cherry-pick": _FLAG, "--cherry-mark": _FLAG, "--parents": _FLAG, "--children": _FLAG, "--source": _FLAG,
    "--walk-reflogs": _FLAG, "--left-only": Option(group="side"), "--right-only": Option(group="side"),
}  # fmt: skip
_GREP: Mapping[str, Option] = {
    "--line-number": _FLAG, "-l": _FLAG, "-h": _FLAG, "--ignore-case": _FLAG, "--word-regexp": _FLAG,
    "--extended-regexp": Option(group="regexp"), "--fixed-strings": Option(group="regexp"), "-A": Option(v.CONTEXT),
    "-B": Option(v.CONTEXT), "-C": Option(v.CONTEXT), "-I": _FLAG, "--count": _FLAG, "--heading": _FLAG,
    "--break": _FLAG, "--invert-match": _FLAG, "-e": Option(v.TEXT), "--only-matching": _FLAG, "--show-function": _FLAG,
    "--full-name": _FLAG, "--files-without-match": _FLAG, "--recursive": _FLAG, "--max-depth": Option(v.NUMBER),
}  # fmt: skip
_BLAME: Mapping[str, Option] = {
    "-L": Option(v.LINES, many=True), "-e": _FLAG, "-l": _FLAG, "-s": _FLAG, "-f": _FLAG, "-n": _FLAG, "-w": _FLAG,
    "-M": Option(v.SCORE, optional=True), "-t": _FLAG,
    "-C": Option(v.SCORE, optional=True, many=True), "-c": _FLAG, "--incremental": Option(group="output"),
    "--reverse": _FLAG, "--show-stats": _FLAG,
    "--porcelain": Option(group="output"),
    "--line-porcelain": Option(group="output"),
    "--date": Option(v.DATE_STYLE), "--root": _FLAG, "--abbrev": Option(v.ABBREV), "--since": Option(v.DATE),
    "--first-parent": _FLAG, "--ignore-rev": Option(v.COMMIT, many=True), "--minimal": _FLAG, "-b": _FLAG,
}  # fmt: skip
_REFS: Mapping[str, Option] = {
    "--contains": Option(v.COMMIT, last="HEAD"), "--no-contains": Option(v.COMMIT, last="HEAD"),
    "--merged": Option(v.COMMIT, last="HEAD"), "--no-merged": Option(v.COMMIT, last="HEAD"),
    "--points-at": Option(v.COMMIT, last="HEAD"), "--sort": Option(v.SORT), "--format": Option(v.REF_FORMAT),
    "--ignore-case": _FLAG,
}  # fmt: skip
_LISTED: Mapping[str, Option] = {"--list": _FLAG, "--no-color": _FLAG}
_SHOW_REF: Mapping[str, Option] = {
    "--heads": _FLAG, "--tags": _FLAG, "--head": _FLAG, "--dereference": _FLAG, "--verify": _FLAG,
    "--hash": Option(v.ABBREV, optional=True), "--abbrev": Option(v.ABBREV, optional=True),
}  # fmt: skip
_FILES: Mapping[str, Option] = {
    "--cached": _FLAG, "--stage": _FLAG, "--others": _FLAG, "--modified": _FLAG, "--deleted": _FLAG, "-t": _FLAG,
    "--exclude-standard": _FLAG, "--unmerged": _FLAG, "--full-name": _FLAG, "--error-unmatch": _FLAG, "--eol": _FLAG,
    "-z": _FLAG,
}  # fmt: skip
_PARSE: Mapping[str, Option] = {
    "--short": Option(v.ABBREV, optional=True), "--verify": _FLAG, "--abbrev-ref": _FLAG, "--symbolic-full-name": _FLAG,
    "--quiet": _FLAG, "--all": _FLAG, "--branches": _FLAG, "--tags": _FLAG, "--remotes": _FLAG,
    "--is-inside-work-tree": _FLAG, "--is-bare-repository": _FLAG, "--show-prefix": _FLAG, "--show-toplevel": _FLAG,
}  # fmt: skip
_TREE: Mapping[str, Option] = {
    "-r": _FLAG, "-d": _FLAG, "-t": _FLAG, "-l": _FLAG, "--name-only": Option(group="names"),
    "--name-status": Option(group="names"), "--full-name": _FLAG, "--full-tree": _FLAG, "-z": _FLAG,
}  # fmt: skip
_DESCRIBE: Mapping[str, Option] = {
    "--tags": _FLAG, "--always": _FLAG, "--long": _FLAG, "--all": _FLAG, "--abbrev": Option(v.ABBREV),
    "--contains": _FLAG, "--exact-match": _FLAG, "--match": Option(v.NAME), "--exclude": Option(v.NAME),
    "--first-parent": _FLAG, "--candidates": Option(v.NUMBER), "--dirty": Option(v.NAME, optional=True, group=WORKTREE),
}  # fmt: skip

# Nothing is repaired and nothing kept: `--lost-found` would write.
_FSCK: Mapping[str, Option] = {
    "--no-dangling": Option(group="dangling"), "--dangling": Option(group="dangling"), "--unreachable": _FLAG,
    "--full": Option(group="full"), "--no-full": Option(group="full"), "--strict": _FLAG, "--connectivity-only": _FLAG,
    "--no-progress": _FLAG, "--no-reflogs": _FLAG, "--root": _FLAG, "--tags": _FLAG, "--name-objects": _FLAG,
}  # fmt: skip
_SHOW_BRANCH: Mapping[str, Option] = {
    "--all": _FLAG, "--remotes": _FLAG, "--list": _FLAG, "--no-color": _FLAG, "--current": _FLAG, "--sha1-name": _FLAG,
    "--no-name": _FLAG, "--topo-order": Option(group="order"), "--date-order": Option(group="order"), "--sparse": _FLAG,
    "--merge-base": Option(group="what"), "--independent": Option(group="what"), "--topics": _FLAG,
}  # fmt: skip
_RANGES: Mapping[str, Option] = {
    "--creation-factor": Option(v.CONTEXT), "--no-dual-color": _FLAG, "--left-only": Option(group="side"),
    "--right-only": Option(group="side"), "--stat": _FLAG, "--no-patch": _FLAG, "--no-color": _FLAG,
}  # fmt: skip
_STATUS: Mapping[str, Option] = {
    "--short": Option(group="form"), "--porcelain": Option(v.PORCELAIN, optional=True, group="form"),
    "--long": Option(group="form"), "--show-stash": _FLAG, "--no-ahead-behind": _FLAG,
    "--ignored": Option(v.IGNORED, optional=True),
    "--branch": _FLAG, "--untracked-files": Option(v.UNTRACKED, optional=True), "--no-renames": _FLAG, "-z": _FLAG,
}  # fmt: skip

_WALK_SPELLINGS = {
    "-n": "--max-count", "-i": "--regexp-ignore-case", "-E": "--extended-regexp", "-F": "--fixed-strings",
    "-g": "--walk-reflogs", "--after": "--since", "--before": "--until",
}  # fmt: skip
_DIFF_SPELLINGS = {
    "-p": "--patch", "-u": "--patch", "-s": "--no-patch", "-U": "--unified", "-w": "--ignore-all-space",
    "-b": "--ignore-space-change", "-M": "--find-renames", "-C": "--find-copies", "-W": "--function-context",
    "--pretty": "--format", "--staged": "--cached", "-a": "--text", "-D": "--irreversible-delete",
    "-B": "--break-rewrites", "-I": "--ignore-matching-lines",
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
            {**_COMMITS, **_DECORATED, **_WALK, **_DIFF, **_MERGED, **_LOG}, default="HEAD", separated=False,
            spellings={**_DIFF_SPELLINGS, **_WALK_SPELLINGS},
        ),
        "show": Subcommand(
            {**_COMMITS, **_DECORATED, **_DIFF, **_MERGED, "--first-parent": _FLAG},
            default="HEAD", spellings={**_DIFF_SPELLINGS, "-q": "--quiet"},
        ),
        "diff-tree": Subcommand(
            {**_COMMITS, **_DIFF, **_MERGED, "-r": _FLAG, "-t": _FLAG, "--root": _FLAG, "--no-commit-id": _FLAG,
             "-v": _FLAG, "--merge-base": _FLAG, "-z": _FLAG},
            (1, 2), spellings=_DIFF_SPELLINGS,
        ),
        "diff": Subcommand(
            {**_DIFF, "--cached": _FLAG, "--merge-base": _FLAG, "-z": _FLAG}, (0, 2), spellings=_DIFF_SPELLINGS
        ),
        "range-diff": Subcommand(_RANGES, (1, 3), spellings={"-s": "--no-patch"}),
        "blame": Subcommand(_BLAME, (0, 1), 1, default="HEAD", bare_paths=1, spellings=_BLAME_SPELLINGS),
        "status": Subcommand(_STATUS, (0, 0), bare_paths=16, spellings=_STATUS_SPELLINGS, bundle="sb"),
        "shortlog": Subcommand(
            {
                **_WALK, "--committer": _FLAG, "--summary": _FLAG, "--numbered": _FLAG, "--email": _FLAG,
                "--group": Option(v.GROUP),
            },
            default="HEAD", bundle="sne", spellings={"-s": "--summary", "-n": "--numbered", "-e": "--email"},
        ),
        "grep": Subcommand(_GREP, (1, 4), default="HEAD", spellings=_GREP_SPELLINGS, bundle="niwEFvclhI"),
        "rev-parse": Subcommand(_PARSE, (0, 8), 0, separated=False, spellings={"-q": "--quiet"}),
        "rev-list": Subcommand(
            {
                **_COMMITS, **_WALK, "--count": _FLAG, "--left-right": _FLAG,
                "--no-commit-header": _FLAG, "--cherry-pick": _FLAG, "--cherry-mark": _FLAG, "--parents": _FLAG,
            },
            default="HEAD",
            spellings={**_WALK_SPELLINGS, "--pretty": "--format"},
        ),
        "branch": Subcommand(
            {
                **_REFS, **_LISTED, "--abbrev": Option(v.ABBREV), "--all": _FLAG, "--remotes": _FLAG,
                "--verbose": Option(group="verbose"),
                "-vv": Option(group="verbose"), "--show-current": _INSTEAD,
            },
            (0, 4), 0,
            separated=False, spellings=_REF_SPELLINGS, bundle="arvli", implied=("--list",), patterns=True,
        ),
        "tag": Subcommand(
            {**_REFS, **_LISTED, "-n": Option(v.ABBREV, optional=True)}, (0, 4), 0,
            separated=False, spellings={"-l": "--list", "-i": "--ignore-case"}, implied=("--list",), patterns=True,
        ),
        "for-each-ref": Subcommand({**_REFS, "--count": Option(v.NUMBER)}, (0, 4), 0, separated=False, patterns=True),
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
            {"--verbose": _FLAG, "--abbrev": Option(v.ABBREV)}, (1, 3), 0, separated=False,
            spellings={"-v": "--verbose"},
        ),
        "check-ignore": Subcommand(
            {"--verbose": _FLAG, "--quiet": _FLAG, "--non-matching": _FLAG, "--no-index": _FLAG}, (0, 0), bare_paths=16,
            bundle="vn", spellings={"-v": "--verbose", "-q": "--quiet", "-n": "--non-matching"},
        ),
        "fsck": Subcommand(_FSCK, (0, 4), 0, separated=False),
        "show-branch": Subcommand(
            _SHOW_BRANCH, (0, 8), 0, separated=False, spellings={"-a": "--all", "-r": "--remotes"}, bundle="ar"
        ),
        "symbolic-ref": Subcommand(
            {"--short": _FLAG, "--quiet": _FLAG}, (1, 1), 0, separated=False, spellings={"-q": "--quiet"}
        ),
        "version": Subcommand({"--build-options": _FLAG}, (0, 0), 0, separated=False),
        "count-objects": Subcommand(
            {"--verbose": _FLAG, "--human-readable": _FLAG}, (0, 0), 0, separated=False, bundle="vH",
            spellings={"-v": "--verbose", "-H": "--human-readable"},
        ),
    }
)  # fmt: skip
