"""The words of an AWS command to its operation, its arguments and the client's own flags. Exact names only."""

import re
from dataclasses import dataclass

from gateway.core.canonical import Json
from gateway.parsing.tables_aws import AwsOperation, AwsService, AwsTables
from gateway.parsing.tools.aws_rules_short import add_rule, has_short_form
from gateway.parsing.tools.aws_values import read_argument
from gateway.parsing.tools.refuse import RefusedError, refuse, show, some, words_of
from gateway.parsing.words import Word

_NUMBER = re.compile(r"-[0-9.]+")
_CLIENT_FLAGS = frozenset({"region", "output", "query", "max-items", "page-size", "starting-token"})
_CLIENT_SWITCHES = frozenset({"no-paginate", "no-cli-pager"})
_OUTPUTS = frozenset({"json", "text", "table", "yaml"})
_OVERRIDES = words_of(
    """
    endpoint-url profile ca-bundle no-verify-ssl no-sign-request cli-read-timeout cli-connect-timeout debug
    version v2-debug color cli-binary-format cli-auto-prompt no-cli-auto-prompt cli-error-format cli-pager
    """
)
_LOADS = frozenset({"cli-input-json", "cli-input-yaml", "generate-cli-skeleton"})
_PAGE_NUMBER = re.compile(r"0|[1-9][0-9]{0,6}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command asks for, before it is checked as a whole."""

    operation: AwsOperation
    params: dict[str, Json]
    client: dict[str, Json]
    region: str | None


@dataclass(frozen=True, slots=True)
class _Flag:
    name: str
    inline: Word | None
    """The value of `--name=value`."""
    word: Word

    @property
    def shown(self) -> str:
        return show(f"--{self.name}", "this argument")


class Reader:
    """Reads words left to right and remembers which flags were given."""

    def __init__(self, words: tuple[Word, ...], tables: AwsTables) -> None:
        self._words = words
        self._at = 1
        self._tables = tables
        self._client: dict[str, Word | None] = {}
        self.operation: AwsOperation | None = None
        """Set once it was read; the flags before it are the client's."""

    def next_word(self) -> Word | None:
        """Return the next word that is no client flag, and take the client flags before it."""
        while self._at < len(self._words):
            word = self._words[self._at]
            flag = _flag(word)
            if flag is None or not self._client_flag(flag):
                return word
        return None

    def take(self) -> Word:
        """Return the current word and go on."""
        self._at += 1
        return self._words[self._at - 1]

    def values(self) -> tuple[Word, ...]:
        """Take the words up to the next flag."""
        start = self._at
        while self._at < len(self._words) and not _is_flag(self._words[self._at].text):
            self._at += 1
        return self._words[start : self._at]

    def client(self) -> tuple[dict[str, Json], str | None]:
        """Return `$client` and the region."""
        given = self._client
        output = given.get("output")
        if output is not None and output.text not in _OUTPUTS:
            raise refuse("AWS_OUTPUT", output.span)
        found: dict[str, Json] = {}
        for flag, key in (("query", "query"), ("starting-token", "starting_token")):
            word = given.get(flag)
            if word is not None:
                found[key] = word.text
        for flag, key in (("max-items", "max_items"), ("page-size", "page_size")):
            word = given.get(flag)
            if word is not None:
                found[key] = _page_number(flag, word)
        if "no-paginate" in given:
            found["paginate"] = False
        region = given.get("region")
        return found, None if region is None else region.text

    def _client_flag(self, flag: _Flag) -> bool:
        """Take a client flag with its value; refuse those that the gateway decides."""
        if flag.name in _OVERRIDES:
            raise refuse("AWS_TARGET_OVERRIDE", flag.word.span, flag=flag.shown)
        if flag.name in _LOADS:
            raise refuse("AWS_PARAM_FILE", flag.word.span, flag=flag.shown)
        if flag.name not in _CLIENT_FLAGS | _CLIENT_SWITCHES or self._is_own(flag):
            return False
        if flag.name in self._client:
            raise refuse("AWS_DUPLICATE", flag.word.span, flag=flag.shown)
        self._at += 1
        self._client[flag.name] = None if flag.name in _CLIENT_SWITCHES else self._single(flag)
        if flag.name in _CLIENT_SWITCHES and flag.inline is not None:
            raise refuse("AWS_VALUE_EXTRA", flag.word.span, flag=flag.shown)
        return True

    def _is_own(self, flag: _Flag) -> bool:
        """Tell whether the operation has an argument of that name: one that awscli does not page may."""
        operation = self.operation
        return operation is not None and not operation.paged and flag.name in operation.arguments

    def _single(self, flag: _Flag) -> Word:
        if flag.inline is not None:
            return flag.inline
        if self._at >= len(self._words) or _is_flag(self._words[self._at].text):
            raise refuse("AWS_VALUE_MISSING", flag.word.span, flag=flag.shown)
        return self.take()


def read_words(words: tuple[Word, ...], tables: AwsTables) -> Asked:
    """Return what a command asks for, or raise a refusal."""
    reader = Reader(words, tables)
    service = _service(reader, tables)
    operation = reader.operation = _operation(reader, service)
    params: dict[str, Json] = {}
    short: dict[str, Word] = {}
    while (word := reader.next_word()) is not None:
        flag = _flag(word)
        if flag is None:
            raise _stray(operation, word)
        reader.take()
        if has_short_form(operation, flag.name):
            _short(flag, reader, short)
        else:
            _argument(operation, flag, reader, params)
    add_rule(params, short)
    client, region = reader.client()
    return Asked(operation, params, client, region)


def _service(reader: Reader, tables: AwsTables) -> AwsService:
    word = reader.next_word()
    if word is None:
        raise refuse("AWS_INCOMPLETE")
    reader.take()
    service = tables.by_command(word.text)
    if service is not None:
        return service
    known = some([s.cli for s in tables.services.values()], word.text)
    if word.text in {"help", "configure", "history", "login", "logout", "sso", "cli-dev"}:
        raise refuse("AWS_HELP", word.span)
    code = "AWS_SERVICE_NOT_ENABLED" if word.text in tables.shipped else "AWS_SERVICE_UNKNOWN"
    raise refuse(code, word.span, service=show(word.text), known=known)


def _operation(reader: Reader, service: AwsService) -> AwsOperation:
    word = reader.next_word()
    if word is None:
        raise refuse("AWS_INCOMPLETE")
    reader.take()
    operation = service.operation(word.text)
    if operation is not None:
        return operation
    if word.text == "help":
        raise refuse("AWS_HELP", word.span)
    known = some(service.operations, word.text)
    code = "AWS_CUSTOM_COMMAND" if word.text in service.custom else "AWS_OPERATION_UNKNOWN"
    raise refuse(code, word.span, service=service.cli, operation=show(word.text), known=f"aws {service.cli} {known}")


def _argument(operation: AwsOperation, flag: _Flag, reader: Reader, params: dict[str, Json]) -> None:
    """Read one argument of the operation into params."""
    setting = operation.arguments.get(flag.name)
    if setting is None or (flag.name == "dry-run" and flag.inline is not None):
        raise _unknown(operation, flag)
    code, member = setting[0], setting[1:]
    if member in params:
        raise refuse("AWS_DUPLICATE", flag.word.span, flag=flag.shown)
    values = (flag.inline,) if flag.inline is not None else reader.values() if code in "=?" else ()
    if code in "+-!" or (code == "?" and not values):
        if values:
            raise refuse("AWS_VALUE_EXTRA", flag.word.span, flag=flag.shown)
        wanted = code in "+?"
        params[member] = {"Value": wanted} if code in "?!" else wanted
        return
    if not values:
        raise refuse("AWS_VALUE_MISSING", flag.word.span, flag=flag.shown)
    if len(values) > 1 and not _is_list(operation, member):
        if operation.streams_output:
            raise _stray(operation, values[1])
        raise refuse("AWS_VALUE_EXTRA", values[1].span, flag=flag.shown)
    params[member] = read_argument(operation, member, flag.shown, values)


def _short(flag: _Flag, reader: Reader, short: dict[str, Word]) -> None:
    """Read one argument of a rule's short form."""
    if flag.name in short:
        raise refuse("AWS_DUPLICATE", flag.word.span, flag=flag.shown)
    values = (flag.inline,) if flag.inline is not None else reader.values()
    if len(values) != 1:
        code = "AWS_VALUE_EXTRA" if values else "AWS_VALUE_MISSING"
        raise refuse(code, flag.word.span, flag=flag.shown)
    short[flag.name] = values[0]


def _unknown(operation: AwsOperation, flag: _Flag) -> RefusedError:
    known = ", ".join("--" + name for name in some(operation.arguments, flag.name).split(", ") if name) or "none"
    code = "AWS_ARGUMENT_UNSUPPORTED" if flag.name in operation.unsupported else "AWS_ARGUMENT_UNKNOWN"
    return refuse(code, flag.word.span, operation=operation.command, flag=flag.shown, known=known)


def _stray(operation: AwsOperation, word: Word) -> RefusedError:
    if word.text == "help":
        return refuse("AWS_HELP", word.span)
    if operation.streams_output:
        service, full_name = operation.service.cli, operation.full_name
        return refuse("AWS_LOCAL_FILE", word.span, service=service, operation=operation.command, full_name=full_name)
    return refuse("AWS_POSITIONAL", word.span)


def _is_list(operation: AwsOperation, member: str) -> bool:
    shape = operation.input
    return bool(shape is not None and operation.service.shape(shape["m"][member])["t"] == "l")


def _flag(word: Word) -> _Flag | None:
    if not _is_flag(word.text):
        return None
    name, equals, value = word.text.removeprefix("--").partition("=")
    return _Flag(name, Word(value, word.span) if equals else None, word)


def _is_flag(text: str) -> bool:
    return text.startswith("-") and text != "-" and _NUMBER.fullmatch(text) is None


def _page_number(flag: str, word: Word) -> int:
    if _PAGE_NUMBER.fullmatch(word.text) is None:
        raise refuse("AWS_VALUE", word.span, member=f"--{flag}", wanted="a whole number below ten million")
    return int(word.text)
