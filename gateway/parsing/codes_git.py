"""Refusal codes of git."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.parsing.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "GIT_SUBCOMMAND": Code(
            "git {subcommand} is not a read",
            "use one of: {known}; to change code, open a pull request that reverts the commit",
        ),
        "GIT_OPTION_BEFORE": Code(
            "an option stands before the git subcommand",
            "drop it: repository and configuration come from the gateway",
        ),
        "GIT_OPTION": Code("git {subcommand} does not accept {option} here", "use the full name of a read-only option"),
        "GIT_TWICE": Code("{option} is given twice, or beside one that overrides it", "keep one of them"),
        "GIT_VALUE": Code("the value of {option} is not accepted", "use a plain value"),
        "GIT_ARGUMENTS": Code(
            "git {subcommand} has too few or too many arguments", "write revisions, then -- and paths"
        ),
        "GIT_WOULD_WRITE": Code("git {subcommand} with a name creates it", "add --list to look for names"),
        "GIT_REVISION": Code("a revision is not accepted", "write a branch, tag, commit, HEAD~n, or a range of them"),
        "GIT_PATH": Code("a path is not accepted", "write a path inside the repository, without .. and .git"),
        "GIT_PARAMS": Code(
            "the params of a git step are wrong",
            'send {{"options": {{"--max-count": "5", "--oneline": true}}, "arguments": ["HEAD"], "paths": []}}',
        ),
    }
)
