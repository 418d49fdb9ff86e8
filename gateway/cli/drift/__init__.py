"""Changes outside their owner in code."""
