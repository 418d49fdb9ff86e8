"""Doors: each converts to core types at the edge and calls the use cases."""
