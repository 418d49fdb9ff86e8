"""Which reads of a repository are likely to show a secret: by the file that is shown, or by what is searched."""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from gateway.core.canonical import Json
from gateway.parsing.names import names

_SHOWS_CONTENT = names("show blame cat-file grep diff range-diff")
# Commands that show content only with one of these.
_ONLY_WITH_PATCH = names("log diff-tree")
_PATCHES = names(
    "--patch --patch-with-stat --patch-with-raw --unified --word-diff --color-words --function-context --binary -L "
    "--cc -m --diff-merges"
)
_FILES = re.compile(
    r"(^|/)("
    r"[^/]*\.env(?!\.(example|sample|template|dist)$)(\.[^/]*)?|\.(netrc|pgpass|npmrc|pypirc|htpasswd|git-credentials|dockercfg)"
    r"|id_(rsa|dsa|ecdsa|ed25519)[^/]*|[^/]*\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|gpg|tfstate|tfvars)(\.[^/]*)?"
    r"|kubeconfig[^/]*|[^/]*service[_-]?account[^/]*\.json|wp-config\.php|[^/]*(secret|credential|password)s?(\.[^/]*)?\.(ya?ml|json|toml|ini|conf|cfg|properties|txt|enc)"
    r"|(secret|credential|password)s?)$"
    r"|(^|/)(\.(aws|ssh|gnupg|kube|docker)|secrets|private)(/|$)",
    re.IGNORECASE,
)
# A glob that takes in one of these and none of the others was written for it.
_SECRET_NAMES = (
    ".env", "prod.env", ".env.production", "id_rsa", "server.key", "cert.pem", ".npmrc", ".netrc", ".pgpass",
    ".git-credentials", "kubeconfig", "terraform.tfstate", "prod.tfvars", "keystore.jks", "credentials", "secrets.yaml",
)  # fmt: skip
_PLAIN_NAMES = (
    "main.py", "main.go", "readme.md", "values.yaml", "config.yml", "config.json", "app.conf", "notes.txt", "0001.sql",
    "pyproject.toml", "a.ini", "a.cfg", "a.properties", "main.tf", "a.sh", "a.ts", "a.js", "dockerfile",
)  # fmt: skip
_SEARCHES = re.compile(r"private key|AKIA|passw(or)?d|passphrase|secret|api[_-]?key|access[_-]?key", re.IGNORECASE)


def shows_secrets(
    name: str, options: Mapping[str, Json], arguments: Iterable[str], paths: Iterable[str], searched: str
) -> bool:
    """Tell whether a command shows the content of a file that is known to hold secrets, or hunts for them."""
    patch = name in _ONLY_WITH_PATCH and any(option in options for option in _PATCHES)
    if name not in _SHOWS_CONTENT and not patch:
        return False
    hunted = [searched, *(str(options.get(option, "")) for option in ("-S", "-G"))]
    inside = [value.rpartition(":")[2] for value in options.get("-L", ()) if name == "log"]
    bare = arguments if name == "log" else ()  # git takes a word of `log` that is no revision for a path
    files = [*paths, *inside, *bare, *(argument.rpartition(":")[2] for argument in arguments)]
    return any(_SEARCHES.search(text) for text in hunted) or any(_is_secret(path) for path in files)


def _is_secret(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    aimed = "*" in name and any(fnmatchcase(secret, name) for secret in _SECRET_NAMES)
    return bool(_FILES.search(path)) or (aimed and not any(fnmatchcase(plain, name) for plain in _PLAIN_NAMES))
