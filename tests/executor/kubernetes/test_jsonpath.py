"""JSONPath as kubectl understands it; tests/oracles compares with the real one."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.executor.targets.kubernetes.jsonpath import TemplateError, parse, relaxed
from gateway.executor.targets.kubernetes.jsonpath_eval import MAX_VALUES, Evaluation, shown, sprint

POD = {
    "metadata": {"name": "web", "labels": {"app": "web", "a.b/c": "x"}, "annotations": None},
    "spec": {"containers": [{"name": "a", "image": "a:1", "n": 1}, {"name": "b", "image": "b:2", "n": 2}], "on": True},
    "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}], "cpu": 0.5},
}


@pytest.mark.parametrize(
    ("template", "printed"),
    [
        ("{.metadata.name}", "web"),
        ("{$.metadata.name}", "web"),
        ("{@.metadata.name}", "web"),
        ("name={.metadata.name}!", "name=web!"),
        ("{.metadata.labels}", '{"a.b/c":"x","app":"web"}'),
        (r"{.metadata.labels.a\.b/c}", "x"),
        ("{.metadata.labels['a.b/c']}", "x"),
        ("{.metadata['name','labels']}", 'web {"a.b/c":"x","app":"web"}'),
        ("{.metadata.annotations}", "null"),
        ("{.nothing.there}", ""),
        ("{.spec.containers[*].image}", "a:1 b:2"),
        ("{.spec.containers[0].image}", "a:1"),
        ("{.spec.containers[-1].image}", "b:2"),
        ("{.spec.containers[0:1].image}", "a:1"),
        ("{.spec.containers[0,1].n}", "1 2"),
        ("{.spec.containers[::2].n}", "1"),
        ("{.spec.containers[0:0].n}", ""),
        ("{..image}", "a:1 b:2"),
        ("{.spec.on} {.status.cpu}", "true 0.5"),
        ('{.status.conditions[?(@.type=="Ready")].status}', "True"),
        ("{.status.conditions[?(@.type!='Ready')].type}", "Other"),
        ("{.spec.containers[?(@.n>1)].name}", "b"),
        ("{.spec.containers[?(@.n<=1)].name}", "a"),
        ("{.spec.containers[?(@.image)].name}", "a b"),
        ("{.spec.containers[?(@.nope)].name}", ""),
        ('{range .spec.containers[*]}{.name}{"="}{.image}{"\\n"}{end}', "a=a:1\nb=b:2\n"),
        ("{range .spec.containers[*]}[{.name}]{end}|{.metadata.name}", "[a][b]|web"),
        ('{"a\\tb"}', "a\tb"),
        ("plain", "plain"),
    ],
)
def test_a_template_prints_what_kubectl_prints(template: str, printed: str) -> None:
    assert Evaluation().text(parse(template), POD) == printed


@pytest.mark.parametrize(
    "template",
    ["{.a", "{range .a}x", "{end}", "{.a[}", "{.a[x]}", "{.a[0:1:0]}", "{func .a}", '{"a}', "{.a[?(@.b=~1)]}"],
)
def test_a_template_that_means_nothing_is_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        Evaluation().text(parse(template), POD)


@pytest.mark.parametrize(
    "template",
    [
        "{.spec.containers[2]}",
        "{.metadata.name[0]}",
        "{.spec.containers[?(@.name>1)]}",
        "{.metadata.labels[?(@.a==1)]}",
    ],
)
def test_a_template_that_does_not_fit_the_value_is_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        Evaluation().text(parse(template), POD)


def test_a_template_over_too_many_values_is_stopped() -> None:
    wide = {"a": list(range(MAX_VALUES // 8))}
    with pytest.raises(TemplateError, match="touches more than"):
        Evaluation().text(parse("{range .a[*]}{$.b}{end}" * 12), wide)


@pytest.mark.parametrize("expression", ["metadata.name", ".metadata.name", "{.metadata.name}", "{metadata.name}"])
def test_a_column_needs_no_braces_and_no_dot(expression: str) -> None:
    assert Evaluation().values(relaxed(expression), POD) == ["web"]


def test_values_look_as_go_prints_them() -> None:
    assert sprint({"b": [1, None, True], "a": 2.0}) == "map[a:2 b:[1 <nil> true]]"
    assert shown({"b": 1, "a": "ä"}) == '{"a":"ä","b":1}'


@given(st.text(max_size=60))
def test_any_text_is_a_template_or_refused(template: str) -> None:
    with contextlib.suppress(TemplateError):
        Evaluation().text(parse(template), POD)
