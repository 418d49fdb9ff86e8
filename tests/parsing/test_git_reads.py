"""git reads: which show secrets, and options that depend on where they stand."""

import pytest

from gateway.core.effect import Effect
from gateway.parsing.result import Refusal
from tests.parsing.site import as_typed, code, step, typed


@pytest.mark.parametrize(
    "line",
    [
        "git show HEAD:.env", "git show main:deploy/id_rsa", "git cat-file -p HEAD:certs/server.key",
        "git show v1.0:config/secrets.yml", "git blame .env", "git diff HEAD~1 -- .env", "git log -p -- .env",
        "git log -L1,5:.env", "git grep x HEAD -- .env", "git grep -i password", "git grep AKIA",
        "git log -p deploy/prod.env", "git log -p main a/../.env", "git log -p secrets/db.yaml",
        "git show :.env", "git show :0:.env",

        "git log -S password -p", "git show HEAD:.aws/credentials", "git show HEAD:terraform.tfstate",
    ],
)  # fmt: skip
def test_the_content_of_a_file_of_secrets_is_sensitive(line: str) -> None:
    assert step(line).effects == {Effect.READ_SENSITIVE}


@pytest.mark.parametrize(
    "line",
    [
        "git log --oneline -- .env", "git ls-files .env", "git show HEAD:.env.example", "git show HEAD:src/secrets.py",
        "git blame src/tokens.py",

        "git log -p -- src/password_reset.rb", "git grep max_connections",
    ],
)  # fmt: skip
def test_names_of_such_files_and_sources_about_secrets_are_plain(line: str) -> None:
    assert step(line).effects == {Effect.READ}


@pytest.mark.parametrize(
    ("line", "argv"),
    [
        ("git branch --merged", ["branch", "--list", "--merged=HEAD"]),
        ("git branch --contains", ["branch", "--contains=HEAD", "--list"]),
        ("git tag --no-merged main", ["tag", "--list", "--no-merged=main"]),
        ("git branch -avv", ["branch", "--all", "--list", "-vv"]),
        ("git grep -e pool -- src", ["grep", "-e", "pool", "HEAD", "--", "src"]),
        ("git ls-tree -r HEAD -- src", ["ls-tree", "-r", "HEAD", "src"]),
        ("git describe --always --dirty", ["describe", "--always", "--dirty"]),
        ("git show --name-only --format= HEAD", ["show", "--format=", "--name-only", "HEAD", "--"]),
        ("git log -L :connect:src/db.py", ["log", "-L:connect:src/db.py", "HEAD"]),
        ("git show HEAD@{1}", ["show", "HEAD@{1}", "--"]),
    ],
)
def test_words_become_the_argv_that_git_means(line: str, argv: list[str]) -> None:
    parsed = step(line)
    assert list(parsed.step.api["argv"]) == argv
    again = typed(as_typed(parsed))
    assert not isinstance(again, Refusal)
    assert again.steps[0].step.digest == parsed.step.digest


@pytest.mark.parametrize(
    "line",
    [
        "git branch --merged -d main", "git branch --contains x -D y", "git tag --contains -d v1",
        "git branch -avvD main",
        "git for-each-ref --shell", "git for-each-ref --format='%(signature)'", "git branch --format='%(signature)'",
        "git show-ref --delete x", "git show-ref --exclude-existing", "git describe --dirty --broken",
        "git ls-files --exclude-from=/etc/passwd", "git rev-parse --parseopt", "git rev-parse --git-path hooks",
        "git log --format='%G?'", "git grep -e a -e b", "git count-objects --git-dir=/x", "git merge-base --output=x",
    ],
)  # fmt: skip
def test_what_writes_runs_a_program_or_reads_another_file_stays_refused(line: str) -> None:
    assert code(line).startswith("GIT_")


def test_reflog_is_the_log_that_git_makes_of_it() -> None:
    walked = step("git log --walk-reflogs --oneline").step
    assert step("git reflog").step.digest == step("git reflog show").step.digest == walked.digest
    assert step("git reflog show main -5").step.digest == step("git log -g --oneline -5 main").step.digest
    assert step("git reflog --format=%h").step.digest == step("git log -g --format=%h").step.digest


@pytest.mark.parametrize("rest", ["expire --all", "delete HEAD@{0}", "exists main", "drop x", "write x"])
def test_what_changes_the_reflog_is_refused(rest: str) -> None:
    assert code(f"git reflog {rest}") == "GIT_SUBCOMMAND"


@pytest.mark.parametrize(
    "line",
    [
        "git grep . -- '*env'", "git log -p -- '.e*'", "git diff v1 v2 -- 'deploy/*.key'", "git log -p -- '.*rc'",
        "git show HEAD:deploy/prod.env", "git show HEAD:gcp-service-account.json", "git show HEAD:wp-config.php",
    ],
)  # fmt: skip
def test_a_glob_that_aims_at_secrets_is_sensitive(line: str) -> None:
    assert step(line).effects == {Effect.READ_SENSITIVE}


@pytest.mark.parametrize("glob", ["*", "*.py", "*.yaml", "src/*", "migrations/*.sql", "*test*", "Dockerfile*"])
def test_a_glob_of_sources_is_plain(glob: str) -> None:
    assert step(f"git log -p -- '{glob}'").effects == {Effect.READ}
