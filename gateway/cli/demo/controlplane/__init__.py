"""A real Kubernetes control plane on loopback, for the demo and for tests; `tools/controlplane` builds its programs.

Two kwok nodes run pods on paper only. An image says how its pod fares: see `stages.py`.
"""
