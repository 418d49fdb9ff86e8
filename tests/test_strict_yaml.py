"""Every YAML file that a person writes is read by one loader, which refuses what could be read in two ways."""

import ast
import re
from pathlib import Path

import pytest

from gateway.adapters.bundle import read_bundle
from gateway.config import PolicySettings, load_settings
from gateway.errors import ConfigFault, PolicyRefused
from gateway.executor.config_load import load as load_executor
from gateway.parts import bundle_path
from gateway.strict_yaml import MAX_CHARACTERS, dump, load

ROOT = Path(__file__).parent.parent
LAUGHS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
WRONG = {
    "a key twice": ("scopes: {}\norigin: a\nscopes: {}\n", "line 3: 'scopes' was given in line 1 already"),
    "a key twice, below": ("http:\n  port: 1\n  port: 2\n", "line 3: 'port' was given in line 2 already"),
    "a key twice, in quotes": ("'a': 1\n\"a\": 2\n", "line 2: 'a' was given in line 1 already"),
    "a key that is a number": ("a: 1\n7: 2\n", "line 2: keys must be text"),
    "a key that is true": ("true: 1\n", "line 1: keys must be text"),
    "a key that is a list": ("? [a]\n: 1\n", "line 1: keys must be text"),
    "a key that is nothing": ("a: 1\n? \n: 2\n", "line 2: keys must be text"),
    "an alias": ("a: &x 1\nb: *x\n", "line 2: aliases are not allowed"),
    "a billion laughs": (LAUGHS, "line 2: aliases are not allowed"),
    "an alias of itself": ("a: &a [*a]\n", "line 1: aliases are not allowed"),
    "a merge": ("a: &a {b: 1}\nc:\n  <<: *a\n", "line 3: aliases are not allowed"),
    "a word that is true elsewhere": ("a: yes\n", "line 1: 'yes' is ambiguous YAML; quote it"),
    "an octal number": ("a: 0644\n", "line 1: '0644' is ambiguous YAML; quote it"),
    "a date": ("a: 2026-01-01\n", "line 1: '2026-01-01' is ambiguous YAML; quote it"),
    "a tag of Python": ("a: !!python/object/apply:os.system [id]\n", "not allowed"),
    "two documents": ("a: 1\n---\nb: 2\n", "but found another document"),
    "deep nesting": ("a: " + "[" * 5_000, "nested too deeply"),
    "a very long document": ("a: " + "x" * MAX_CHARACTERS, "longer than"),
    "no YAML": ("a: [", "line 1: expected"),
    "a text with NUL": ('a: "x\\0y"\n', "line 1: a text with NUL"),
    "a tabulator": ("a:\n\tb: 1\n", "line 2"),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_loader_refuses(what: str) -> None:
    text, why = WRONG[what]
    with pytest.raises(ValueError, match=re.escape(why)):
        load(text)


@pytest.mark.parametrize("what", WRONG)
def test_no_settings_file_with_it_is_read(what: str, tmp_path: Path) -> None:
    text, why = WRONG[what]
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    for read in (load_settings, load_executor):
        with pytest.raises(ConfigFault) as caught:
            read(path)
        assert caught.value.code in {"CONFIG_UNREADABLE", "EXECUTOR_CONFIG"}
        assert why in caught.value.message


@pytest.mark.parametrize("what", WRONG)
def test_no_policy_data_with_it_is_read(what: str, tmp_path: Path) -> None:
    text, _ = WRONG[what]
    (tmp_path / "freeze").mkdir()
    (tmp_path / "freeze" / "data.yaml").write_text(text)
    with pytest.raises(PolicyRefused):
        read_bundle(bundle_path(PolicySettings()), tmp_path)


def test_text_that_is_no_utf8_is_no_settings_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(b"origin: \xff\n")
    with pytest.raises(ConfigFault, match="cannot read"):
        load_settings(path)


def test_no_other_loader_is_used_for_what_people_write() -> None:
    """A second loader would bring back what the first refuses."""
    loads = {"load", "safe_load", "load_all", "safe_load_all", "full_load", "unsafe_load"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "gateway").rglob("*.py")) if path.name != "strict_yaml.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in loads
        and isinstance(node.value, ast.Name) and node.value.id == "yaml"
    ]  # fmt: skip
    assert found == []


def test_what_is_dumped_is_loaded_also_where_a_part_is_there_twice() -> None:
    part = {"a": [1, "yes", "2026-01-01", None, "", "0644", "x: y"], "b": "line\nline"}
    document = {"one": part, "two": part, "three": [part["a"], part["a"]]}
    assert load(dump(document)) == document
