"""Build the real Kubernetes control plane of the tests and the demo, once, from Go modules; start and stop it by hand.

    python -m tools.controlplane build           build what the cache lacks (about 10 minutes, once)
    python -m tools.controlplane up --dir D      start; prints the path of the administrator's kubeconfig
    python -m tools.controlplane down --dir D    stop

What runs is in `gateway/cli/demo/controlplane`.
"""
