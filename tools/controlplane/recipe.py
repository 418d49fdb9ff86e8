"""What is built, from which Go modules, and where a build is kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.cli.demo.controlplane.find import ETCD, KUBERNETES, KWOK

_STAGING = re.compile(r"^\s*(k8s\.io/[a-z0-9-]+) => \./staging", re.MULTILINE)
_GO_LINE = re.compile(r"^go (\d+\.\d+)\S*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Product:
    """Programs that one Go module builds together."""

    name: str
    version: str
    module: str
    programs: Mapping[str, str]
    """Package path by the program's name."""
    about: str
    """How long a cold build takes on two cores."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Strings that the linker sets."""

    @property
    def folder(self) -> str:
        """Name of its folder in the cache."""
        return f"{self.name}-{self.version}"

    @property
    def flags(self) -> str:
        """Flags of the linker."""
        return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables.items())])


_MAJOR, _MINOR, _ = KUBERNETES.split(".")
_COMPONENT = "k8s.io/component-base/version"
PRODUCTS = (
    Product(
        "kubernetes",
        KUBERNETES,
        "k8s.io/kubernetes",
        {
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
        },
        "6 to 9 minutes",
        {
            f"{_COMPONENT}.gitVersion": f"v{KUBERNETES}",
            f"{_COMPONENT}.gitMajor": _MAJOR,
            f"{_COMPONENT}.gitMinor": _MINOR,
        },
    ),
    Product("etcd", ETCD, "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"}, "40 seconds"),
    Product("kwok", KWOK, "sigs.k8s.io/kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, "2 minutes"),
)


def go_mod(product: Product, upstream: str) -> str:
    """Return the go.mod of a module that only builds the product's programs.

    `upstream` is the go.mod of the product's own module. Kubernetes requires its staging modules at v0.0.0 and replaces
    them by folders that the published module does not have, so each is replaced by its published version
    (kubernetes/kubernetes#79384). `go install` would refuse modules with replace directives.
    """
    go = _GO_LINE.search(upstream)
    if go is None:
        raise ValueError(f"the go.mod of {product.module} names no Go version")
    tools = "\n".join(f"\t{package}" for package in product.programs.values())
    staging = "0." + product.version.split(".", 1)[1]
    replaced = "\n".join(f"\t{module} => {module} v{staging}" for module in _STAGING.findall(upstream))
    return (
        f"module local/{product.name}\n\n{go.group(0)}\n\ngodebug default=go{go.group(1)}\n\n"
        f"tool (\n{tools}\n)\n\nrequire {product.module} v{product.version}\n"
        + (f"\nreplace (\n{replaced}\n)\n" if replaced else "")
    )
