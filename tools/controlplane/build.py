"""Build the programs into the cache, once, whoever asks first."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.cli.demo.controlplane.find import cache
from tools.controlplane.recipe import PRODUCTS, Product, go_mod


class BuildError(Exception):
    """The programs could not be built; the text says why."""


def build(root: Path | None = None) -> None:
    """Build every product that the cache lacks; a second caller waits for the first."""
    root = root or cache()
    missing = [product for product in PRODUCTS if not complete(root / product.folder, product)]
    if not missing:
        return
    go = shutil.which("go")
    if go is None:
        raise BuildError("Go is not installed: the Kubernetes control plane cannot be built")
    root.mkdir(parents=True, exist_ok=True)
    with _lock(root / "controlplane.lock"):
        for product in missing:
            if not complete(root / product.folder, product):
                _build(go, product, root)


def complete(folder: Path, product: Product) -> bool:
    """Tell whether a folder holds all programs of a product."""
    return all(os.access(folder / program, os.X_OK) for program in product.programs)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another build is running; waiting for it")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _build(go: str, product: Product, root: Path) -> None:
    started = time.monotonic()
    _say(f"building {product.folder} into {root / product.folder} ({product.about}, once)")
    with tempfile.TemporaryDirectory(dir=root, prefix=f".{product.folder}.") as folder:
        work = Path(folder)
        upstream = _run(work, go, "mod", "download", "-json", f"{product.module}@v{product.version}")
        (work / "go.mod").write_text(go_mod(product, Path(json.loads(upstream)["GoMod"]).read_text()))
        _run(work, go, "mod", "tidy")
        done = work / "bin"
        done.mkdir(mode=0o755)
        packages = list(product.programs.values())
        out = str(done) + "/" if len(packages) > 1 else str(done / next(iter(product.programs)))
        _run(work, go, "build", "-p", "2", "-trimpath", "-ldflags", product.flags, "-o", out, *packages)
        shutil.rmtree(root / product.folder, ignore_errors=True)
        done.rename(root / product.folder)
    _say(f"built {product.folder} in {time.monotonic() - started:.0f} s")


def _run(work: Path, *argv: str) -> str:
    """Run Go; its progress goes to our stderr."""
    env = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    done = subprocess.run(argv, cwd=work, env=env, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{' '.join(argv[1:3])} failed with {done.returncode}: {done.stdout[-1000:]}")
    return done.stdout


def _say(text: str) -> None:
    print(f"controlplane: {text}", file=sys.stderr, flush=True)
