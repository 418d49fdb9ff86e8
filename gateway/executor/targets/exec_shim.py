"""Set limits on this process, then become another program: argv is `shim.py LIMITS PROGRAM ARG...`.

LIMITS is `cpu=S,memory=BYTES,files=N`, all optional. It runs alone under `python -I -S`, because setting limits between
fork and exec inside a process that has threads (`preexec_fn`) can deadlock. It also makes the kernel
kill the program when the executor dies, and forbids it to gain privileges.
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_LIMITS = {"cpu": resource.RLIMIT_CPU, "memory": resource.RLIMIT_AS, "files": resource.RLIMIT_NOFILE}


def main(argv: list[str]) -> None:
    """Limit and replace this process; raises OSError or ValueError when that fails."""
    limits, program, *arguments = argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    for option, argument in ((_PR_SET_PDEATHSIG, signal.SIGKILL), (_PR_SET_NO_NEW_PRIVS, 1)):
        if libc.prctl(option, int(argument), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, _, value in (part.partition("=") for part in limits.split(",") if part):
        resource.setrlimit(_LIMITS[name], (int(value), int(value)))
    os.umask(0o077)
    os.execv(program, [program, *arguments])  # noqa: S606  # no shell on purpose


if __name__ == "__main__":
    main(sys.argv)
