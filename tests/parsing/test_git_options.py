"""Every option of the tables, given to the git on this machine: it knows it, writes nothing, and hides no content."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gateway.core.effect import Effect
from gateway.parsing.names import names
from gateway.parsing.result import Refusal
from gateway.parsing.tools import git_values as v
from gateway.parsing.tools.git_table import SUBCOMMANDS, Option
from tests.parsing.site import as_typed, code, step, typed

GIT = shutil.which("git") or "git"
SECRET = "hunter-two"
# A value of each option that takes one; what is not here takes a number.
VALUES: Mapping[str, str] = {
    "--format": "%H", "--date": "iso", "--decorate": "short", "--encoding": "UTF-8", "--decorate-refs": "refs/tags/*",
    "--decorate-refs-exclude": "refs/tags/*", "--diff-algorithm": "patience", "--color-moved": "zebra",
    "--ws-error-highlight": "all", "--ignore-matching-lines": "^#",
    "--dirstat": "files,10", "--ignore-submodules": "all",
    "-S": SECRET, "-G": SECRET, "--diff-filter": "AM", "--word-diff": "plain", "--color": "never",
    "--since": "2001-01-01",
    "--diff-merges": "first-parent", "--until": "2040-01-01", "--author": "Alice", "--committer": "Alice",
    "--grep": "change", "--branches": "main", "--tags": "v1", "--remotes": "origin", "--glob": "refs/heads/main",
    "-n": "1", "-L": "1,1:prod.env", "--group": "author", "-e": SECRET, "--ignore-rev": "HEAD~1",
    "--contains": "HEAD~1",
    "--no-contains": "HEAD", "--merged": "HEAD", "--no-merged": "HEAD^", "--points-at": "HEAD", "--sort": "refname",
    "--match": "v*", "--exclude": "x*", "--dirty": "x", "--porcelain": "v1", "--ignored": "matching",
    "--untracked-files": "no", "--min-age": "2000000000", "--max-age": "1000000000", "--unified": "1",
}  # fmt: skip
NEEDED: Mapping[str, tuple[str, ...]] = {
    "blame": ("prod.env",), "grep": ("-e", SECRET), "ls-tree": ("HEAD",), "diff-tree": ("HEAD",),
    "name-rev": ("HEAD",), "merge-base": ("HEAD", "HEAD~1"), "cherry": ("main",), "diff": ("HEAD~1",),
    "rev-parse": ("HEAD",), "cat-file": ("HEAD",), "describe": ("HEAD",),
    "range-diff": ("HEAD~1..HEAD", "HEAD~1..HEAD"),    "symbolic-ref": ("HEAD",), "check-ignore": ("prod.env",),
}  # fmt: skip
# With these git answers by its exit status, wants something else beside them, or only from a working tree.
OTHER_EXIT = names(
    """
    check merge-base--is-ancestor merge-base--fork-point describe--exact-match show-ref--verify log--follow
    describe--dirty cat-file-e ancestry-path combined-all-paths files-without-match describe--contains
    diff-tree--merge-base quiet exit-code check-ignore--verbose check-ignore--non-matching check-ignore--no-index
    show--ignore-matching-lines log--pickaxe-regex describe--match rev-parse--verify
    """
)
# Those that can show what is in a file.
SHOWING = names("log show diff diff-tree blame grep rev-list shortlog status ls-files ls-tree")


def options() -> Iterator[tuple[str, str, Option]]:
    for name, table in SUBCOMMANDS.items():
        for option, row in table.options.items():
            yield name, option, row


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a merge, a tag and a file whose content nobody should see without being asked."""
    folder = tmp_path_factory.mktemp("options")

    def git(*words: str) -> None:
        who = ["-c", "user.name=Alice Example", "-c", "user.email=a@acme.test", "-c", "commit.gpgsign=false"]
        subprocess.run([GIT, *who, *words], cwd=folder, check=True, capture_output=True, timeout=30)

    def commit(name: str, text: str) -> None:
        (folder / name).write_text(text, encoding="utf-8")
        git("add", ".")
        git("commit", "-q", "-m", f"change {name}")

    git("init", "-q", "-b", "main")
    commit("prod.env", "DB=one\n")
    commit("prod.env", f"DB={SECRET}\n")
    git("tag", "-a", "-m", "v1", "v1")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("checkout", "-q", "-b", "side", "HEAD~1")
    commit("prod.env", f"DB={SECRET}\nSIDE=1\n")
    git("checkout", "-q", "main")
    merged = subprocess.run(
        [GIT, "-c", "user.name=A", "-c", "user.email=a@b", "merge", "-q", "side"], cwd=folder, check=False, timeout=30
    )
    if merged.returncode:
        commit("prod.env", f"DB={SECRET}\nSIDE=2\n")
    return folder


def line(name: str, option: str, row: Option, *, secret: bool = False) -> str:
    value = "%(refname)" if option == "--format" and row.value is v.REF_FORMAT else VALUES.get(option, "2")
    if name == "blame" and option == "-L":
        value = "1,1"
    if row.value is None:
        given = option
    elif row.optional or option.startswith("--"):
        given = f"{option}={value}" if option.startswith("--") else option
    else:
        given = f"{option}{value}"
    needed = NEEDED.get(name, ())
    if name == "grep" and option == "-e":
        needed = ()
    paths = " -- prod.env" if secret and name != "blame" else ""
    return " ".join(("git", name, f"'{given}'", *needed)) + paths


def ran(argv: list[str], repository: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "GIT_PAGER": "cat", "HOME": str(repository), "GIT_OPTIONAL_LOCKS": "0"}
    return subprocess.run(
        [GIT, "--no-pager", *argv], cwd=repository, env=environment, check=False, capture_output=True, timeout=30,
        text=True, errors="replace",
    )  # fmt: skip


def files(folder: str | Path) -> dict[str, int]:
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            found[entry.path] = entry.stat(follow_symlinks=False).st_mtime_ns
            if entry.is_dir(follow_symlinks=False):
                found |= files(entry.path)
    return found


@pytest.mark.parametrize(("name", "option", "row"), list(options()))
def test_git_knows_every_option_and_writes_no_file(name: str, option: str, row: Option, repository: Path) -> None:
    text = line(name, option, row)
    if code(text) != "accepted":  # an option that only makes sense with another
        assert code(text) in {"GIT_ARGUMENTS", "GIT_WOULD_WRITE", "GIT_PARAMS"}, text
        return
    before = files(repository)
    answer = ran(list(step(text).step.api["argv"]), repository)
    for unknown in ("usage:", "unknown option", "unrecognized argument", "invalid option", "invalid value"):
        assert unknown not in answer.stderr, answer.stderr
    if f"{name}{option}" not in OTHER_EXIT and option.lstrip("-") not in OTHER_EXIT:
        assert answer.returncode == 0, answer.stderr
    assert files(repository) == before


@pytest.mark.parametrize(("name", "option", "row"), [each for each in options() if each[0] in SHOWING])
def test_an_option_that_shows_content_makes_a_file_of_secrets_sensitive(
    name: str, option: str, row: Option, repository: Path
) -> None:
    text = line(name, option, row, secret=True)
    if code(text) != "accepted":
        return
    parsed = step(text)
    answer = ran(list(parsed.step.api["argv"]), repository)
    if SECRET in answer.stdout:
        assert parsed.effects == {Effect.READ_SENSITIVE}, text


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("git log HEAD --not v1 origin/main --oneline", ["log", "--oneline", "HEAD", "^v1", "^origin/main"]),
        ("git log --not v1 --not HEAD", ["log", "^v1", "HEAD"]),
        ("git annotate a.py", ["blame", "-c", "HEAD", "--", "a.py"]),
        ("git whatchanged -n 5", ["log", "--max-count=5", "--no-merges", "--raw", "HEAD"]),
        ("git whatchanged -p -1", ["log", "--max-count=1", "--no-merges", "--patch", "HEAD"]),
        ("git blame -w -C -C a.py", ["blame", "-C", "-C", "-w", "HEAD", "--", "a.py"]),
        ("git blame -M20 -C40 a.py", ["blame", "-C40", "-M20", "HEAD", "--", "a.py"]),
        ("git log --grep=a --grep=b", ["log", "--grep=a", "--grep=b", "HEAD"]),
        ("git diff ..main", ["diff", "HEAD..main", "--"]),
        ("git show @{1}", ["show", "@{1}", "--"]),
        ("git --no-optional-locks --no-pager status", ["status", "--"]),
        ("git diff -I '^#' -S x main", ["diff", "--ignore-matching-lines=^#", "-Sx", "main", "--"]),
        ("git stash list", ["log", "--walk-reflogs", "--first-parent", "--format=%gd: %gs", "--glob=refs/stash*"]),
        ("git stash show -p 2", ["diff", "--patch", "stash@{2}^1", "stash@{2}", "--"]),
        ("git stash show", ["diff", "--stat", "stash@{0}^1", "stash@{0}", "--"]),
        ("git --version", ["version"]),
        ("git log main@{1}..main", ["log", "main@{1}..main"]),
        ("git show :src/app.py", ["show", ":src/app.py", "--"]),
        ("git diff-tree --no-commit-id -r HEAD", ["diff-tree", "--no-commit-id", "-r", "HEAD", "--"]),
    ],
)  # fmt: skip
def test_rarer_words_become_the_argv_that_git_means(text: str, argv: list[str]) -> None:
    parsed = step(text)
    assert [word for word in parsed.step.api["argv"] if word != "--" or "--" in argv] == argv
    again = typed(as_typed(parsed))
    assert not isinstance(again, Refusal)
    assert again.steps[0].step.digest == parsed.step.digest


@pytest.mark.parametrize(
    "text",
    [
        "git log HEAD --not --all", "git log --not --branches=main", "git log --not a..b", "git log --not ^a",
        "git log --not --output=x", "git show --not HEAD", "git diff --not HEAD", "git log -- ':!../x'",
        "git log -- ':(attr:x)y'", "git log -- ':(glob)x'",
        "git log -- ':(top)x'", "git log -- ':!x'", "git log -- ':(exclude)x'", "git show :/fix", "git blame ':!x'",
        "git log -- ':(prefix:3)x'", "git stash pop", "git stash",
        "git stash list -- x", "git stash show ../x",
        "git stash show --ext-diff", "git stash list --output=x", "git fsck --lost-found", "git check-ignore --stdin",
        "git symbolic-ref HEAD refs/heads/x", "git symbolic-ref -d HEAD", "git show :/../x", "git show ::x",
        "git show HEAD:a:b", "git range-diff a..b c..d --output=x", "git version --exec-path=/x",
        "git log -c", "git diff -G'(a+)+$' HEAD",
        "git blame --color-lines x", "git diff --anchored=x HEAD", "git rev-list --objects HEAD",
        "git show -G'a*' HEAD",
        "git log -- ':!/etc/passwd'", "git log -- ':!:!x'",
        "git log -- ':(exclude,glob)x'", "git log -- ':!'", "git log -- ':!.git/config'",
        "git log --encoding=UTF-16", "git log --encoding=UTF-7", "git diff --word-diff=porcelain HEAD~1",
        "git diff --word-diff-regex=. HEAD~1", "git diff --submodule=diff HEAD~1", "git diff --ignore-submodules=none",
        "git diff --skip-to=/etc/passwd HEAD", "git diff --src-prefix='a b' HEAD",
        "git show --diff-merges=remerge HEAD",
        "git show --diff-merges=r HEAD", "git show --remerge-diff HEAD", "git diff-tree --stdin",
        "git diff-tree --ext-diff HEAD",
        "git diff-tree --textconv -p HEAD", "git diff-tree --output=x HEAD", "git whatchanged --output=x",
        "git whatchanged --ext-diff -p", "git annotate --contents=/etc/passwd x",
        "git annotate --ignore-revs-file=/x y",
        "git annotate -S x y", "git --no-pager -c a.b=c log", "git --no-optional-locks --git-dir=/x log",
        "git log -z", "git diff -O x HEAD", "git log -c core.pager=id", "git show -m=x",
        "git diff ../x", "git diff .../x", "git diff ../../etc/passwd", "git log ..", "git show @{/etc/passwd}",
        "git show '@{-1;id}'", "git show @{", "git blame -C-1 x",
    ],
)  # fmt: skip
def test_what_stands_beside_the_new_options_stays_refused(text: str) -> None:
    assert code(text) != "accepted"


@pytest.mark.parametrize(
    "text",
    [
        "git whatchanged -p -- .env", "git annotate .env", "git diff-tree -p HEAD -- .env",
        "git log --cc -- .env", "git log --patch-with-stat -- .env", "git log --binary -- .env",
        "git log -m -p -- .env",
        "git log --diff-merges=first-parent -- .env", "git diff -S password", "git show -G api_key HEAD",
        "git log --color-words -- .env", "git log --patch-with-raw -- .env",
    ],
)  # fmt: skip
def test_the_new_ways_to_show_content_are_sensitive_where_the_old_ones_are(text: str) -> None:
    assert step(text).effects == {Effect.READ_SENSITIVE}
