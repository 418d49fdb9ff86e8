"""A real admission webhook on loopback: it lets every dry run pass and refuses the real run."""

import datetime as dt
import ipaddress
import json
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.fixtures_k8s import Cluster

CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


@contextmanager
def refusing_webhook(cluster: Cluster, namespace: str, folder: Path, resource: str, name: str = "") -> Iterator[None]:
    """Refuse real updates of a resource in a namespace, or of one object, for as long as the block runs."""
    key, certificate = self_signed(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    group, _, plural = resource.rpartition("/")
    hook = {
        "name": "refuses.countermand.test", "admissionReviewVersions": ["v1"], "sideEffects": "None",
        "clientConfig": {"url": f"https://127.0.0.1:{server.server_port}/", "caBundle": _text(certificate)},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "rules": [{"apiGroups": [group], "apiVersions": ["v1"], "resources": [plural, f"{plural}/*"],
                   "operations": ["UPDATE"]}],
    }  # fmt: skip
    if name:
        hook["matchConditions"] = [{"name": "one", "expression": f"object.metadata.name == '{name}'"}]
    cluster.admin.create(CONFIGURATIONS, {"metadata": {"name": namespace}, "webhooks": [hook]})
    try:
        yield
    finally:
        cluster.admin.delete(f"{CONFIGURATIONS}/{namespace}")
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # the name that http.server calls
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        ours = request["userInfo"]["username"].startswith("system:serviceaccount:countermand")
        answer: dict[str, Any] = {"uid": request["uid"], "allowed": bool(request["dryRun"]) or not ours}
        if not answer["allowed"]:
            answer["status"] = {"code": 403, "message": "only a dry run is welcome"}
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None: ...


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Write a key and a certificate that nobody trusts, for 127.0.0.1; returns (key, certificate)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "webhook")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "hook.key", folder / "hook.crt"
    files[0].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files[1].write_bytes(built.public_bytes(Encoding.PEM))
    return files


def _text(certificate: Path) -> str:
    return b64encode(certificate.read_bytes()).decode()
