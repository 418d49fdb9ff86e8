"""What is known of Kubernetes objects beforehand: fields that the server manages, and how list elements are named."""

from collections.abc import Mapping
from types import MappingProxyType

# Not compared and never restored: the API server or a controller writes these, whatever a client sends.
SERVER_FIELDS: tuple[str, ...] = (
    "/apiVersion",
    "/kind",
    "/status",
    "/metadata/creationTimestamp",
    "/metadata/deletionGracePeriodSeconds",
    "/metadata/deletionTimestamp",
    "/metadata/generation",
    "/metadata/managedFields",
    "/metadata/resourceVersion",
    "/metadata/selfLink",
    "/metadata/uid",
    "/metadata/annotations/deployment.kubernetes.io~1revision",
    "/metadata/annotations/deprecated.daemonset.template.generation",
)

# Taints of nodes that the node controller sets and removes by their conditions.
MANAGED_TAINTS = "node.kubernetes.io/"

# List (by the name of its member) → members that identify an element (patchMergeKey and x-kubernetes-list-map-keys of
# the API's own types). Where a second key is often left out, the first must do.
MERGE_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
    "secrets": ("name",),
    "webhooks": ("name",),
    "versions": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "ownerReferences": ("uid",),
    "conditions": ("type",),
    "taints": ("key", "effect"),
})  # fmt: skip

# `ports` of a container and of a service are two lists of one name.
PORT_KEYS: tuple[tuple[str, ...], ...] = (("containerPort", "protocol"), ("port", "protocol"))
# A list of another kind (custom resources) is keyed when every element has such a member and no two share it.
FALLBACK_KEY = ("name",)

# Values that the API server picks itself when they are not given, and differently each time.
ALLOCATED = frozenset({"nodePort", "healthCheckNodePort", "clusterIP", "clusterIPs"})
