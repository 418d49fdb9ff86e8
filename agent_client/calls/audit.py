"""Calls of AuditService and CapabilityService."""

from typing import Final

from countermand.gateway.v1 import audit_service_pb2 as pb
from countermand.gateway.v1 import capability_service_pb2

from agent_client import read
from agent_client.calls.call import Call, Service, Stream
from agent_client.types import Capabilities, Leaf, Proof

_AUDIT: Final = Service(pb.DESCRIPTOR.services_by_name["AuditService"])
_CAPABILITY: Final = Service(capability_service_pb2.DESCRIPTOR.services_by_name["CapabilityService"])


def capabilities() -> Call[Capabilities]:
    """Return the scopes, tools and commands that may be proposed here."""
    return _CAPABILITY.call("ListCapabilities", capability_service_pb2.ListCapabilitiesRequest(), read.capabilities)


def checkpoint(min_size: int = 0) -> Call[str]:
    """Return the newest signed checkpoint of the log, once it covers `min_size` leaves."""
    return _AUDIT.call("GetCheckpoint", pb.GetCheckpointRequest(min_size=min_size), lambda r: str(r.checkpoint))


def receipt_proof(action: str) -> Call[Proof]:
    """Return the proof that the receipt of an action is in the log."""
    return _AUDIT.call("GetProof", pb.GetProofRequest(action_id=action), read.proof)


def leaf_proof(index: int, *, size: int = 0) -> Call[Proof]:
    """Return the proof that a leaf is in the tree of `size` leaves; 0 for the newest checkpoint. Not for agents."""
    return _AUDIT.call("GetProof", pb.GetProofRequest(leaf_index=index, size=size), read.proof)


def consistency_proof(first_size: int, *, size: int = 0) -> Call[Proof]:
    """Return the proof that the tree of `size` leaves (0 for the newest) continues the one of `first_size`."""
    return _AUDIT.call("GetProof", pb.GetProofRequest(leaf_index=-1, first_size=first_size, size=size), read.proof)


def tail(first: int = 0, *, follow: bool = False) -> Stream[Leaf]:
    """Yield the leaves of the log from an index on, with `follow` for ever. Not for agents."""
    request = pb.TailRecordsRequest(first_index=first, follow=follow)
    return _AUDIT.stream("TailRecords", request, lambda r: Leaf(r.index, r.leaf))


def keys() -> Call[bytes]:
    """Return the public keys of the gateway (JWK set). Keep a copy from a trusted moment to check receipts with."""
    return _AUDIT.call("GetKeys", pb.GetKeysRequest(), lambda r: bytes(r.jwks))
