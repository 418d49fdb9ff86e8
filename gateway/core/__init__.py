"""The pure core: bytes and values in, values out; no clock, no randomness, no IO."""
