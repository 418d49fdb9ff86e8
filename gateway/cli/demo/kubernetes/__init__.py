"""The second demo: a release that was never pushed, on a real Kubernetes control plane."""
