"""Documentation cannot drift: generated pages are compared with what generates them."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.adapters.bundle import read_bundle
from gateway.config import settings_of
from gateway.errors import ConfigFault
from gateway.parsing.codes import CODES
from gateway.service.caps import CAPS

ROOT = Path(__file__).parent.parent
GENERATORS = sorted(p.name for p in (ROOT / "tools").glob("gen_*.py"))


@pytest.mark.parametrize("tool", GENERATORS)
def test_a_generated_file_is_current(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / tool, "--check"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr


PAGES = ("README.md", "ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md", "policies/README.md", "deploy/README.md",
         "examples/site/README.md", "examples/sre_agent/README.md")  # fmt: skip
# Folders below which a page may name a file by its short path.
SHORT = ("", "gateway", "gateway/parsing", "policies", "policies/countermand", "policies/countermand/rules", "deploy")
PATH = re.compile(r"[\w.*-]+(/[\w.*-]+)+/?")
ABSENT_IN_A_CLONE = {"keys/trusted.json", "rules/"}


def _paths(page: str) -> set[str]:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    links = {link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link}
    return links | {name for name in re.findall(r"`([^`\n]+)`", text) if PATH.fullmatch(name)}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_only_files_that_exist(page: str) -> None:
    own = Path(page).parent.as_posix()
    missing = {
        name
        for name in _paths(page) - ABSENT_IN_A_CLONE
        if not any(next(ROOT.glob(f"{folder}/{name}".strip("/")), None) for folder in (*SHORT, own))
    }
    assert not missing


def test_every_setting_is_documented() -> None:
    with pytest.raises(ConfigFault):
        settings_of({"no_such_key": 1}, ROOT)
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    source = inspect.getsource(settings_of)
    keys = set(re.findall(r'"([a-z_]+)"', source[source.index("known = {") : source.index("}  # fmt")]))
    assert len(keys) > 10
    assert not {key for key in keys if f"| `{key}` |" not in page}


def test_every_code_of_a_decision_is_documented() -> None:
    page = (ROOT / "docs" / "codes.md").read_text(encoding="utf-8")
    codes = {*CODES, *CAPS, *read_bundle(ROOT / "policies").codes}
    assert not {code for code in codes if f"| `{code}` |" not in page}


def test_every_command_that_the_readme_types_exists() -> None:
    typed = re.findall(r"countermand ((?:[a-z]+ ?)+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert typed
    assert not {words for words in typed if f"## countermand {words.split()[0]}" not in page}
