"""Read a repository without reading its configuration: a shadow GIT_DIR with our config and links to its data.

Whatever can run a program on a mere `git log` (fsmonitor, hooks, textconv, external diff, clean and smudge filters,
pagers, aliases, gpg.program, includes) is set in the repository's own `config`. It is not overridden here key
by key, it is not there: git sees a directory of ours whose `objects` and `refs` lead to the repository and whose
`index` is a copy.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import TargetFault

_LINKED = ("objects", "refs", "packed-refs", "shallow")
_EXTENSION = re.compile(r"^\s*(objectformat|refstorage)\s*=\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_SECTION = re.compile(r"^\s*\[extensions\]\s*$(.*?)(?=^\s*\[|\Z)", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_HEAD = re.compile(r"(ref: refs/[^\s]{1,250}|[0-9a-f]{40}|[0-9a-f]{64})\n?")
_MAX_BYTES = 1_048_576
_MAX_INDEX_BYTES = 512 * 1_048_576


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a repository are."""

    private: Path
    """HEAD, index and logs; of a linked worktree its own directory."""
    common: Path
    """objects and refs."""
    worktree: Path | None
    """None when bare."""
    object_format: str


def find(path: Path) -> Layout:
    """Return the layout of the repository at exactly `path`; raises TargetFault when there is none we can read."""
    try:
        dot_git = path / ".git"
        private = path if not dot_git.exists() else _resolve(dot_git)
        common_file = private / "commondir"
        common = (private / _text(common_file).strip()).resolve() if common_file.is_file() else private
        if not (common / "objects").is_dir() or not (private / "HEAD").exists():
            raise TargetFault("GIT_REPOSITORY_MISSING", "there is no git repository at the configured path")
        return Layout(private, common, path if dot_git.exists() else None, _object_format(common))
    except (OSError, UnicodeDecodeError) as exc:
        raise TargetFault("GIT_REPOSITORY_MISSING", "the repository cannot be read") from exc


@contextmanager
def shadow(layout: Layout) -> Iterator[Path]:
    """Yield a temporary GIT_DIR that shows the repository's data under our configuration."""
    head = _text(layout.private / "HEAD")
    if not _HEAD.fullmatch(head):
        raise TargetFault("GIT_LAYOUT_UNSUPPORTED", "HEAD is neither a branch nor a commit")
    with tempfile.TemporaryDirectory(prefix="countermand-git-") as folder:
        root = Path(folder)
        (root / "HEAD").write_text(head, encoding="utf-8")
        (root / "config").write_text(_config(layout), encoding="utf-8")
        for name in _LINKED:
            if (layout.common / name).exists():
                (root / name).symlink_to(layout.common / name)
        if (layout.private / "logs").exists():
            (root / "logs").symlink_to(layout.private / "logs")
        _copy_index(layout.private / "index", root / "index")
        yield root


def _copy_index(source: Path, target: Path) -> None:
    """Copy the index: through a link `git diff` would refresh the repository's own, optional locks or not."""
    if not source.exists():
        return
    if not source.is_file() or source.stat().st_size > _MAX_INDEX_BYTES:
        raise TargetFault("GIT_LAYOUT_UNSUPPORTED", "index is no file, or too large")
    shutil.copyfile(source, target)


def _resolve(dot_git: Path) -> Path:
    """Follow a `.git` file (worktree, submodule) to the directory that it names."""
    if dot_git.is_dir():
        return dot_git.resolve()
    text = _text(dot_git).strip()
    if not text.startswith("gitdir: "):
        raise TargetFault("GIT_LAYOUT_UNSUPPORTED", ".git is neither a directory nor a gitdir file")
    return (dot_git.parent / text.removeprefix("gitdir: ")).resolve()


def _object_format(common: Path) -> str:
    config = common / "config"
    sections = "\n".join(_SECTION.findall(_text(config))) if config.is_file() else ""
    extensions: dict[str, str] = {key.lower(): value.lower() for key, value in _EXTENSION.findall(sections)}
    if extensions.get("refstorage", "files") != "files":
        raise TargetFault("GIT_LAYOUT_UNSUPPORTED", "the repository keeps its refs in an unsupported format")
    return extensions.get("objectformat", "sha1")


def _config(layout: Layout) -> str:
    extension = "" if layout.object_format == "sha1" else f"[extensions]\n\tobjectFormat = {layout.object_format}\n"
    bare = "true" if layout.worktree is None else "false"
    return f"[core]\n\trepositoryFormatVersion = {1 if extension else 0}\n\tbare = {bare}\n{extension}"


def _text(path: Path) -> str:
    if path.stat().st_size > _MAX_BYTES:
        raise TargetFault("GIT_LAYOUT_UNSUPPORTED", f"{path.name} is too large")
    return path.read_text(encoding="utf-8")
