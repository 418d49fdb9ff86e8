import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.bundle import revision_of
from gateway.core.bundle_merge import cut, merge, reroot

A = "package a.b\n\nimport data.x.config\n\n# a comment\nfirst := config.v\n"
B = "# about\npackage a.b\n\nsecond := 2\n\nthird := 3\n"


def test_a_package_becomes_one_module_with_the_union_of_imports() -> None:
    (module,) = merge([cut("b.rego", B), cut("a.rego", A)])
    assert module.package == "a.b"
    assert module.text.splitlines()[:3] == ["package a.b", "", "import data.x.config as config"]
    assert [line for line in module.text.splitlines() if ":=" in line] == [
        "first := config.v",
        "second := 2",
        "third := 3",
    ]


def test_lines_are_found_again_in_their_files() -> None:
    (module,) = merge([cut("a.rego", A), cut("b.rego", B)])
    texts = {"a.rego": A.splitlines(), "b.rego": B.splitlines()}
    for number, line in enumerate(module.text.splitlines(), start=1):
        if ":=" in line:
            path, place = module.locate(number)
            assert texts[path][place - 1] == line


def test_the_order_of_files_does_not_matter() -> None:
    assert merge([cut("a.rego", A), cut("b.rego", B)]) == merge([cut("b.rego", B), cut("a.rego", A)])


def test_an_alias_with_two_meanings_is_refused() -> None:
    other = B.replace("second", "import data.y.config\n\nsecond", 1)
    with pytest.raises(ValueError, match="config means"):
        merge([cut("a.rego", A), cut("b.rego", other)])


@pytest.mark.parametrize(
    "text",
    [
        "x := 1\n",
        "package a; x := 1\n",
        'package a["b"]\n',
        "package a\nimport rego.v1\n",
        "package a\nimport data.x as y z\n",
        "package a\nimport data.x\nimport data.y as x\n",
        "",
    ],
)
def test_a_head_that_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"a\.rego"):
        cut("a.rego", text)


def test_a_module_is_moved_to_another_root() -> None:
    text = "package countermand.main\n\nx := data.countermand.rules[d].findings\ny := data.countermanded\n"
    assert reroot(text, "countermand", "r1") == (
        "package r1.main\n\nx := data.r1.rules[d].findings\ny := data.countermanded\n"
    )


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.binary(max_size=5), max_size=4))
def test_a_revision_is_of_the_set_of_files_alone(files: dict[str, bytes]) -> None:
    assert revision_of(files) == revision_of(dict(reversed(files.items())))


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.binary(max_size=3), min_size=1, max_size=3))
def test_moving_a_byte_from_content_to_name_changes_the_revision(files: dict[str, bytes]) -> None:
    name = min(files)
    moved = {k: v for k, v in files.items() if k != name} | {name + "\x01": files[name][1:]}
    assert revision_of(moved) != revision_of(files)
