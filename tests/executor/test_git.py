"""Reads of real git repositories, hostile ones among them: nothing that a repository configures runs."""

import os
import subprocess
from pathlib import Path

import pytest

from gateway.executor.config import GitScope
from gateway.executor.targets.git import GitTarget
from gateway.ports_target import Applied
from tests.executor.steps import git, unheard

pytestmark = pytest.mark.anyio
READS = (
    ("log", "--patch", "--all"),
    ("log", "--graph", "-L", "1,1:code.py"),
    ("log", "--format=%h %s%n%b"),
    ("show", "--stat", "HEAD"),
    ("diff", "HEAD~1", "HEAD"),
    ("diff", "--cached"),
    ("diff",),
    ("diff", "HEAD"),
    ("status",),
    ("blame", "HEAD", "--", "code.py"),
    ("blame", "code.py"),
    ("grep", "-e", "line", "HEAD"),
    ("shortlog", "-sne", "HEAD"),
    ("branch", "--all", "--verbose"),
    ("tag", "--list"),
    ("ls-files", "--stage"),
    ("ls-tree", "-r", "HEAD"),
    ("describe", "--always", "HEAD"),
    ("rev-list", "--count", "HEAD"),
    ("cat-file", "-p", "HEAD:code.py"),
)


def run(path: Path, *argv: str) -> None:
    who = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.test"}
    who |= {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.test"}
    env = {"PATH": os.environ["PATH"], "HOME": str(path), "GIT_CONFIG_NOSYSTEM": "1", **who}
    subprocess.run(["git", *argv], cwd=path, env=env, check=True, capture_output=True)


def commit(path: Path, text: str, message: str) -> None:
    (path / "code.py").write_text(text)
    run(path, "add", "code.py")
    run(path, "commit", "-q", "-m", message)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repo"
    path.mkdir()
    run(path, "init", "-q", "-b", "main")
    commit(path, "line one\n", "first")
    commit(path, "line one\nline two\n", "the guilty one")
    return path


def poison(path: Path, trap: Path) -> None:
    """Set everything that could run a program on a read to touch `trap`."""
    touch = f"touch {trap}; cat"
    settings = {
        "core.fsmonitor": f"touch {trap}", "core.pager": touch, "pager.log": touch, "pager.blame": touch,
        "core.sshCommand": touch, "core.gitProxy": touch, "core.editor": touch, "diff.external": touch,
        "diff.evil.textconv": touch, "diff.evil.command": touch, "diff.evil.cachetextconv": "true",
        "filter.evil.clean": touch, "filter.evil.smudge": touch, "filter.evil.process": touch,
        "filter.evil.required": "true", "gpg.program": f"{path}/.git/evil", "log.showSignature": "true",
        "alias.log": f"!touch {trap}", "alias.blame": f"!touch {trap}", "diff.submodule": "log",
        "interactive.diffFilter": touch, "include.path": "evil.inc", "trailer.evil.command": touch,
        "core.hooksPath": ".git/hooks", "uploadpack.packObjectsHook": touch, "core.alternateRefsCommand": touch,
    }  # fmt: skip
    (path / ".git" / "evil.inc").write_text(f'[core]\n\tfsmonitor = "touch {trap}"\n')
    for name, value in settings.items():
        run(path, "config", name, value)
    (path / ".gitattributes").write_text("* diff=evil filter=evil\n")
    info = path / ".git" / "info"
    info.mkdir(exist_ok=True)
    (info / "attributes").write_text("* diff=evil filter=evil\n")
    for name in ("post-index-change", "post-checkout", "fsmonitor-watchman", "pre-auto-gc", "reference-transaction"):
        plant(path / ".git" / "hooks" / name, trap)
    plant(path / ".git" / "evil", trap)


def plant(program: Path, trap: Path) -> None:
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\ntouch {trap}\n")
    program.chmod(0o755)


def plain_git(path: Path, *argv: str) -> None:
    """Run git as everybody does, with nothing hardened."""
    subprocess.run(["git", *argv], cwd=path, capture_output=True, check=False)


async def read(path: Path, *argv: str, limit: int = 65_536) -> Applied:
    return await GitTarget(GitScope(path), limit).apply(git(*argv), {}, unheard)


async def test_blame_names_the_commit_of_each_line(repository: Path) -> None:
    applied = await read(repository, "blame", "--porcelain", "HEAD", "--", "code.py")
    assert applied.status == "applied"
    assert b"summary the guilty one" in applied.output
    assert b"author Ada" in applied.output


@pytest.mark.parametrize("argv", READS, ids=" ".join)
async def test_nothing_that_a_hostile_repository_configures_runs(
    repository: Path, tmp_path: Path, argv: tuple[str, ...]
) -> None:
    trap = tmp_path / "sprung"
    poison(repository, trap)
    (repository / "code.py").write_text("line one\nline 2\n")
    applied = await read(repository, *argv)
    assert not trap.exists()
    assert applied.status == "applied", applied


async def test_the_traps_of_the_hostile_repository_do_spring_under_plain_git(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    poison(repository, trap)
    for argv in (["status"], ["log", "-p"], ["blame", "code.py"], ["diff", "HEAD~1"]):
        trap.unlink(missing_ok=True)
        plain_git(repository, *argv)
        assert trap.exists(), argv


async def test_a_hostile_submodule_is_not_entered(repository: Path, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    inner = tmp_path / "inner"
    inner.mkdir()
    run(inner, "init", "-q", "-b", "main")
    commit(inner, "x\n", "inner")
    run(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    run(repository, "config", "-f", ".gitmodules", "submodule.sub.ignore", "none")
    run(repository, "commit", "-q", "-a", "-m", "submodule")
    run(repository / "sub", "config", "core.fsmonitor", f"touch {trap}")
    (repository / "sub" / "code.py").write_text("changed\n")
    plain_git(repository, "diff")
    assert trap.exists()
    trap.unlink()
    for argv in (("diff",), ("diff", "HEAD"), ("log", "-p"), ("show", "HEAD")):
        assert (await read(repository, *argv)).status == "applied"
        assert not trap.exists()


async def test_replaced_commits_do_not_hide_the_real_ones(repository: Path) -> None:
    run(repository, "replace", "HEAD", "HEAD~1")
    assert b"the guilty one" in (await read(repository, "log", "--format=%s")).output


async def test_a_bare_repository_and_a_linked_worktree_are_read_too(repository: Path, tmp_path: Path) -> None:
    bare, linked = tmp_path / "bare.git", tmp_path / "linked"
    run(repository, "clone", "-q", "--bare", str(repository), str(bare))
    run(repository, "worktree", "add", "-q", "-b", "fix", str(linked))
    commit(linked, "line 1\n", "only in the worktree")
    for path, subject in ((bare, b"the guilty one"), (linked, b"only in the worktree")):
        assert (await read(path, "log", "-1", "--format=%s")).output.strip() == subject
        assert (await read(path, "blame", "HEAD", "--", "code.py")).status == "applied"


async def test_a_sha256_repository_is_read_too(tmp_path: Path) -> None:
    run(tmp_path, "init", "-q", "-b", "main", "--object-format=sha256")
    commit(tmp_path, "line\n", "sha256")
    assert b"sha256" in (await read(tmp_path, "log")).output


async def test_a_read_leaves_the_repository_byte_for_byte_as_it_was(repository: Path) -> None:
    def content() -> dict[str, tuple[bytes, int]]:
        files = (p for p in repository.rglob("*") if p.is_file())
        return {str(p): (p.read_bytes(), p.stat().st_mtime_ns) for p in files}

    before = content()
    for argv in READS:
        await read(repository, *argv)
    assert content() == before


async def test_a_diff_of_touched_files_does_not_refresh_the_index_of_the_repository(repository: Path) -> None:
    os.utime(repository / "code.py", ns=(1_000_000_000, 1_000_000_000))
    index = repository / ".git" / "index"
    before = (index.read_bytes(), index.stat().st_mtime_ns, (repository / ".git").stat().st_mtime_ns)
    for argv in (("diff", "--"), ("diff", "HEAD", "--"), ("diff", "--stat", "--"), ("status", "--")):
        assert (await read(repository, *argv)).status == "applied"
    assert (index.read_bytes(), index.stat().st_mtime_ns, (repository / ".git").stat().st_mtime_ns) == before
    plain_git(repository, "diff")
    assert index.stat().st_mtime_ns != before[1]  # as git alone does


async def test_an_index_that_is_no_file_is_refused(repository: Path) -> None:
    (repository / ".git" / "index").unlink()
    (repository / ".git" / "index").symlink_to("/dev/zero")
    assert (await read(repository, "status", "--")).code == "GIT_LAYOUT_UNSUPPORTED"


async def test_a_repository_is_exactly_the_configured_path(repository: Path) -> None:
    below = repository / "below"
    below.mkdir()
    applied = await read(below, "log")
    assert (applied.status, applied.code) == ("not_applied", "GIT_REPOSITORY_MISSING")


@pytest.mark.parametrize("argv", [(), ("-c", "core.pager=x", "log"), ("--exec-path=/tmp", "log")])
async def test_an_argv_that_begins_with_an_option_never_reaches_git(repository: Path, argv: tuple[str, ...]) -> None:
    step = git("log")
    step = type(step)(step.tool, step.operation, {"argv": list(argv)}, step.target, {})
    applied = await GitTarget(GitScope(repository), 1_024).apply(step, {}, unheard)
    assert (applied.status, applied.code) == ("not_applied", "OPERATION_UNKNOWN")


async def test_what_git_refuses_is_told_with_its_words(repository: Path) -> None:
    applied = await read(repository, "show", "no-such-commit")
    assert (applied.status, applied.code) == ("not_applied", "PROCESS_EXIT")
    assert "no-such-commit" in applied.detail


async def test_output_over_the_limit_is_cut_and_git_is_ended(repository: Path) -> None:
    applied = await read(repository, "log", "-p", limit=100)
    assert (applied.status, applied.truncated, len(applied.output)) == ("applied", True, 100)
