"""The shop's repository: a real one, written commit by commit as the seed drew it."""

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from gateway.cli.demo.case import Case, Commit
from gateway.cli.demo.process import DemoFault

_SETTINGS = ("-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null")


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository on disk, and the commit that broke the database."""

    path: Path
    guilty_commit: str
    """The full hash."""


def program() -> str:
    """Return where git is; raises DemoFault when it is nowhere."""
    found = shutil.which("git")
    if found is None:
        raise DemoFault("the demo needs git on the PATH")
    return found


def write(case: Case, path: Path) -> Repository:
    """Create the repository; its commits end a few minutes before now."""
    path.mkdir()
    _git(path, "init", "--quiet")
    now = int(time.time())
    guilty = ""
    for number, commit in enumerate(case.commits):
        _commit(path, commit, now)
        if number == case.guilty_commit:
            guilty = _git(path, "rev-parse", "HEAD").strip()
    return Repository(path, guilty)


def revert(repository: Repository, author: str) -> str:
    """Take the guilty commit back, as on-call would; returns the hash of the new commit."""
    who = _identity(author, int(time.time()))
    _git(repository.path, "revert", "--no-edit", repository.guilty_commit, extra=who)
    return _git(repository.path, "rev-parse", "HEAD").strip()


def _commit(path: Path, commit: Commit, now: int) -> None:
    for name, text in commit.files:
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    _git(path, "add", "--all")
    _git(path, "commit", "--quiet", "-m", commit.message, extra=_identity(commit.author, now - commit.age_s))


def _identity(author: str, at: int) -> dict[str, str]:
    email = f"{author.lower().replace(' ', '.')}@shop.example"
    names = {"GIT_AUTHOR_NAME": author, "GIT_COMMITTER_NAME": author}
    mails = {"GIT_AUTHOR_EMAIL": email, "GIT_COMMITTER_EMAIL": email}
    return {**names, **mails, "GIT_AUTHOR_DATE": f"{at} +0000", "GIT_COMMITTER_DATE": f"{at} +0000"}


def _git(path: Path, *words: str, extra: dict[str, str] | None = None) -> str:
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(path), "GIT_CONFIG_NOSYSTEM": "1", **(extra or {})}
    done = subprocess.run(  # noqa: S603  # fixed words, no shell
        [program(), *_SETTINGS, *words], cwd=path, env=env, check=True, capture_output=True, text=True, timeout=30
    )
    return done.stdout
