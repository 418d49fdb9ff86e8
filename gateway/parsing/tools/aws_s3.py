"""`aws s3 ls` and `aws s3 rm` of one object, as the API operations they are; the rest of `aws s3` is refused."""

import re

from gateway.parsing.result import Span
from gateway.parsing.tools.refuse import RefusedError, refuse, show
from gateway.parsing.words import Word

_URI = re.compile(r"(?:s3://)?(?P<bucket>[a-z0-9][a-z0-9.-]{1,62})(?:/(?P<key>.*))?")
_SWITCHES = frozenset({"--no-paginate", "--no-cli-pager"})
_LOOKS = frozenset({"--human-readable", "--summarize"})


def expand(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Return the words of the equal `aws s3api` command, or raise a refusal; leave other commands as they are."""
    words = _flags_last(words)
    if len(words) < 2 or words[1].text != "s3":
        return words
    command = words[2].text if len(words) > 2 else ""
    if command == "ls":
        return _list(words)
    if command == "rm":
        return _remove(words)
    span = words[2].span if len(words) > 2 else words[1].span
    raise _custom(command, span)


def _flags_last(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Move the client flags that stand before `s3` to the end."""
    at = 1
    while at < len(words) and words[at].text.startswith("--"):
        at += 1 if "=" in words[at].text or words[at].text in _SWITCHES else 2
    found = at < len(words) and words[at].text == "s3"
    return (words[0], *words[at:], *words[1:at]) if found else words


def _list(words: tuple[Word, ...]) -> tuple[Word, ...]:
    rest = [word for word in words[3:] if word.text not in _LOOKS]
    recursive = [word for word in rest if word.text == "--recursive"]
    uris = (
        [word for word in rest if not word.text.startswith("-")][:1]
        if rest and not rest[0].text.startswith("-")
        else []
    )
    uri = uris[0] if uris else None
    if uri is None:
        uri = next((word for word in rest if word.text.startswith("s3://")), None)
    others = [word for word in rest if word is not uri and word.text != "--recursive"]
    if len(recursive) > 1:
        raise refuse("AWS_DUPLICATE", recursive[1].span, flag="--recursive")
    if uri is None:
        if recursive:
            raise refuse("AWS_POSITIONAL", recursive[0].span)
        return _command(words, "list-buckets", [], others)
    bucket, key = _split(uri)
    arguments = ["--bucket", bucket]
    arguments += ["--prefix", key] if key else []
    arguments += [] if recursive else ["--delimiter", "/"]
    return _command(words, "list-objects-v2", arguments, others)


def _remove(words: tuple[Word, ...]) -> tuple[Word, ...]:
    rest = list(words[3:])
    if any(word.text in {"--recursive", "--include", "--exclude"} for word in rest) or not rest:
        raise _custom("rm", words[2].span)
    bucket, key = _split(rest[0])
    if not key or key.endswith("/") or not rest[0].text.startswith("s3://"):
        raise _custom("rm", rest[0].span)
    return _command(words, "delete-object", ["--bucket", bucket, "--key", key], rest[1:])


def _split(uri: Word) -> tuple[str, str]:
    match = _URI.fullmatch(uri.text)
    if match is None:
        raise refuse("AWS_VALUE", uri.span, member="the S3 address", wanted="s3://bucket/prefix")
    return match["bucket"], match["key"] or ""


def _command(words: tuple[Word, ...], operation: str, arguments: list[str], others: list[Word]) -> tuple[Word, ...]:
    span = words[2].span
    made = ["s3api", operation, *(f"{a}={b}" for a, b in zip(arguments[::2], arguments[1::2], strict=True))]
    return (words[0], *(Word(text, span) for text in made), *others)


def _custom(command: str, span: Span) -> RefusedError:
    known = "aws s3 ls s3://bucket/prefix, or aws s3api head-object, copy-object, delete-object"
    return refuse("AWS_CUSTOM_COMMAND", span, service="s3", operation=show(command, "command"), known=known)
