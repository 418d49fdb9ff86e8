"""countermand freeze."""

from gateway.cli.switch import switch

freeze = switch("freeze", "Let nothing begin; undos wait for people.", lambda gateway: gateway.freeze)
