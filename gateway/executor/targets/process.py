"""Programs of one host: the words of a step's argv, run without a shell, `argv[0]` mapped by the configuration."""

from collections.abc import Mapping
from typing import Literal

from gateway.core.canonical import Json
from gateway.core.effect import Undo
from gateway.core.step import Step
from gateway.errors import TargetFault
from gateway.executor.config import Command, ProcessScope
from gateway.executor.output import OnChunk, Output
from gateway.executor.targets import seen
from gateway.executor.targets.spawn import Program, run
from gateway.ports import Clock
from gateway.ports_target import Applied, Observed, Undone

# ruff: noqa: ARG002  # the methods have the signatures of the Target port
_MIB = 1_048_576


class ProcessTarget:
    """The configured programs behind the Target port."""

    def __init__(self, scope: ProcessScope, clock: Clock, output_bytes: int) -> None:
        self._commands = scope.commands
        self._clock = clock
        self._output_bytes = output_bytes

    async def observe(self, step: Step) -> Observed:
        """Return that the program is there; what it would do cannot be tried."""
        command = self._command(step)
        if command is None:
            raise TargetFault("COMMAND_UNKNOWN", "no program is configured for this word")
        if command.reads:
            return seen.read_only()
        fact = seen.known(step.target.id, self._clock.now_ms(), {"exists": command.path.is_file()})
        return Observed((fact,), seen.preflight("not_available"), {}, Undo.NONE.value)

    async def apply(self, step: Step, snapshot: Mapping[str, Json], on_chunk: OnChunk) -> Applied:
        """Run the program to its end; a failure of one that changes things leaves it unknown what it did."""
        command = self._command(step)
        if command is None:
            return Applied("not_applied", "COMMAND_UNKNOWN", "no program is configured for this word")
        output = Output(self._output_bytes, on_chunk)
        program = Program(
            argv=[str(command.path), *map(str, step.api["argv"][1:])],
            cwd=command.cwd,
            env=command.env,
            timeout_s=command.timeout_s,
            limits={"cpu": command.cpu_s, "memory": command.memory_mb * _MIB, "files": command.open_files},
        )
        if not command.path.is_file() or not command.cwd.is_dir():
            return Applied("not_applied", "PROCESS_NOT_STARTED", "the program or its folder is not there")
        try:
            ran = await run(program, output)
        except OSError as exc:
            return Applied("not_applied", "PROCESS_NOT_STARTED", exc.strerror or type(exc).__name__)
        failed: Literal["not_applied", "unknown"] = "not_applied" if command.reads else "unknown"
        kept, cut = await output.finish(), output.truncated
        if ran.timed_out:
            return Applied(failed, "PROCESS_TIMEOUT", f"killed after {command.timeout_s} s", kept, cut)
        if ran.exit_code != 0:
            return Applied(failed, "PROCESS_EXIT", f"exit code {ran.exit_code}: {ran.errors}", kept, cut)
        return Applied("applied", output=kept, truncated=cut)

    async def probe(self, step: Step, snapshot: Mapping[str, Json]) -> Applied:
        """Return that only a read is known to have left nothing behind."""
        command = self._command(step)
        if command is not None and command.reads:
            return Applied("not_applied", "READ_LOST", "a read leaves nothing behind")
        return Applied("unknown", "NO_PROBE", "a program leaves nothing to compare")

    async def undo(self, step: Step, snapshot: Mapping[str, Json]) -> Undone:
        """Return that what a program did cannot be taken back."""
        return Undone("impossible", "NO_WAY_BACK", "what a program did cannot be taken back")

    async def close(self) -> None:
        """Do nothing: no process outlives its call."""

    def _command(self, step: Step) -> Command | None:
        argv = step.api["argv"]
        return self._commands.get(str(argv[0])) if argv else None
