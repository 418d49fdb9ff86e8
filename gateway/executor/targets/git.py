"""Reads of one git repository, which may be hostile: nothing that it configures runs."""

from collections.abc import Mapping
from pathlib import Path

from gateway.core.canonical import Json
from gateway.core.step import Step
from gateway.errors import TargetFault
from gateway.executor.config import GitScope
from gateway.executor.output import OnChunk, Output
from gateway.executor.targets import seen
from gateway.executor.targets.git_layout import Layout, find, shadow
from gateway.executor.targets.spawn import Program, Ran, run
from gateway.ports_target import Applied, Observed, Undone

# ruff: noqa: ARG002  # the methods have the signatures of the Target port

# The shadow repository has none of these; they are the second wall.
_SETTINGS = {
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.pager": "cat",
    "core.attributesFile": "/dev/null",
    "core.commitGraph": "false",  # a cache that can contradict the objects
    "diff.external": "",
    "diff.ignoreSubmodules": "all",
    "log.showSignature": "false",
    "protocol.allow": "never",
    "safe.directory": "*",
    "submodule.recurse": "false",
}
_HARDENING: Mapping[str, tuple[str, ...]] = {
    "blame": ("--no-textconv",),
    "diff": ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all"),
    "diff-tree": ("--no-ext-diff", "--no-textconv", "--ignore-submodules=all"),
    "log": ("--no-ext-diff", "--no-textconv"),
    "show": ("--no-ext-diff", "--no-textconv"),
}
_LIMITS = {"cpu": 60, "files": 1_024}


class GitTarget:
    """A repository behind the Target port; `api.argv` of its steps is what follows `git`."""

    def __init__(self, scope: GitScope, output_bytes: int) -> None:
        self._scope = scope
        self._output_bytes = output_bytes

    async def observe(self, step: Step) -> Observed:
        """Return that nothing changes."""
        return seen.read_only()

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:
        """Run the command; a failure is always `not_applied`, because a read leaves nothing behind."""
        argv = [str(word) for word in step.api["argv"]]
        if not argv or argv[0].startswith("-"):
            return Applied("not_applied", "OPERATION_UNKNOWN", "the argv is not a git command")
        output = Output(self._output_bytes, on_chunk)
        try:
            layout = find(self._scope.path)
            with shadow(layout) as git_dir:
                ran = await run(self._program(argv[0], argv[1:], layout, git_dir), output)
        except TargetFault as exc:
            return Applied("not_applied", exc.code, exc.message)
        except OSError as exc:
            return Applied("not_applied", "PROCESS_NOT_STARTED", exc.strerror or type(exc).__name__)
        return self._outcome(ran, await output.finish(), cut=output.truncated)

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Return that a lost read had no effect."""
        return Applied("not_applied", "READ_LOST", "a read leaves nothing behind")

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Return that there is nothing to undo."""
        return Undone("undone", read_back={})

    async def close(self) -> None:
        """Do nothing: no process outlives its call."""

    def _outcome(self, ran: Ran, kept: bytes, *, cut: bool) -> Applied:
        if ran.timed_out:
            return Applied("not_applied", "PROCESS_TIMEOUT", f"killed after {self._scope.timeout_s} s", kept, cut)
        if ran.exit_code != 0 and not cut:
            return Applied("not_applied", "PROCESS_EXIT", f"exit code {ran.exit_code}: {ran.errors}", kept, cut)
        return Applied("applied", output=kept, truncated=cut)

    def _program(self, command: str, arguments: list[str], layout: Layout, git_dir: Path) -> Program:
        settings = [word for key, value in _SETTINGS.items() for word in ("-c", f"{key}={value}")]
        argv = [str(self._scope.program), "--no-pager", "--no-optional-locks", *settings, command]
        folder = layout.worktree or git_dir
        return Program(
            argv=[*argv, *_HARDENING.get(command, ()), *arguments],
            cwd=folder,
            env=_environment(git_dir, layout),
            timeout_s=self._scope.timeout_s,
            limits=_LIMITS,
            stop_when_full=True,
        )


def _environment(git_dir: Path, layout: Layout) -> dict[str, str]:
    worktree = {} if layout.worktree is None else {"GIT_WORK_TREE": str(layout.worktree)}
    return worktree | {
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_DIR": str(git_dir),
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_PAGER": "cat",
        "GIT_TERMINAL_PROMPT": "0",
        "HOME": str(git_dir),
        "LC_ALL": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "TZ": "UTC",
    }
