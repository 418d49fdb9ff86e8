"""How an error leaves the house: one table, shared by the gRPC and the HTTP doors."""

from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

from gateway import errors
from gateway.api.remedies import remedy_of


@dataclass(frozen=True, slots=True)
class Leaving:
    """The status of an error at each kind of door."""

    grpc: str
    """Name of a gRPC status code."""
    http: HTTPStatus


# Every class has its row (a test says so); the most derived class wins.
# UNAVAILABLE is the only code that clients retry: nothing happened, and it may pass.
BY_CLASS = MappingProxyType(
    {
        errors.CountermandError: Leaving("INTERNAL", HTTPStatus.INTERNAL_SERVER_ERROR),
        errors.CallerError: Leaving("INVALID_ARGUMENT", HTTPStatus.BAD_REQUEST),
        errors.InvalidRequest: Leaving("INVALID_ARGUMENT", HTTPStatus.BAD_REQUEST),
        errors.Unauthenticated: Leaving("UNAUTHENTICATED", HTTPStatus.UNAUTHORIZED),
        errors.Forbidden: Leaving("PERMISSION_DENIED", HTTPStatus.FORBIDDEN),
        errors.NotFound: Leaving("NOT_FOUND", HTTPStatus.NOT_FOUND),
        errors.Precondition: Leaving("FAILED_PRECONDITION", HTTPStatus.CONFLICT),
        errors.GatewayFault: Leaving("INTERNAL", HTTPStatus.INTERNAL_SERVER_ERROR),
        errors.StoreFault: Leaving("UNAVAILABLE", HTTPStatus.SERVICE_UNAVAILABLE),
        errors.PolicyFault: Leaving("INTERNAL", HTTPStatus.INTERNAL_SERVER_ERROR),
        errors.PolicyRefused: Leaving("FAILED_PRECONDITION", HTTPStatus.CONFLICT),
        errors.SignerFault: Leaving("INTERNAL", HTTPStatus.INTERNAL_SERVER_ERROR),
        errors.ConfigFault: Leaving("INTERNAL", HTTPStatus.INTERNAL_SERVER_ERROR),
        errors.DeliveryFault: Leaving("UNAVAILABLE", HTTPStatus.SERVICE_UNAVAILABLE),
        errors.Edited: Leaving("DATA_LOSS", HTTPStatus.INTERNAL_SERVER_ERROR),
        errors.TargetFault: Leaving("INTERNAL", HTTPStatus.INTERNAL_SERVER_ERROR),
    }
)

# Reasons that say more than their class.
BY_REASON = MappingProxyType(
    {
        # Trying again does not bring back what was changed.
        "SEALED_UNREADABLE": Leaving("DATA_LOSS", HTTPStatus.INTERNAL_SERVER_ERROR),
        "STORE_LOG_DAMAGED": Leaving("DATA_LOSS", HTTPStatus.INTERNAL_SERVER_ERROR),
        "BODY_TOO_LARGE": Leaving("INVALID_ARGUMENT", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        "DEADLINE_EXCEEDED": Leaving("DEADLINE_EXCEEDED", HTTPStatus.GATEWAY_TIMEOUT),
    }
)


def leaving(error: errors.CountermandError) -> Leaving:
    """Return the status of an error: by its reason, else by its most derived class in the table."""
    by_reason = BY_REASON.get(error.code)
    if by_reason is not None:
        return by_reason
    return next(row for cls in type(error).__mro__ for known, row in BY_CLASS.items() if known is cls)


def metadata(error: errors.CountermandError) -> dict[str, str]:
    """Return what a caller may know beyond the message: the remedy and the values in the message.

    A fault keeps its values to itself; they are for the operator and stand in the gateway's own log.
    """
    shown = error.args_ if isinstance(error, errors.CallerError) else {}
    return {key: str(value)[:_MAX_VALUE] for key, value in {**shown, "remedy": remedy_of(error)}.items()}


# Trailers are capped at 8 KiB by gRPC.
_MAX_VALUE = 512
