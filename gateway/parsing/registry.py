"""Which parser reads which tool; a name that is not here is refused."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from gateway.parsing.catalog import Catalog
from gateway.parsing.names import names
from gateway.parsing.result import ParsedStep, Refusal
from gateway.parsing.tools import aws, git, kubectl, postgres, process
from gateway.parsing.words import TypedStep, Word


class ToolParser(Protocol):
    """One tool: its text form and its typed form give the same step."""

    def from_argv(self, words: tuple[Word, ...], catalog: Catalog, scope: str | None) -> ParsedStep | Refusal:
        """Read one command; `words[0]` is the tool."""
        ...

    def from_typed(self, step: TypedStep, catalog: Catalog) -> ParsedStep | Refusal:
        """Read one typed step."""
        ...


_BY_WORD: Mapping[str, ToolParser] = MappingProxyType({"psql": postgres, "git": git, "kubectl": kubectl, "aws": aws})
_BY_TOOL: Mapping[str, ToolParser] = MappingProxyType(
    {"postgres": postgres, "git": git, "process": process, "kubernetes": kubectl, "aws": aws}
)
_MULTILINE = frozenset({"psql"})
_COMING = MappingProxyType({"terraform": "TOOL_TERRAFORM", "tofu": "TOOL_TERRAFORM", "helm": "TOOL_HELM"})
_WRAPPERS = names(
    "sudo doas su env nohup nice ionice timeout time watch xargs parallel exec eval command builtin stdbuf setsid "
    "strace script chroot unshare nsenter ssh bash sh zsh dash ksh fish python python3 perl ruby node"
)
_SHOWABLE = re.compile(r"[A-Za-z0-9._-]{1,32}")


def command_parser(words: tuple[Word, ...], catalog: Catalog) -> ToolParser | Refusal:
    """Return the parser of a command by its first word, compared exactly."""
    first = words[0]
    parser = _BY_WORD.get(first.text)
    if parser is None:
        named = any(shape.name == first.text for shape in catalog.commands)
        return process if named else _unknown(first, catalog)
    if first.text not in _MULTILINE:
        for word in words:
            if "\n" in word.text or "\t" in word.text:
                return Refusal("WORD_MULTILINE", word.span)
    return parser


def typed_parser(tool: str) -> ToolParser | Refusal:
    """Return the parser of a typed step by its tool."""
    parser = _BY_TOOL.get(tool)
    shown = tool if _SHOWABLE.fullmatch(tool) else "this"
    known = ", ".join(sorted(_BY_TOOL))
    return parser or Refusal("TYPED_TOOL_UNKNOWN", args={"tool": shown, "known": known})


def _unknown(word: Word, catalog: Catalog) -> Refusal:
    known = sorted({*_BY_WORD, *(shape.name for shape in catalog.commands)})
    code = _COMING.get(word.text, "TOOL_WRAPPER" if word.text in _WRAPPERS else "TOOL_UNKNOWN")
    shown = word.text if _SHOWABLE.fullmatch(word.text) else "this word"
    return Refusal(code, word.span, {"tool": shown, "known": ", ".join(known)})
