"""git: reads of committed history, and nothing that runs a program, writes, or reads the working tree."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.effect import Effect, Undo
from gateway.parsing.result import Refusal
from tests.parsing.site import as_typed, code, step, typed, typed_code

CORPUS = (Path(__file__).parent.parent / "corpora" / "reads_git.txt").read_text(encoding="utf-8").splitlines()
GIT = shutil.which("git") or "git"
COMMIT = "4f2c1ab"
FILES = ("src/orders/pool.py", "src/app.py", "db/migrations/0042_add_index.sql", "db/schema.rb", "config/database.yml")


def argv(text: str) -> list[str]:
    return list(step(text).step.api["argv"])


@pytest.mark.parametrize("line", CORPUS)
def test_a_plain_read_is_accepted_as_a_read_and_its_typed_form_is_the_same_step(line: str) -> None:
    parsed = step(line)
    assert parsed.effects == {Effect.READ}
    assert parsed.undo is Undo.NOT_NEEDED
    assert parsed.step.target.id == "git:shop/-"
    again = typed(as_typed(parsed))
    assert not isinstance(again, Refusal)
    assert again.steps[0].step == parsed.step
    assert again.steps[0].step.digest == parsed.step.digest


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the names that the corpus uses."""
    folder = tmp_path_factory.mktemp("repository")

    def git(*words: str) -> None:
        settings = ["-c", "user.name=Alice Example", "-c", "user.email=a@acme.test", "-c", "commit.gpgsign=false"]
        subprocess.run([GIT, *settings, *words], cwd=folder, check=True, capture_output=True, timeout=30)

    git("init", "-q", "-b", "main")
    for number in range(8):
        for name in FILES:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                "".join(f"max_connections {number} pool_size statement_timeout {line}\n" for line in range(200)),
                encoding="utf-8",
            )
        git("add", ".")
        git("commit", "-q", "-m", f"change {number} of the connection pool")
        if number == 3:
            git("tag", "v1.2.0")
    git("tag", "v1.3.0")
    git("tag", "-a", "-m", "a tag", COMMIT)
    git("branch", "release")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("tag", "-a", "-m", "release", "v1.3.1")
    return folder


@pytest.mark.parametrize("line", CORPUS)
def test_real_git_accepts_the_canonical_argv_and_answers_like_the_typed_command(line: str, repository: Path) -> None:
    parsed = argv(line)
    ran = subprocess.run(
        [GIT, "--no-pager", *parsed], cwd=repository, check=False, capture_output=True, timeout=30, text=True
    )
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("git log -5 -p", ["log", "--max-count=5", "--patch", "HEAD"]),
        ("git log -p -n5", ["log", "--max-count=5", "--patch", "HEAD"]),
        ("git log --patch -n 5", ["log", "--max-count=5", "--patch", "HEAD"]),
        ("git log src/app.py", ["log", "src/app.py"]),
        ("git log main -- src/app.py", ["log", "main", "--", "src/app.py"]),
        ("git blame src/app.py", ["blame", "HEAD", "--", "src/app.py"]),
        ("git blame -L 1,2 -L 8,9 main src/app.py", ["blame", "-L1,2", "-L8,9", "main", "--", "src/app.py"]),
        ("git show", ["show", "HEAD", "--"]),
        ("git show HEAD:src/app.py", ["show", "HEAD:src/app.py", "--"]),
        ("git diff HEAD~1 HEAD", ["diff", "HEAD~1", "HEAD", "--"]),
        ("git grep -in x", ["grep", "--ignore-case", "--line-number", "-e", "x", "HEAD", "--"]),
        ("git grep -l x main -- src", ["grep", "-l", "-e", "x", "main", "--", "src"]),
        ("git branch -a", ["branch", "--all", "--list"]),
        ("git tag", ["tag", "--list"]),
        ("git --no-pager log -1", ["log", "--max-count=1", "HEAD"]),
        ("git status -sb src", ["status", "--branch", "--short", "--", "src"]),
        ("git branch --show-current", ["branch", "--show-current"]),
        ("git branch -vv", ["branch", "--list", "-vv"]),
        ("git diff", ["diff", "--"]),
        ("git ls-files src", ["ls-files", "--", "src"]),
        ("git shortlog -sn", ["shortlog", "--numbered", "--summary", "HEAD", "--"]),
    ],
)
def test_the_canonical_argv_names_revisions_and_paths_apart(line: str, expected: list[str]) -> None:
    assert argv(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "git", "git commit", "git push", "git push --force", "git push --forc", "git reset --hard HEAD~5",
        "git clean -fdx",
        "git checkout -- .", "git checkout main", "git switch main", "git restore .", "git revert --no-edit HEAD",
        "git rebase -x id HEAD~1", "git merge main", "git stash clear", "git fetch", "git pull",
        "git clone x", "git init",
        "git submodule foreach id", "git bisect run ./x", "git filter-branch --tree-filter id",
        "git hook run pre-commit",
        "git worktree add x", "git remote add x ext::id", "git config --list", "git credential fill",
        "git gc", "git am",
        "git update-ref -d refs/heads/main", "git reflog expire --all", "git apply x", "git archive HEAD", "git notes",
        "git difftool", "git mergetool", "git gui", "git daemon", "git instaweb",
        "git upload-pack .", "git for-each-ref --shell", "git var -l", "git LOG", "git log-", "git add x",
        "git lo", "git bundle create x --all", "git replace a b", "git branch new", "git branch -D main",
        "git branch -m a",
        "git branch -f main HEAD", "git branch --edit-description", "git branch -u origin/main", "git tag new",
        "git tag -d v1", "git tag -a v1 -m x", "git tag -f v1", "git tag -v v1",
    ],
)  # fmt: skip
def test_commands_that_are_not_reads_of_history_are_refused(line: str) -> None:
    assert code(line).startswith("GIT_")


@pytest.mark.parametrize(
    "line",
    [
        "git -c core.pager=id log", "git -ccore.pager=id log", "git -C /var/x log", "git --exec-path=/var/x log",
        "git --git-dir=/x log", "git --work-tree=/ log", "git --paginate log", "git -p log",
        "git --attr-source=x diff", "git --config-env=a=B log", "git --namespace=x log", "git --bare log",
    ],
)  # fmt: skip
def test_options_before_the_subcommand_are_refused(line: str) -> None:
    assert code(line) == "GIT_OPTION_BEFORE"


@pytest.mark.parametrize(
    "line",
    [
        "git log --output=/root/.bashrc", "git log --outp=/x", "git diff --output x HEAD~1 HEAD",
        "git diff --ext-diff a b",
        "git log -p --ext-diff", "git show --textconv HEAD:x", "git log --show-signature", "git log --format='%G?'",
        "git log --format='%(trailers)'", "git log --pretty='%GG'", "git log --format='%x1b'",
        "git cat-file --textconv x", "git cat-file --batch", "git log -O/etc/x",
        "git diff --no-index /etc/shadow /dev/null", "git grep --no-index x", "git grep -O'sh -c id' x",
        "git grep --open-files-in-pager=id x", "git grep -f /etc/x", "git grep --untracked x", "git grep -P x",
        "git blame --contents /etc/passwd x", "git blame --ignore-revs-file=/etc/x x", "git blame -S x y",
        "git log --stdin", "git rev-list --stdin", "git log --mailmap=x", "git show --remerge-diff HEAD",
        "git log --ma=1",
        "git log --one", "git log --max-c=5", "git diff --sta a b", "git ls-files -x y",
        "git log --exclude=x", "git log --encoding=x", "git show --notes=x", "git log --no-walk=x",
        "git rev-parse --parseopt x", "git rev-parse --git-dir x", "git rev-parse --sq x",
        "git log -1x", "git log -pp", "git ls-tree -rz HEAD",
        "git log --since", "git log -n", "git blame -L", "git log --oneline=x", "git show --stat=x",
    ],
)  # fmt: skip
def test_options_that_are_not_in_the_table_by_their_full_name_are_refused(line: str) -> None:
    assert code(line) in {"GIT_OPTION", "GIT_VALUE"}


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("git log --max-count=5 -n 5", "GIT_TWICE"),
        ("git log --oneline --format=%H", "GIT_TWICE"),
        ("git log -p -s", "GIT_TWICE"),
        ("git log --max-count=-1", "GIT_VALUE"),
        ("git log --max-count=05", "GIT_VALUE"),
        ("git log --since='$(id)'", "GIT_VALUE"),
        ("git log -L 1,2:../x", "GIT_PATH"),
        ("git log -- ../x", "GIT_PATH"),
        ("git log -- -n", "GIT_PATH"),
        ("git log -- /etc/passwd", "GIT_PATH"),
        ("git log -- ':(exclude,icase)x'", "GIT_PATH"),
        ("git log -- ':/'", "GIT_PATH"),
        ("git log -- a/../../x", "GIT_PATH"),
        ("git blame .git/config", "GIT_PATH"),
        ("git show HEAD:.GIT/config", "GIT_REVISION"),
        ("git show ':/fix'", "GIT_REVISION"),
        ("git show 'HEAD^{/fix}'", "GIT_REVISION"),
        ("git show ''", "GIT_REVISION"),
        ("git show HEAD:../x", "GIT_REVISION"),
        ("git branch new", "GIT_WOULD_WRITE"),
        ("git tag -l v1 v2", "accepted"),
        ("git tag --contains v1 new", "GIT_WOULD_WRITE"),
        ("git blame", "GIT_ARGUMENTS"),
        ("git blame a b c", "GIT_ARGUMENTS"),
        ("git grep", "GIT_ARGUMENTS"),
        ("git ls-files ../x", "GIT_PATH"),
        ("git diff a b c d e f g h i", "GIT_ARGUMENTS"),
        ("git diff a b c", "GIT_ARGUMENTS"),
        ("git diff -- /etc/passwd x", "GIT_PATH"),
        ("git status ../x", "GIT_PATH"),
        ("git cat-file -p a b", "GIT_ARGUMENTS"),
        ("git branch --show-current new", "GIT_WOULD_WRITE"),
    ],
)
def test_values_paths_and_revisions_are_checked(line: str, refusal: str) -> None:
    assert code(line) == refusal


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"options": {"--max-count": "5"}}, "accepted"),
        ({"options": {"-n": "5"}}, "accepted"),
        ({}, "accepted"),
        ({"options": {"--max-count": 5}}, "GIT_PARAMS"),
        ({"options": {"--output": "x"}}, "GIT_PARAMS"),
        ({"options": {"--oneline": False}}, "GIT_PARAMS"),
        ({"options": {"--oneline": "x"}}, "GIT_VALUE"),
        ({"options": {"-n": "5", "--max-count": "6"}}, "GIT_TWICE"),
        ({"arguments": ["--output=x"]}, "GIT_REVISION"),
        ({"arguments": "HEAD"}, "GIT_PARAMS"),
        ({"paths": ["../x"]}, "GIT_PATH"),
        ({"argv": ["log"]}, "GIT_PARAMS"),
    ],
)
def test_typed_params_are_checked_like_words(params: dict[str, object], refusal: str) -> None:
    assert typed_code({"tool": "git", "operation": "git.log", "params": params}) == refusal


def test_an_operation_that_is_not_a_read_is_refused_in_typed_form() -> None:
    for operation in ("git.push", "log", "git.git.log", "git."):
        assert typed_code({"tool": "git", "operation": operation, "params": {}}) == "TYPED_OPERATION_UNKNOWN"


_WORDS = st.sampled_from(
    [
        "log", "show", "blame", "grep", "diff", "tag", "branch", "-n", "-5", "-p", "--", "HEAD", "HEAD~1",
        "a/b", "--stat",
        "--oneline", "-L1,2", "-L", "1,2", "x", "--format=%H", "-sn", "--list", "--output=x", "-C", "-M", "--all", "..",
    ]
)  # fmt: skip


@given(st.lists(_WORDS, max_size=8))
def test_accepted_words_never_put_an_option_where_git_reads_a_value(words: list[str]) -> None:
    text = "git " + " ".join(words)
    if code(text) != "accepted":
        return
    parsed = step(text)
    found = list(parsed.step.api["argv"])
    if "--" in found:
        cut = found.index("--")
        assert all(not word.startswith("-") for word in found[cut + 1 :])
    again = typed(as_typed(parsed))
    assert not isinstance(again, Refusal)
    assert again.steps[0].step.digest == parsed.step.digest
