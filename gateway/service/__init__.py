"""Use cases of the gateway: the only code that sequences ports."""
