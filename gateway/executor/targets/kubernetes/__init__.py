"""Kubernetes clusters: reads and changes through the API server."""
