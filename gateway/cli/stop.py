"""countermand stop."""

from gateway.cli.switch import switch

stop = switch("stop", "Let no new attempt begin; undos go on.", lambda gateway: gateway.stop)
