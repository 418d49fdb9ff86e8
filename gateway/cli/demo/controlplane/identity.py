"""Keys, certificates, tokens and kubeconfigs of one control plane; all are made anew at every start."""

import datetime as dt
import ipaddress
import json
import os
import secrets
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.cli.demo.controlplane.layout import Layout

ADMIN = "admin"
HUMAN = "alice@example.com"
"""A second administrator: tests play a human's edits as her, so that the audit log tells them apart."""
EXECUTOR = "executor-by-certificate"
"""Logs in by a client certificate; nothing is granted to it here."""
SYSTEM = ("system:kube-controller-manager", "system:kube-scheduler", "system:kwok")
_SERVICE_IP = "10.96.0.1"
_DAYS = 30


def create(layout: Layout, server: str) -> dict[str, str]:
    """Write everything below `layout` and return the token of each user."""
    layout.pki.mkdir(mode=0o700, parents=True, exist_ok=True)
    _certificates(layout.pki)
    signer = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    _write(layout.pki / "sa.key", _pem(signer))
    _write(layout.pki / "sa.pub", signer.public_key().public_bytes(serialization.Encoding.PEM, form))
    tokens = {user: secrets.token_hex(24) for user in (ADMIN, HUMAN, *SYSTEM)}
    rows = [f'{token},{user},{user},"system:masters"' for user, token in tokens.items()]
    _write(layout.tokens, "\n".join(rows).encode() + b"\n")
    for user, token in tokens.items():
        _write(layout.kubeconfig if user == ADMIN else layout.client(user), kubeconfig(layout, server, user, token))
    return tokens


def kubeconfig(layout: Layout, server: str, user: str, token: str) -> bytes:
    """Return a kubeconfig (JSON is YAML) with a bearer token."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": {"server": server, "certificate-authority": str(layout.ca)}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": user}}],
        "current-context": "local",
    }
    return json.dumps(config, indent=2).encode() + b"\n"


def _certificates(pki: Path) -> None:
    """Write a CA, a certificate of the API server and of kwok's kubelet port, and one of a client."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "countermand test control plane")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    names = [x509.DNSName(host) for host in ("localhost", "kubernetes", "kubernetes.default.svc")]
    addresses = [x509.IPAddress(ipaddress.ip_address(ip)) for ip in ("127.0.0.1", _SERVICE_IP)]
    root = (
        _certificate(ca, ca, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .add_extension(_usage(signs=True), critical=True)
    )
    leaf = (
        _certificate(name, ca, key)
        .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .add_extension(_usage(signs=False), critical=True)
    )
    client_key = ec.generate_private_key(ec.SECP256R1())
    client = (
        _certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, EXECUTOR)]), ca, client_key)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(_usage(signs=False), critical=True)
    )
    for path, certificate in (("ca.crt", root), ("server.crt", leaf), ("executor.crt", client)):
        signed = certificate.sign(ca_key, hashes.SHA256())
        _write(pki / path, signed.public_bytes(serialization.Encoding.PEM))
    _write(pki / "server.key", _pem(key))
    _write(pki / "executor.key", _pem(client_key))


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=_DAYS))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
