"""The command line of each program: everything on 127.0.0.1, RBAC, audit log, nothing that waits for a leader."""

from dataclasses import dataclass

from gateway.cli.demo.controlplane.layout import Layout

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """One free port for each listener."""

    etcd: int
    etcd_peer: int
    apiserver: int
    kwok: int

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{LOOPBACK}:{self.apiserver}"


def arguments(program: str, layout: Layout, ports: Ports) -> list[str]:
    """Return a program's arguments."""
    return {
        "etcd": _etcd,
        "kube-apiserver": _apiserver,
        "kube-controller-manager": _controller_manager,
        "kube-scheduler": _scheduler,
        "kwok": _kwok,
    }[program](layout, ports)


def _etcd(layout: Layout, ports: Ports) -> list[str]:
    client, peer = f"http://{LOOPBACK}:{ports.etcd}", f"http://{LOOPBACK}:{ports.etcd_peer}"
    return [
        f"--data-dir={layout.etcd_data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver(layout: Layout, ports: Ports) -> list[str]:
    return [
        f"--etcd-servers=http://{LOOPBACK}:{ports.etcd}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={ports.apiserver}",
        "--endpoint-reconciler-type=none",  # an Endpoints object may not name a loopback address
        "--service-cluster-ip-range=10.96.0.0/16",
        f"--tls-cert-file={layout.pki / 'server.crt'}",
        f"--tls-private-key-file={layout.pki / 'server.key'}",
        f"--client-ca-file={layout.ca}",
        f"--token-auth-file={layout.tokens}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={layout.pki / 'sa.pub'}",
        f"--service-account-signing-key-file={layout.pki / 'sa.key'}",
        f"--audit-policy-file={layout.audit_policy}",
        f"--audit-log-path={layout.audit_log}",
        "--audit-log-mode=blocking",  # an answered request is in the log
        "--allow-privileged",
    ]


def _controller_manager(layout: Layout, ports: Ports) -> list[str]:
    del ports
    return [
        f"--kubeconfig={layout.client('system:kube-controller-manager')}",
        f"--service-account-private-key-file={layout.pki / 'sa.key'}",
        f"--root-ca-file={layout.ca}",
        "--leader-elect=false",
        "--secure-port=0",
        "--node-monitor-grace-period=10m",  # on a busy machine kwok is late, and it makes no pod ready twice
        "--kube-api-qps=200",  # tests and demos make and delete more at once than 20 a second
        "--kube-api-burst=400",
        "--pvclaimbinder-sync-period=1s",  # a claim that just missed its volume waits for the next round, else of 15 s
    ]


def _scheduler(layout: Layout, ports: Ports) -> list[str]:
    del ports
    config = layout.client("system:kube-scheduler")
    return [f"--kubeconfig={config}", "--leader-elect=false", "--secure-port=0"]


def _kwok(layout: Layout, ports: Ports) -> list[str]:
    return [
        f"--kubeconfig={layout.client('system:kwok')}",
        f"--config={layout.stages}",
        "--manage-all-nodes=true",
        f"--server-address={LOOPBACK}:{ports.kwok}",
        f"--node-ip={LOOPBACK}",
        f"--node-port={ports.kwok}",
        f"--tls-cert-file={layout.pki / 'server.crt'}",
        f"--tls-private-key-file={layout.pki / 'server.key'}",
    ]
