"""countermand resume."""

from gateway.cli.switch import switch

resume = switch("resume", "Take the stop or freeze of exactly this scope back.", lambda gateway: gateway.resume)
