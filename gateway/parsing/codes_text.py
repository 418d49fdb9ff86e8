"""Refusal codes of the characters, the command language, the registry and the typed door."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.parsing.code import Code

_QUOTE = "put the word in single quotes when the character is meant literally"

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "TEXT_TOO_LONG": Code("the proposal has {bytes} bytes, more than {max}", "propose fewer steps at a time"),
        "TEXT_NOT_UTF8": Code("the proposal is not UTF-8", "send UTF-8 text"),
        "TEXT_CONTROL_CHARACTER": Code("the proposal has the control character {character}", "remove it"),
        "TEXT_NOT_NFC": Code("the proposal is not in Unicode normal form C", "send NFC, or ASCII only"),
        "TEXT_INVISIBLE_CHARACTER": Code("the proposal has the invisible character {character}", "remove it"),
        "TEXT_LOOKALIKE": Code("{character} looks like an ASCII character", "type the ASCII character"),
        "TEXT_BLANK_RUN": Code("more than {max} blanks in a row hide what follows", "use single blanks"),
        "LEX_NON_ASCII": Code("a character outside ASCII stands outside quotes", "use ASCII, or quote a text value"),
        "LEX_UNCLOSED_QUOTE": Code("a quote is not closed", "close the quote"),
        "LEX_BACKSLASH": Code("a backslash outside single quotes", _QUOTE + "; continue lines only between words"),
        "LEX_QUOTED_BACKSLASH": Code(
            "a backslash before a newline or ! inside double quotes", "use single quotes around the word"
        ),
        "LEX_QUOTED_EXPANSION": Code("$ or ` inside double quotes would be expanded", "use single quotes"),
        "LEX_EXPANSION": Code("variables and substitutions are not expanded", "write the value itself"),
        "LEX_GLOB": Code("patterns are not expanded", _QUOTE + ", or name each thing"),
        "LEX_BRACE": Code("braces are not expanded", _QUOTE + ", or write each word"),
        "LEX_TILDE": Code("~ is not expanded", "write the name itself; files of the gateway are not reachable"),
        "LEX_BANG": Code("a word starts with !", _QUOTE),
        "LEX_COMMENT": Code("comments are not accepted", "send only the command; explain in the justification"),
        "LEX_REDIRECT": Code(
            "redirections are not accepted",
            "drop it: output and errors are both returned; quote <placeholders>",
        ),
        "LEX_PIPE": Code("pipes are not accepted", "drop the pipe: output is returned whole, up to a cap"),
        "LEX_OR": Code("|| is not accepted", "look at the result of the first command, then propose the second"),
        "LEX_BACKGROUND": Code("& is not accepted", "drop it; join commands with &&"),
        "LEX_SUBSHELL": Code("parentheses are not accepted outside quotes", _QUOTE + "; join commands with &&"),
        "LEX_NEWLINE": Code("a newline between commands", "join commands with &&, or continue the line with ' \\'"),
        "LEX_EMPTY_COMMAND": Code("a command is empty", "write one command on each side of && or ;"),
        "LEX_EMPTY_TOOL": Code("the first word is empty", "start with the tool: kubectl, aws, psql, git"),
        "LEX_ASSIGNMENT": Code("environment variables cannot be set", "drop the assignment"),
        "LEX_KEYWORD": Code("shell keywords are not accepted", "propose each command, joined with &&"),
        "LEX_JOB": Code("shell jobs do not exist here", "start with the tool: kubectl, aws, psql, git"),
        "LEX_WORD_TOO_LONG": Code("a word is longer than {max} bytes", "shorten it"),
        "LEX_TOO_MANY_WORDS": Code("more than {max} words", "propose fewer steps at a time"),
        "LEX_TOO_MANY_COMMANDS": Code("more than {max} commands", "propose fewer steps at a time"),
        "WORD_MULTILINE": Code("a word of this tool has a newline or a tab", "write it on one line"),
        "PLAN_SEMICOLON": Code("; may join only reads", "join these commands with &&"),
        "TOOL_UNKNOWN": Code(
            "{tool} is not a tool of this gateway",
            "use one of: {known}; the name only, without a path",
        ),
        "TOOL_WRAPPER": Code("{tool} runs other commands", "propose the command itself; use one of: {known}"),
        "TOOL_TERRAFORM": Code(
            "terraform is not accepted as text",
            "propose the change as an aws or kubernetes step; applying a reviewed plan by its digest is coming",
        ),
        "TOOL_HELM": Code(
            "helm is not accepted",
            "read with kubectl get; propose the change of the workload as a typed kubernetes step",
        ),
        "TYPED_MEMBER_UNKNOWN": Code("a typed step has the unknown member {member}", "use: {known}"),
        "TYPED_MEMBER_MISSING": Code("a typed step lacks the member {member}", "add it"),
        "TYPED_MEMBER_TYPE": Code("the member {member} must be {wanted}", "send {wanted}"),
        "TYPED_TOOL_UNKNOWN": Code("{tool} is not a tool of this gateway", "use one of: {known}"),
        "TYPED_OPERATION_UNKNOWN": Code("{operation} is not an operation of this tool", "use one of: {known}"),
        "TYPED_COUNT": Code("a plan has 1 to {max} steps", "propose between 1 and {max} steps at a time"),
        "TYPED_CONNECTORS": Code("{steps} steps need {wanted} connectors", "send '&&' or ';' between steps"),
        "TYPED_TOO_LARGE": Code("the typed steps have more than {max} bytes", "propose fewer steps at a time"),
        "TYPED_NOT_JSON": Code("a value has no canonical JSON form", "send integers beyond 2^53 as strings"),
        "TYPED_DISAGREES": Code("{member} is not what the gateway derives", "drop it; it is derived"),
        "SCOPE_CONFLICT": Code("the step names another scope than the proposal", "name one scope"),
        "PARSER_FAULT": Code("the parser failed ({fault})", "propose one simpler step; report this to the operator"),
    }
)
