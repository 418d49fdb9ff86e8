"""Keys and plans that the signing tests share; made from fixed bytes, so a failure can be repeated."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.dsse import PAYLOAD_TYPE, pae, seal
from gateway.core.keys import Alg, VerifyKey, thumbprint
from gateway.core.step import Plan, Step, Target

GATEWAY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
PLAN = Plan(
    (
        Step(
            "aws", "rds.DescribeDBInstances", {"service": "rds"},
            Target("prod", "rds.db", "aws:prod/rds.db/orders"), {"DBInstanceIdentifier": "orders"},
        ),
        Step(
            "aws", "rds.ModifyDBInstance", {"service": "rds"},
            Target("prod", "rds.db", "aws:prod/rds.db/orders"), {"DBInstanceClass": "db.r6g.large"},
        ),
    ),
    ("&&",),
)  # fmt: skip


def public_key(
    private: Ed25519PrivateKey, *, not_before_ms: int = 0, expires_ms: int | None = None, revoked_ms: int | None = None
) -> VerifyKey:
    raw = private.public_key().public_bytes_raw()
    kid = thumbprint(Alg.ED25519, raw)
    return VerifyKey(kid, Alg.ED25519, raw, not_before_ms, expires_ms, revoked_ms)


def sign(statement: bytes, private: Ed25519PrivateKey = GATEWAY, payload_type: str = PAYLOAD_TYPE) -> bytes:
    return seal(statement, public_key(private).kid, private.sign(pae(payload_type, statement)))
