"""Take Prometheus and Alertmanager from Debian's packages into the cache, once, where they are not installed.

Prints each program's path on stdout; where apt cannot bring them it says so in one line and exits 0, because only
the tests that need them are skipped.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from gateway.cli.demo.controlplane.find import cache
from gateway.cli.demo.monitoring import FOLDER, command, find

PROGRAMS = ("prometheus", "prometheus-alertmanager")  # each in the package of its name


def fetch(root: Path | None = None) -> bool:
    """Unpack both packages, without installing them; tell whether it worked."""
    root = root or cache()
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        return False
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".monitoring.") as made:
        work = Path(made)
        if not _download(work):
            return False
        unpacked = work / "unpacked"
        for package in work.glob("*.deb"):
            if not _run("dpkg", "-x", str(package), str(unpacked), cwd=work):
                return False
        unpacked.chmod(0o755)
        shutil.rmtree(root / FOLDER, ignore_errors=True)
        unpacked.rename(root / FOLDER)
    return True


def _download(work: Path) -> bool:
    """Download both packages; where apt's lists are missing or old, renew them first."""
    if _run("apt-get", "download", *PROGRAMS, cwd=work):
        return True
    return _run("apt-get", "update", cwd=work) and _run("apt-get", "download", *PROGRAMS, cwd=work)


def _run(*argv: str, cwd: Path) -> bool:
    return subprocess.run(argv, cwd=cwd, capture_output=True, check=False).returncode == 0


def ready() -> bool:
    """Tell whether both programs are here and start on this machine: Alertmanager may need a mount namespace."""
    return all((found := find(program)) is not None and _starts(found) for program in PROGRAMS)


def _starts(program: Path) -> bool:
    return subprocess.run([*command(program), "--version"], capture_output=True, check=False).returncode == 0


def main() -> int:
    """Find or fetch."""
    if None in [find(program) for program in PROGRAMS]:
        fetch()
    if not ready():
        print("monitoring: apt cannot bring Prometheus, or it cannot run; its tests are skipped", file=sys.stderr)
        return 0
    for program in PROGRAMS:
        print(find(program))
    return 0


if __name__ == "__main__":
    sys.exit(main())
