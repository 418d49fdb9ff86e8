"""Build OPA for the tests that compare both policy engines, once, into ~/.cache/countermand-tools.

Prints the path of the binary on stdout; where Go is absent it says so in one line and exits 0, because the
embedded half of the suite runs anywhere. OPA_BIN names a binary to use instead.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from gateway.cli.demo.controlplane.find import cache

VERSION = "1.22.2"
_MODULE = f"github.com/open-policy-agent/opa@v{VERSION}"
CACHE = cache() / f"opa-{VERSION}" / "opa"


def find() -> Path | None:
    """Return a binary that exists: OPA_BIN, or the one built earlier."""
    named = os.environ.get("OPA_BIN")
    path = Path(named) if named else CACHE
    return path if os.access(path, os.X_OK) else None


def build() -> Path | None:
    """Build into the cache; None when there is no Go or it fails."""
    go = shutil.which("go")
    if go is None:
        print(f"opa: Go is not installed; tests against OPA {VERSION} are skipped", file=sys.stderr)
        return None
    print(f"opa: building {_MODULE} into {CACHE.parent} (about 80 s, once)", file=sys.stderr)
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as folder:
        done = subprocess.run(
            [go, "install", _MODULE], env=os.environ | {"GOBIN": folder, "CGO_ENABLED": "0"}, check=False
        )
        if done.returncode != 0:
            print(f"opa: the build failed; tests against OPA {VERSION} are skipped", file=sys.stderr)
            return None
        (Path(folder) / "opa").replace(CACHE)
    return CACHE


def main() -> int:
    """Find or build."""
    path = find() or build()
    if path is not None:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
