"""Where samples come from, a provider a file; each implements the Telemetry port."""
