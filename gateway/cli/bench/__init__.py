"""countermand bench: what the gateway costs, measured on this machine."""
