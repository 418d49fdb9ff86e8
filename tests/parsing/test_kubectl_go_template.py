"""go-templates: those that only show fields are the jsonpath that shows the same, and every other is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.effect import Effect
from gateway.parsing.tools.kubectl_go_template import as_jsonpath
from tests.fixtures_catalog import as_typed, refusal, step, typed


@pytest.mark.parametrize(
    ("template", "jsonpath"),
    [
        ("{{.metadata.name}}", "{.metadata.name}"),
        ("{{ .status.readyReplicas }}/{{ .spec.replicas }}", "{.status.readyReplicas}/{.spec.replicas}"),
        ('{{range .items}}{{.metadata.name}}{{"\\n"}}{{end}}', '{range .items[*]}{.metadata.name}{"\\n"}{end}'),
        ("{{range $i, $p := .items}}{{$p.metadata.name}} {{end}}", "{range .items[*]}{.metadata.name} {end}"),
        (
            "{{range .items}}{{range .spec.containers}}{{.name}}{{end}};{{end}}",
            "{range .items[*]}{range .spec.containers[*]}{.name}{end};{end}",
        ),
        (
            '{{range .items}}{{if eq .status.phase "Pending"}}{{.metadata.name}} {{end}}{{end}}',
            '{range .items[?(@.status.phase=="Pending")]}{.metadata.name} {end}',
        ),
        ('{{index .metadata.labels "a.b/c"}}', "{.metadata.labels['a\\.b/c']}"),
        ("{{index .spec.ports 0}}", "{.spec.ports[0]}"),
        ("{{range .items -}}  {{.kind}}  {{- end}}", "{range .items[*]}{.kind}{end}"),
        ('{{`a`}}{{"b"}}{{.kind}}', '{"a"}{"b"}{.kind}'),
    ],
)
def test_a_template_of_fields_is_the_jsonpath_that_shows_the_same(template: str, jsonpath: str) -> None:
    assert as_jsonpath(template) == jsonpath


@pytest.mark.parametrize(
    "template",
    [
        "", "x", "{{.spec}}", "{{range .items}}{{.spec}}{{end}}", "{{range .items}}{{end}}", "{{.items}}", "{{.data}}",
        "{{.}}", "{{$}}", "{{$.items}}", "{{len .items}}", '{{printf "%s" .spec}}',
        "{{.data.x | base64decode}}", '{{define "x"}}{{.kind}}{{end}}', '{{template "x" .}}',
        "{{range $k, $v := .}}{{$v}}{{end}}", "{{end}}",
        "{{range .items}}{{.kind}}", "{{.kind}}{{end}}", "{{range .items}}{{$p.kind}}{{end}}", "{{with .spec}}{{end}}",
        '{{if eq .kind "Pod"}}x{{end}}', '{{range .items}}{{if eq .kind "Pod"}}a{{else}}b{{end}}{{end}}',
        '{{range .items}}{{if eq .kind "Pod"}}a{{end}}b{{end}}', "{..}{{.kind}}", '{{"{.spec}"}}', '{{"a"}b"}}',
        '{{range .items}}{{if eq .kind "a")]}{..env}{range .x[?(@.y=="b"}}a{{end}}{{end}}', "{{.a}}}", "{{{.a}}",
        "{{/* x */}}", "{{.a.b()}}", "{{index .data (index .x 0)}}", "{{.a[0]}}", "{{.a-b}}", "{{break}}", "{.data}",
    ],
)  # fmt: skip
def test_any_other_template_is_not_understood(template: str) -> None:
    found = as_jsonpath(template)
    assert found is None


def test_both_flags_and_both_names_mean_the_same_step() -> None:
    words = ("-o go-template='{{.kind}}'", "-o template='{{.kind}}'", "--template='{{.kind}}'",
             "-o go-template --template='{{.kind}}'", "-o jsonpath='{.kind}'")  # fmt: skip
    digests = {step(f"kubectl get pod web-0 -n dev {each}").step.digest for each in words}
    assert len(digests) == 1
    parsed = step(f"kubectl get pod web-0 -n dev {words[0]}")
    assert typed(as_typed(parsed)).step.digest == parsed.step.digest


@pytest.mark.parametrize(
    "template",
    [
        "{{range .items}}{{.data.password}}{{end}}", '{{range .items}}{{index .data "password"}}{{end}}',
        "{{range .items}}{{range .spec.containers}}{{range .env}}{{.value}}{{end}}{{end}}{{end}}",
    ],
)  # fmt: skip
def test_values_without_their_names_stay_sensitive(template: str) -> None:
    assert step(f"kubectl get cm -n dev --template='{template}'").effects == {Effect.READ_SENSITIVE}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("-o json --template='{{.kind}}'", "K8S_FLAG_CONFLICT"),
        ("-o wide --template='{{.kind}}'", "K8S_FLAG_CONFLICT"),
        ("-o go-template='{{.kind}}' --template='{{.kind}}'", "K8S_FLAG_CONFLICT"),
        ("-o go-template='{{len .items}}'", "K8S_GO_TEMPLATE"),
        ("-o go-template-file=/etc/passwd", "K8S_OUTPUT"),
        ("-o go-template", "K8S_OUTPUT"),
    ],
)
def test_outputs_that_contradict_or_do_more_are_refused(words: str, code: str) -> None:
    assert refusal(f"kubectl get pods -n dev {words}").code == code


@given(
    st.lists(
        st.sampled_from(["{{", "}}", "range .items", "end", ".a.b", '"', "`", " ", "-", 'if eq .a "b"', "$x", "{", "}"])
    )
)
def test_whatever_is_written_balances_its_braces(pieces: list[str]) -> None:
    found = as_jsonpath("".join(pieces))
    assert found is None or (found.count("{") == found.count("}") and found.count("{range") == found.count("{end}"))
