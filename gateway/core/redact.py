"""Keep secrets out of records: redact, then hash, then store.

A secret is replaced by `hmac-sha256:<kid>:<64 hex digits>`, the HMAC of its UTF-8 text (of its canonical JSON when it
is no string), so that an auditor who holds the key can test a guess and equal secrets stay recognisable. Redacting
twice changes nothing. What is found: members whose name says secret, values that another member names so, and text
that looks like one (`_NET`).
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import cast

from gateway.core.canonical import Json, canonical

_PLACEHOLDER = re.compile(r"hmac-sha256:[A-Za-z0-9_-]{1,64}:[0-9a-f]{64}(?![A-Za-z0-9])")
_NAMED = r"(?:pass(?:word|wd|phrase)|pwd|secret|token|credentials?|(?:api|access|account|private|secret|auth)[_-]?key)"
_SECRET_WORD = rf"[\w.-]{{0,64}}{_NAMED}"
_COMMA, _COLON = r"\s{0,64},\s{0,64}", r"\s{0,64}:\s{0,64}"
_NAMES = (
    *("password", "passwd", "passphrase", "pwd", "secret", "token", "credential"),
    *(f"{what}{dash}key" for what in ("api", "access", "account", "private", "auth") for dash in ("", "_", "-")),
)

# Words (in lower case) one of which is in every match, and the pattern. Group 1, where there is one, is the secret,
# else the whole match is. Repetitions that a later character could make fail are bounded: no quadratic time.
_NET = tuple(
    (words, re.compile(pattern))
    for words, pattern in (
        (
            ("private key",),
            r"-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]{0,32}PRIVATE KEY-----|\Z)",
        ),
        (("akia", "asia", "aroa", "aida", "abia", "acca"), r"\b(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}\b"),
        (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
        (("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{20,}"),
        (("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,}"),
        (("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
        (("hooks.slack.com",), r"\bhooks\.slack\.com/services/([A-Za-z0-9/]+)"),
        (("eyj",), r"\beyJ[A-Za-z0-9_-]{8,512}\.[A-Za-z0-9_-]{8,8192}\.[A-Za-z0-9_-]*"),
        (("aiza",), r"\bAIza[A-Za-z0-9_-]{35,}"),
        (("_live_", "_test_"), r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
        (("sk-",), r"\bsk-[A-Za-z0-9_-]{20,}"),
        (("npm_", "pypi-"), r"\b(?:npm_[A-Za-z0-9]{36,}|pypi-[A-Za-z0-9_-]{16,})"),
        (("sg.",), r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,}"),
        (("age-secret-key-",), r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}"),
        (("://",), r"""://[^\s/@:"'<>]{0,256}:([^\s@?#"'<>]{1,512})@"""),
        (("bearer", "basic"), r"(?i)\b(?:bearer|basic)\s+([A-Za-z0-9._~+/=-]{8,})"),
        (_NAMES, rf"""(?i){_NAMED}["']?\s*[:=]\s*"([^"]+)\""""),
        (_NAMES, rf"""(?i){_NAMED}["']?\s*[:=]\s*'([^']+)'"""),
        (_NAMES, rf"""(?i){_NAMED}["']?\s*[:=]\s*["']?([^\s"',;&}}]+)"""),
        (_NAMES, rf"""(?i)--[a-z-]{{0,32}}{_NAMED}\s+["']?([^\s"'-][^\s"']*)"""),
        # A value that the member before it names, or the one behind it: {"name": "DB_PASSWORD", "value": …}.
        (_NAMES, rf"""(?i){_NAMED}"{_COMMA}"value"{_COLON}"((?:[^"\\]|\\.)+)"""),
        (_NAMES, rf"""(?i){_NAMED}\\"{_COMMA}\\"value\\"{_COLON}\\"(.{{1,4096}}?)\\\""""),
        (_NAMES, rf"""(?i)"value"{_COLON}"((?:[^"\\]|\\.)+)"{_COMMA}"(?:name|key)"{_COLON}"{_SECRET_WORD}\""""),
        (_NAMES, rf"""(?i)name:[ ]{{0,8}}["']?{_SECRET_WORD}["']?[ ]{{0,8}}\n[ ]{{0,64}}value:[ ]{{0,8}}(\S[^\n]*)"""),
        (_NAMES, rf"""(?i)name:{_SECRET_WORD} value:([^\s\]]+)"""),
        (("password", "identified"), r"(?i)\b(?:password|identified\s+by)\s+'((?:[^']|'')+)'"),
    )
)
_WORDS = tuple(sorted({word for words, _ in _NET for word in words}))
# Nothing shorter than `xoxb-` and ten characters matches without a space, a colon or an equals sign.
_SHORTEST = 15
_PUNCTUATED = re.compile(r"[\s:=]")
_SECRET_NAME = re.compile(
    r"pass(?:word|wd|phrase)|pwd$|secret|token$|credential|(?:api|access|account|private|auth)key|authorization|cookie$"
    r"|connectionstring"
)
_ABOUT_A_SECRET = re.compile(
    r"(?:name|arn|id|ref|kind|type|version|count|ttl|age|days|expiry|enabled|length|encryption|policy|validation"
    r"|rotation|mode|max|min)s?$"
)
_REF = "secretref"
_NAMED_MEMBERS = (
    ("value", ("name", "key")), ("Value", ("Name", "Key")), ("ParameterValue", ("ParameterKey", "ParameterName")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces secrets by their HMAC under one key; `kid` names the key."""

    kid: str
    key: bytes = field(repr=False)

    def placeholder(self, value: Json) -> str:
        """Return what stands for a secret; a placeholder stands for itself."""
        if isinstance(value, str) and _PLACEHOLDER.fullmatch(value):
            return value
        data = value.encode(errors="surrogatepass") if isinstance(value, str) else canonical(value)
        return f"hmac-sha256:{self.kid}:{hmac.new(self.key, data, hashlib.sha256).hexdigest()}"

    def secretref(self, value: Json) -> dict[str, Json]:
        """Return the reference that stands for a secret-class parameter of a step."""
        return {_REF: self.placeholder(value)}

    def text(self, text: str) -> str:
        """Return text in which everything that looks like a secret is replaced."""
        if _unchanged(text):
            return text
        before = None
        while text != before:
            before, folded = text, text.casefold()
            for words, pattern in _NET:
                if any(word in folded for word in words):
                    text = "".join(self._parts(pattern, text))
        return text

    def bytes(self, data: bytes) -> bytes:
        """Return bytes in which everything that looks like a secret is replaced; what is not UTF-8 stays as it is."""
        return self.text(data.decode(errors="surrogateescape")).encode(errors="surrogateescape")

    def json(self, value: Json) -> Json:
        """Return a JSON value without secrets; names that say secret hide their whole value."""
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind is dict or kind is MappingProxyType or isinstance(value, Mapping):
            members = cast("Mapping[str, Json]", value)
            redacted = {
                name if _harmless(name) else self.text(name): self._member(name, member)
                for name, member in members.items()
            }
            if (named := named_secret(members)) is not None:
                redacted[named] = self.placeholder(members[named])
            return redacted
        if isinstance(value, (list, tuple)):
            return [self.json(member) for member in value]
        return self.text(value) if isinstance(value, str) else value

    def _member(self, name: str, value: Json) -> Json:
        if _harmless(name) or not secret_name(name) or value is None or isinstance(value, bool):
            return self.json(value)
        return self.placeholder(value)

    def _parts(self, pattern: re.Pattern[str], text: str) -> Iterator[str]:
        """Yield text with the matches replaced; placeholders are passed by, so they are never hashed again."""
        end = 0
        for found in _PLACEHOLDER.finditer(text):
            yield from self._replaced(pattern, text[end : found.start()])
            yield found.group()
            end = found.end()
        yield from self._replaced(pattern, text[end:])

    def _replaced(self, pattern: re.Pattern[str], text: str) -> Iterator[str]:
        end = 0
        for found in pattern.finditer(text):
            group = found.lastindex or 0
            yield text[end : found.start(group)]
            yield self.placeholder(found.group(group))
            end = found.end(group)
        yield text[end:]


def _suspect(folded: str) -> bool:
    return any(map(folded.__contains__, _WORDS))


def _unchanged(text: str) -> bool:
    """Tell at once that text holds no secret; most does not."""
    return (len(text) < _SHORTEST and not _PUNCTUATED.search(text)) or not _suspect(text.casefold())


@lru_cache(maxsize=4096)
def _harmless(name: str) -> bool:
    """Tell that a member's name neither is a secret nor says that its value is one."""
    return _unchanged(name) and not secret_name(name)


def named_secret(members: Mapping[str, Json]) -> str | None:
    """Return the member that is the secret that another one names: `{"name": "DB_PASSWORD", "value": …}`."""
    for value, names in _NAMED_MEMBERS:
        if members.get(value) is not None and not isinstance(members[value], bool):
            said = (members.get(name) for name in names)
            if any(isinstance(name, str) and secret_name(name) for name in said):
                return value
    return None


@lru_cache(maxsize=4096)
def secret_name(name: str) -> bool:
    """Tell whether a member of this name holds a secret; `secretName` and `tokenTtl` are about one, not one."""
    plain = name.lower().replace("_", "").replace("-", "")
    return bool(_SECRET_NAME.search(plain)) and not _ABOUT_A_SECRET.search(plain)
