"""Our own IO behind the ports, one technology a file."""
