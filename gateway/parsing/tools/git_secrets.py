"""Which reads of a repository are likely to show a secret: by the file that is shown, or by what is searched."""

import re
from collections.abc import Iterable, Mapping

from gateway.core.canonical import Json
from gateway.parsing.names import names

_SHOWS_CONTENT = names("show blame cat-file grep diff")
_PATCHES = names("--patch --unified --word-diff --function-context -L --cc")
_FILES = re.compile(
    r"(^|/)("
    r"\.env(?!\.(example|sample|template|dist)$)(\.[^/]*)?|\.(netrc|pgpass|npmrc|pypirc|htpasswd|git-credentials|dockercfg)"
    r"|id_(rsa|dsa|ecdsa|ed25519)[^/]*|[^/]*\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|gpg|tfstate|tfvars)(\.[^/]*)?"
    r"|kubeconfig[^/]*|[^/]*(secret|credential|password)s?(\.[^/]*)?\.(ya?ml|json|toml|ini|conf|cfg|properties|txt|enc)"
    r"|(secret|credential|password)s?)$"
    r"|(^|/)(\.(aws|ssh|gnupg|kube|docker)|secrets|private)(/|$)",
    re.IGNORECASE,
)
_SEARCHES = re.compile(r"private key|AKIA|passw(or)?d|passphrase|secret|api[_-]?key|access[_-]?key", re.IGNORECASE)


def shows_secrets(
    name: str, options: Mapping[str, Json], arguments: Iterable[str], paths: Iterable[str], searched: str
) -> bool:
    """Tell whether a command shows the content of a file that is known to hold secrets, or hunts for them."""
    patch = name == "log" and any(option in options for option in _PATCHES)
    if name not in _SHOWS_CONTENT and not patch:
        return False
    hunted = [searched, *(str(options.get(option, "")) for option in ("-S", "-G"))]
    inside = [value.rpartition(":")[2] for value in options.get("-L", ()) if name == "log"]
    files = [*paths, *inside, *(argument.partition(":")[2] for argument in arguments)]
    return any(_SEARCHES.search(text) for text in hunted) or any(_FILES.search(path) for path in files)
