"""Secrets are replaced by an HMAC that an auditor can test, and nothing is replaced twice."""

import hashlib
import hmac
import json
import re
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.canonical import Json
from gateway.core.redact import _NET, Redactor, secret_name

REDACTOR = Redactor("k1", b"key of the test")
PLACEHOLDER = re.compile(r"hmac-sha256:k1:[0-9a-f]{64}")
pieces = st.sampled_from(
    [
        "password=", "hunter2", " ", '"', "'", "--token ", "eyJ", "AKIA", "ABCDEFGHIJKLMNOP", "://user:", "@host",
        "pwd: ", "hmac-sha256:k1:", "ab" * 32,
        "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "Bearer ", ".", "=",
        "ghp_", "x" * 20, "secret", ":", "{", "}", ",", "\n", "é", "\ud800",
    ]
)  # fmt: skip
texts = st.lists(pieces, max_size=12).map("".join) | st.text(max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts.filter(lambda t: "\ud800" not in t),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "password", "apiKey", "secretref", "tokenTtl"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(texts)
def test_redacting_text_twice_changes_nothing(text: str) -> None:
    once = REDACTOR.text(text)
    assert REDACTOR.text(once) == once


@given(values)
def test_redacting_a_value_twice_changes_nothing(value: object) -> None:
    once = REDACTOR.json(value)
    assert REDACTOR.json(once) == once


@given(values)
def test_redacting_keeps_the_shape(value: object) -> None:
    redacted = REDACTOR.json(value)
    if isinstance(value, dict):
        assert set(redacted) == set(value)
    elif isinstance(value, list):
        assert len(redacted) == len(value)
    elif not isinstance(value, str):
        assert redacted == value


@settings(max_examples=30)
@given(st.data())
@pytest.mark.parametrize(("words", "pattern"), _NET, ids=lambda p: getattr(p, "pattern", "words")[:24])
def test_one_of_its_words_is_in_every_match_of_a_pattern(
    words: tuple[str, ...], pattern: re.Pattern[str], data: st.DataObject
) -> None:
    found = pattern.search(data.draw(st.from_regex(pattern)))
    assert found is not None
    assert any(word in found.group().casefold() for word in words)
    assert len(found.group()) >= 15 or re.search(r"[\s:=]", found.group())


SECRETS = [
    ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("id ASIAIOSFODNN7EXAMPLE.", "ASIAIOSFODNN7EXAMPLE"),
    ("git clone https://ghp_" + "a1" * 18, "ghp_" + "a1" * 18),
    ("github_pat_" + "b2" * 15, "github_pat_" + "b2" * 15),
    ("glpat-" + "c3" * 10, "glpat-" + "c3" * 10),
    ("xoxb-1234567890-abc", "xoxb-1234567890-abc"),
    ("https://hooks.slack.com/services/T0/B0/abcdef", "T0/B0/abcdef"),
    ("x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.abc-_1 y", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.abc-_1"),
    ("AIza" + "d" * 35, "AIza" + "d" * 35),
    ("sk_live_" + "e5" * 10, "sk_live_" + "e5" * 10),
    ("sk-ant-" + "f6" * 12, "sk-ant-" + "f6" * 12),
    ("npm_" + "g" * 36, "npm_" + "g" * 36),
    ("pypi-AgEIcHlwaS5vcmcCJD", "pypi-AgEIcHlwaS5vcmcCJD"),
    ("SG." + "h" * 22 + "." + "i" * 43, "SG." + "h" * 22 + "." + "i" * 43),
    ("AGE-SECRET-KEY-1" + "Q" * 58, "AGE-SECRET-KEY-1" + "Q" * 58),
    ("postgres://app:pa/ss:w0rd@db/orders", "pa/ss:w0rd"),
    ("Authorization: Bearer abc.def-ghi_jkl", "abc.def-ghi_jkl"),
    ("password=hunter2", "hunter2"),
    ("PGPASSWORD=hunter2 psql", "hunter2"),
    ('{"password": "correct horse"}', "correct horse"),
    ("{'secret': 'correct horse'}", "correct horse"),
    ("api_key: abc123", "abc123"),
    ("AccountKey=abc123==;x", "abc123=="),
    ("mysql --password hunter2 -e x", "hunter2"),
    ("vault --auth-token 's.abc'", "s.abc"),
    ("ALTER ROLE app PASSWORD 'it''s me'", "it''s me"),
    ('[{"name":"DB_PASSWORD","value":"hunter2"}]', "hunter2"),
    ('[{"name":"DB_PASSWORD","value":"' + "hunter2" * 1_000 + '"}]', "hunter2" * 1_000),
    ('[{"value":"' + "hunter2" * 200 + '","name":"DB_PASSWORD"}]', "hunter2" * 200),
    ('{"Value":"hunter2","Key":"DB_PASSWORD"}', "hunter2"),
    ('[{"name": "DB_PASSWORD", "value": "a \\"quoted\\" one"}]', 'a \\"quoted\\" one'),
    ('"{\\"name\\":\\"DB_PASSWORD\\",\\"value\\":\\"hunter2\\"}"', "hunter2"),
    ('[{"value":"hunter2","name":"API_TOKEN"}]', "hunter2"),
    ("- name: DB_PASSWORD\n  value: correct horse\n", "correct horse"),
    ("[map[name:DB_PASSWORD value:hunter2]]", "hunter2"),
    ("CREATE USER a IDENTIFIED BY 'hunter2'", "hunter2"),
    ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----", "abc"),
    ("-----BEGIN PRIVATE KEY-----\ncut off", "cut off"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_text_that_looks_like_a_secret_is_replaced(text: str, secret: str) -> None:
    redacted = REDACTOR.text(f"before {text} after")
    assert secret not in redacted
    assert PLACEHOLDER.search(redacted)
    assert redacted.startswith("before ")


@pytest.mark.parametrize(
    "text",
    [
        "kubectl -n prod get pods",
        "sha256:9e0a" + "ab" * 30,
        "registry.test/app@sha256:" + "ab" * 32,
        "https://grafana.test/d/abc?orgId=1&to=now",
        "http://host:8080/path?email=a@b.test",
        "arn:aws:rds:eu-west-1:123456789012:db:orders",
        "aws rds describe-db-instances --max-items 5",
        "the token bucket is empty",
        "aws secretsmanager list-secrets --max-results 5",
        "spiffe://acme.test/agent/sre-1",
        "task-list",
        '[{"name":"TOKEN_TTL","value":"30"},{"name":"LEVEL","value":"debug"}]',
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert REDACTOR.text(text) == text


def test_an_auditor_can_test_a_guess() -> None:
    expected = hmac.new(b"key of the test", b"hunter2", hashlib.sha256).hexdigest()
    assert REDACTOR.text("password=hunter2") == f"password=hmac-sha256:k1:{expected}"
    assert REDACTOR.placeholder("hunter2") == f"hmac-sha256:k1:{expected}"


def test_equal_secrets_stay_recognisable_and_keys_tell_them_apart() -> None:
    assert REDACTOR.placeholder("a") == REDACTOR.placeholder("a") != REDACTOR.placeholder("b")
    assert Redactor("k2", b"other").placeholder("a") not in REDACTOR.placeholder("a")


def test_a_member_whose_name_says_secret_hides_its_whole_value() -> None:
    value = {
        "MasterUserPassword": "hunter2", "apiKey": {"a": 1}, "pin": 5, "Authorization": ["x"],
        "ManageMasterUserPassword": True, "secretName": "db", "token_ttl_s": 60, "token": None,
    }  # fmt: skip
    redacted = REDACTOR.json(value)
    assert PLACEHOLDER.fullmatch(redacted["MasterUserPassword"])
    assert PLACEHOLDER.fullmatch(redacted["apiKey"])
    assert PLACEHOLDER.fullmatch(redacted["Authorization"])
    left = {k: v for k, v in value.items() if redacted[k] == v}
    assert set(left) == {"pin", "ManageMasterUserPassword", "secretName", "token_ttl_s", "token"}


@pytest.mark.parametrize(
    "members",
    [
        {"name": "DB_PASSWORD", "value": "hunter2"},
        {"Key": "api-key", "Value": "hunter2"},
        {"ParameterKey": "MasterPassword", "ParameterValue": "hunter2"},
        {"name": "PIN_SECRET", "value": 12345678},
        {"name": "DB_PASSWORDS_SECRET", "value": ["hunter2"]},
    ],
)
def test_a_value_that_another_member_names_is_hidden(members: dict[str, Json]) -> None:
    *_, value = REDACTOR.json({"env": [members]})["env"][0].values()
    assert value == REDACTOR.placeholder([*members.values()][-1])


def test_a_value_whose_name_says_nothing_stays() -> None:
    for plain in ({"name": "LEVEL", "value": "debug"}, {"name": "TOKEN_TTL", "value": "30"}, {"name": 7, "value": "x"}):
        assert REDACTOR.json(plain) == plain


def test_a_secret_deep_inside_is_found() -> None:
    redacted = json.dumps(REDACTOR.json({"steps": [{"argv": ["curl", "-H", "Authorization: Bearer abcdefghij"]}]}))
    assert "abcdefghij" not in redacted


def test_bytes_that_are_no_text_stay_as_they_are() -> None:
    assert REDACTOR.bytes(b"\xff\x00 plain") == b"\xff\x00 plain"
    assert b"hunter2" not in REDACTOR.bytes(b"\xffpassword=hunter2\xfe")
    assert REDACTOR.bytes(b"\xffpassword=hunter2\xfe").startswith(b"\xffpassword=hmac-sha256:k1:")


def test_a_secret_in_a_member_name_is_found() -> None:
    assert "AKIAIOSFODNN7EXAMPLE" not in str(REDACTOR.json({"AKIAIOSFODNN7EXAMPLE": 1}))


def test_a_secretref_is_a_reference_that_stays() -> None:
    reference = REDACTOR.secretref("hunter2")
    assert reference == {"secretref": REDACTOR.placeholder("hunter2")}
    assert REDACTOR.json({"MasterUserPassword": "x", "p": reference})["p"] == reference


def test_a_made_up_placeholder_hides_nothing_else() -> None:
    assert "hunter2" not in REDACTOR.text("password=hmac-sha256:k1:hunter2")
    assert "hunter2" not in REDACTOR.text(f"password=hmac-sha256:k1:{'ab' * 32}hunter2,password=hunter2")


def test_the_key_is_not_shown() -> None:
    assert "key of the test" not in repr(REDACTOR)


@pytest.mark.parametrize("name", ["password", "DB_PASSWORD", "api-key", "sessionToken", "cookie", "ClientSecret"])
def test_names_of_secrets(name: str) -> None:
    assert secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "user",
        "key",
        "max_tokens",
        "SecretArn",
        "passwordAgeDays",
        "nextTokenId",
        "password_encryption",
        "secret-policy",
    ],
)
def test_names_about_secrets_are_not_names_of_secrets(name: str) -> None:
    assert not secret_name(name)


@pytest.mark.parametrize(
    "text",
    ["eyJ-" * 16_384, "://a:" * 13_000, "eyJ" + "a" * 65_000, "SG." * 20_000, "--" * 32_000, "password " * 7_000,
     "-----BEGIN PRIVATE KEY" * 3_000, "password '" * 6_500, 'pwd="' * 13_000, "secret" + " " * 65_000],
)  # fmt: skip
def test_64_kib_of_near_misses_take_no_more_than_a_moment(text: str) -> None:
    start = process_time()
    REDACTOR.text(text)
    assert process_time() - start < 3
