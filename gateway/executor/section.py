"""Read a part of a YAML document member by member; what is left over is an error."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from gateway.core.canonical import Json
from gateway.errors import ConfigFault
from gateway.executor.secret import Secret
from gateway.private_files import read_private

T = TypeVar("T")
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}")


class Section:
    """A mapping at a known place of the file; every complaint names that place."""

    def __init__(self, value: Json, place: str, folder: Path) -> None:
        if not isinstance(value, Mapping):
            raise ConfigFault("EXECUTOR_CONFIG", f"{place} must be a mapping")
        self._left = {str(k): v for k, v in value.items()}
        self._folder = folder
        self.place = place

    def fault(self, name: str, problem: str) -> ConfigFault:
        """Return the error that a member has a problem."""
        return ConfigFault("EXECUTOR_CONFIG", f"{self.place}.{name} {problem}")

    def has(self, name: str) -> bool:
        """Tell whether a member is there and was not taken yet."""
        return name in self._left

    def text(self, name: str, default: str | None = None) -> str:
        """Take a text; required unless there is a default."""
        value = self._take(name, default)
        if not isinstance(value, str) or (not value and default != ""):
            raise self.fault(name, "must be a text")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """Take an integer within [low, high]."""
        value = self._take(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.fault(name, f"must be an integer from {low} to {high}")
        return value

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """Take a boolean; required unless there is a default."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            raise self.fault(name, "must be true or false")
        return value

    def path(self, name: str, default: str | None = None) -> Path:
        """Take a path; a relative one is relative to the configuration file."""
        return self.at(self.text(name, default))

    def at(self, path: str) -> Path:
        """Return a path of the configuration file; a relative one is relative to its folder."""
        return self._folder / path

    def secret(self, name: str) -> Secret | None:
        """Take a secret from `name`, or from the file named by `name_file`; None when neither is there."""
        if self.has(name) and self.has(f"{name}_file"):
            raise self.fault(name, f"and {name}_file exclude each other")
        if self.has(f"{name}_file"):
            return self._secret_file(f"{name}_file")
        return Secret(self.text(name)) if self.has(name) else None

    def need_secret(self, name: str) -> Secret:
        """Take a secret that must be there."""
        value = self.secret(name)
        if value is None:
            raise self.fault(name, f"or {name}_file is missing")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Take a list of texts; an absent one is empty."""
        value = self._take(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            raise self.fault(name, "must be a list of texts")
        return tuple(value)

    def text_map(self, name: str) -> dict[str, str]:
        """Take a mapping of names to texts; an absent one is empty."""
        value = self._take(name, {})
        if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
            raise self.fault(name, "must map names to texts")
        return {str(k): v for k, v in value.items()}

    def section(self, name: str) -> "Section":
        """Take a mapping as its own section; an absent one is empty."""
        return Section(self._take(name, {}), f"{self.place}.{name}", self._folder)

    def each(self, name: str, read: "Callable[[Section], T]") -> dict[str, T]:
        """Take a mapping of names to sections and read each one whole."""
        return self.section(name).every(read)

    def every(self, read: "Callable[[Section], T]") -> dict[str, T]:
        """Take all members as named sections and read each one whole."""
        found = {}
        for name, value in self._left.items():
            if not _NAME.fullmatch(name):
                raise self.fault(name, "is not a name")
            part = Section(value, f"{self.place}.{name}", self._folder)
            found[name] = read(part)
            part.done()
        self._left.clear()
        return found

    def done(self) -> None:
        """Raise ConfigFault when a member was not taken: it is misspelt or does not belong here."""
        if self._left:
            raise self.fault(min(self._left), "is not a setting here")

    def _secret_file(self, name: str) -> Secret:
        """Read a file that nobody else may read, without its last line break."""
        data = read_private(self.path(name))
        try:
            return Secret(data.decode("utf-8").rstrip("\r\n"))
        except UnicodeDecodeError as exc:
            raise self.fault(name, "is not UTF-8 text") from exc

    def _take(self, name: str, default: Json) -> Json:
        value = self._left.pop(name, default)
        if value is None:
            raise self.fault(name, "is missing")
        return value
