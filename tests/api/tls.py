"""A certificate authority for one test."""

import datetime as dt

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])


class Authority:
    """Signs certificates of servers (DNS names) and clients (SPIFFE ids)."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        certificate = self._builder(_NAME, self._key).add_extension(constraints, critical=True)
        self.certificate = _pem(certificate.sign(self._key, hashes.SHA256()))

    def server_credentials(self, name: str) -> grpc.ServerCredentials:
        """Return the credentials of a server that asks for client certificates."""
        return grpc.ssl_server_credentials(
            [self.issue(x509.DNSName(name))], root_certificates=self.certificate, require_client_auth=True
        )

    def client_credentials(self, uri: str, root: bytes | None = None) -> grpc.ChannelCredentials:
        """Return the credentials of a client with a SPIFFE id."""
        key, certificate = self.issue(x509.UniformResourceIdentifier(uri))
        return grpc.ssl_channel_credentials(root or self.certificate, key, certificate)

    def issue(self, name: x509.GeneralName) -> tuple[bytes, bytes]:
        """Return (private key, certificate) in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        names = x509.SubjectAlternativeName([name])
        certificate = self._builder(subject, key).add_extension(names, critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return private, _pem(certificate.sign(self._key, hashes.SHA256()))

    @staticmethod
    def _builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(tz=dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_NAME)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=1))
            .not_valid_after(now + dt.timedelta(hours=1))
        )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
