"""The folder of one running control plane."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below the folder that `up --dir` names."""

    root: Path

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.root / "kubeconfig"

    @property
    def state(self) -> Path:
        """JSON of what runs; exists while the control plane is ready."""
        return self.root / "cluster.json"

    @property
    def audit_log(self) -> Path:
        """The API server's audit events, one JSON object a line."""
        return self.root / "audit.jsonl"

    @property
    def supervisor_log(self) -> Path:
        """What the supervisor said."""
        return self.root / "supervisor.log"

    @property
    def etcd_data(self) -> Path:
        """Everything the API server knows."""
        return self.root / "etcd"

    @property
    def pki(self) -> Path:
        """Keys and certificates."""
        return self.root / "pki"

    @property
    def ca(self) -> Path:
        """The certificate that signed the API server's."""
        return self.pki / "ca.crt"

    @property
    def tokens(self) -> Path:
        """The API server's file of static tokens."""
        return self.pki / "tokens.csv"

    @property
    def audit_policy(self) -> Path:
        """What the API server records."""
        return self.root / "audit-policy.yaml"

    @property
    def stages(self) -> Path:
        """How kwok plays pods."""
        return self.root / "stages.yaml"

    def log(self, program: str) -> Path:
        """Return where a program's output goes."""
        return self.root / f"{program}.log"

    def client(self, user: str) -> Path:
        """Return the kubeconfig of a user of the control plane itself."""
        return self.root / f"{user}.kubeconfig"
