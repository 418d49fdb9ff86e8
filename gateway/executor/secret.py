"""Values that must never be printed."""

import stat
from pathlib import Path

from gateway.errors import ConfigFault


class Secret:
    """A secret text; repr, str and formatting show only that there is one."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself, for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def read_secret(path: Path) -> Secret:
    """Read a secret from a file, without its last line break; raises ConfigFault when others may read the file."""
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigFault("SECRET_FILE_OPEN", f"{path} is open to other users: chmod 0600 it")
        return Secret(path.read_text(encoding="utf-8").rstrip("\r\n"))
    except OSError as exc:
        raise ConfigFault("SECRET_FILE_MISSING", f"{path} cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigFault("SECRET_FILE_BROKEN", f"{path} is not UTF-8 text") from exc
