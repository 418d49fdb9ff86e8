"""Find the programs: KUBEBUILDER_ASSETS first, then the cache."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KUBERNETES = "1.35.4"
ETCD = "3.6.5"
KWOK = "0.7.0"
FOLDERS: Mapping[str, str] = {
    "kube-apiserver": f"kubernetes-{KUBERNETES}",
    "kube-controller-manager": f"kubernetes-{KUBERNETES}",
    "kube-scheduler": f"kubernetes-{KUBERNETES}",
    "kubectl": f"kubernetes-{KUBERNETES}",
    "etcd": f"etcd-{ETCD}",
    "kwok": f"kwok-{KWOK}",
}
"""Folder in the cache by program."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Where each program is; all of them exist."""

    paths: Mapping[str, Path]

    def __getitem__(self, name: str) -> Path:
        return self.paths[name]


def cache() -> Path:
    """Return the folder of built tools: COUNTERMAND_TOOLS, or ~/.cache/countermand-tools."""
    named = os.environ.get("COUNTERMAND_TOOLS")
    return Path(named) if named else Path.home() / ".cache" / "countermand-tools"


def find(root: Path | None = None) -> Programs | None:
    """Return the programs that exist, or None when one is missing.

    KUBEBUILDER_ASSETS (envtest's variable) may hold some of them only: envtest has no scheduler and no kwok.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    root = root or cache()
    paths = {}
    for name, folder in FOLDERS.items():
        places = ([Path(assets) / name] if assets else []) + [root / folder / name]
        found = next((path for path in places if os.access(path, os.X_OK)), None)
        if found is None:
            return None
        paths[name] = found
    return Programs(paths)
