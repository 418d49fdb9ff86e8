"""Documentation cannot drift: generated pages are compared with what generates them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GENERATORS = sorted(p.name for p in (ROOT / "tools").glob("gen_*.py"))


@pytest.mark.parametrize("tool", GENERATORS)
def test_a_generated_file_is_current(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / tool, "--check"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr


def test_readme_names_only_files_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in (
        "ARCHITECTURE.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs",
        "examples/site",
        "LICENSE",
    ):
        assert (ROOT / name).exists()
        assert name.removesuffix(".md").split("/")[0] in text or name == "LICENSE"
