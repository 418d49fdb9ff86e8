"""Every error of the gateway, grouped by who can mend it; each has one reason code.

CountermandError
├── CallerError          the caller can mend it: nothing happened
│   ├── InvalidRequest       malformed, or the same request_id with another digest
│   ├── Unauthenticated      no or a wrong identity
│   ├── Forbidden            an identity that may not
│   ├── NotFound             no such action, incident, leaf
│   └── Precondition         the state does not allow it (already decided, target busy, stopped)
├── GatewayFault         the operator can mend it: denied, nothing executed
│   ├── StoreFault           a record could not be made durable
│   ├── PolicyFault          the engine failed, timed out or answered nonsense
│   ├── PolicyRefused        a bundle was not accepted; the last good one stays
│   ├── SignerFault          a key is missing, locked or refused
│   ├── ConfigFault          a setting is wrong; refused at start
│   ├── DeliveryFault        an exporter or notifier could not deliver; tried again, never dropped
│   └── Edited               what is stored is not what was recorded: the database was changed from outside
└── TargetFault          a target failed or could not be reached; raised in the executor only
"""

from collections.abc import Mapping
from typing import Any


class CountermandError(Exception):
    """Base of all errors; `code` is the stable reason, `args_` what its message is formatted with."""

    def __init__(self, code: str, message: str = "", **args: Any) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message or code
        self.args_: Mapping[str, Any] = args


class CallerError(CountermandError):
    """The caller can mend it."""


class InvalidRequest(CallerError):
    """The request is malformed or contradicts an earlier one."""


class Unauthenticated(CallerError):
    """No identity was shown, or a wrong one."""


class Forbidden(CallerError):
    """The identity may not do this."""


class NotFound(CallerError):
    """The named thing does not exist for this caller."""


class Precondition(CallerError):
    """The state of the world does not allow it now."""


class GatewayFault(CountermandError):
    """The gateway failed; whatever was asked is denied."""


class StoreFault(GatewayFault):
    """A record could not be made durable."""


class PolicyFault(GatewayFault):
    """The policy engine failed, timed out or answered nonsense."""


class PolicyRefused(GatewayFault):
    """A policy bundle was not accepted; the last good revision stays."""


class SignerFault(GatewayFault):
    """A signing key is missing, locked or refused."""


class ConfigFault(GatewayFault):
    """A setting is wrong."""


class DeliveryFault(GatewayFault):
    """A record or message could not be delivered; it is tried again."""


class Edited(GatewayFault):
    """What is stored is not what was recorded: the database was changed outside the gateway."""


class TargetFault(CountermandError):
    """A target failed or could not be reached."""
