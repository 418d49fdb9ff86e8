"""The Kubernetes cases behind policies/samples."""

from collections.abc import Callable

from tools.policy_case_parts import (
    CONTAINER,
    Change,
    Json,
    document_of,
    document_with,
    leased,
    moved,
    params_with,
    patched,
    placed,
    shows,
    step_of,
    step_with,
    target_of,
    target_with,
    value_with,
    without,
)


def k8s_scale() -> Json:
    """Scale a degraded deployment from 2 to 3, under an autoscaler, owned by Argo CD."""
    target = target_of("k8s:prod-eu/prod/deployments.apps/web", "prod-eu", "Deployment", "web", namespace="prod")
    value = {
        "owner": "team-checkout",
        "replicas": {"desired": 2, "ready": 1},
        "health": "degraded",
        "controllers": [{"kind": "HorizontalPodAutoscaler", "min": 2, "max": 6}],
        "iac": {"tool": "argocd", "ref": "acme/deploy//web"},
    }
    return document_of(
        step_of("kubernetes", "deployments.scale", target, {"replicas": 3}, value, "exact"), target["id"]
    )


def k8s_image() -> Json:
    """Change the image of a failing deployment that no code owns."""
    document = k8s_scale()
    step = document["steps"][0]
    step |= {"operation": "deployments.set_image", "params": {"images": {"web": "registry.acme.test/web:2"}}}
    step["facts"][0]["value"] |= {"iac": {"manager": "none"}, "stateful": False, "services": ["web"], "pdbs": []}
    step["preflight"]["changes"] = [moved(f"{CONTAINER}/image", "web:1", "registry.acme.test/web:2")]
    return document


def k8s_node() -> Json:
    """Cordon a node."""
    target = target_of("k8s:prod-eu/-/nodes/n1", "prod-eu", "Node", "n1")
    return document_of(step_of("kubernetes", "nodes.cordon", target, {}, {"health": "failing"}, "exact"), target["id"])


CASES: dict[str, tuple[Callable[[], Json], tuple[Change, ...]]] = {
    "k8s_scale": (k8s_scale, ()),
    "k8s_scale_at_admit": (k8s_scale, (document_with(stage="admit"), without("facts", "preflight"))),
    "k8s_scale_beyond_factor": (k8s_scale, (params_with(replicas=5),)),
    "k8s_scale_beyond_autoscaler": (k8s_scale, (params_with(replicas=8),)),
    "k8s_scale_to_zero": (k8s_scale, (params_with(replicas=0), value_with(controllers=[]))),
    "k8s_scale_known_from_list": (
        k8s_scale,
        (lambda d, _: d["incident"]["reads"][0].update(targets=["k8s:prod-eu/prod/deployments.apps/*"]),),
    ),
    "k8s_scale_healthy": (k8s_scale, (value_with(health="healthy", iac=None),)),
    "k8s_scale_in_staging": (k8s_scale, (placed("staging", "medium"),)),
    "k8s_scale_stale_facts": (k8s_scale, (lambda _, s: s["facts"][0].update(status="stale"),)),
    "k8s_scale_in_kube_system": (k8s_scale, (target_with(namespace="kube-system"),)),
    "k8s_scale_in_own_namespace": (k8s_scale, (target_with(namespace="countermand"),)),
    "k8s_restart": (k8s_scale, (step_with(operation="deployments.restart", params={}, undo={"class": "neutral"}),)),
    "k8s_restart_statefulset": (
        k8s_scale,
        (step_with(operation="statefulsets.restart", params={}, undo={"class": "neutral"}),),
    ),
    "k8s_delete_namespace": (
        k8s_scale,
        (
            step_with(
                operation="namespaces.delete", effect=["destructive", "write"], params={}, undo={"class": "none"}
            ),
            target_with(id="k8s:prod-eu/-/namespaces/prod", kind="Namespace", names=["prod"]),
        ),
    ),
    "k8s_delete_pod_by_force": (
        k8s_scale,
        (
            step_with(operation="pods.delete", effect=["destructive", "write"], undo={"class": "neutral"}),
            step_with(params={"force": True, "grace_period_seconds": 0}),
        ),
    ),
    "k8s_restart_of_store": (
        k8s_scale,
        (step_with(operation="deployments.restart", params={}, undo={"class": "neutral"}), value_with(stateful=True)),
    ),
    "k8s_restart_of_all": (
        k8s_scale,
        (
            step_with(operation="deployments.restart", params={}, undo={"class": "neutral"}),
            step_with(effect=["destructive", "write"]),
            target_with(fanout="all", names=[]),
        ),
    ),
    "k8s_scale_down_healthy": (k8s_scale, (value_with(health="healthy", replicas={"desired": 4}),)),
    "k8s_scale_to_zero_of_nobody": (k8s_scale, (params_with(replicas=0), value_with(controllers=[], services=[]))),
    "k8s_undo_under_way": (
        k8s_image,
        (step_with(operation="deployments.undo", params={}), value_with(health="progressing")),
    ),
    "k8s_image": (k8s_image, ()),
    "k8s_image_owned_by_code": (k8s_image, (value_with(iac={"tool": "argocd"}),)),
    "k8s_image_leased": (k8s_image, (value_with(iac={"tool": "argocd"}), leased(900))),
    "k8s_patch_probe": (
        k8s_image,
        patched({"spec": {}}, moved(f"{CONTAINER}/livenessProbe/periodSeconds", 1, 10)),
    ),
    "k8s_patch_probe_away": (
        k8s_image,
        patched({"spec": {}}, moved(f"{CONTAINER}/livenessProbe/httpGet/path", "/", None)),
    ),
    "k8s_patch_command": (k8s_image, patched({"spec": {}}, moved(f"{CONTAINER}/command", ["geo"], ["profile"]))),
    "k8s_patch_shell": (k8s_image, patched({"spec": {}}, moved(f"{CONTAINER}/command", ["geo"], ["sh", "-c"]))),
    "k8s_patch_image_too": (
        k8s_image,
        patched({"spec": {}}, moved("/spec/minReadySeconds", 0, 5), moved(f"{CONTAINER}/image", "a", "b")),
    ),
    "k8s_resources": (
        k8s_image,
        (
            step_with(operation="deployments.set_resources", params={"limits": {"cpu": "1"}}),
            shows(moved(f"{CONTAINER}/resources/limits/cpu", "500m", "1")),
        ),
    ),
    "k8s_resources_beyond_factor": (
        k8s_image,
        (
            step_with(operation="deployments.set_resources", params={"limits": {"cpu": "1"}}),
            shows(moved(f"{CONTAINER}/resources/limits/cpu", "400m", "1")),
        ),
    ),
    "k8s_service_port_tested": (
        k8s_image,
        (
            step_with(
                operation="services.patch",
                params={
                    "patch": [
                        {"op": "test", "path": "/spec/ports/0/targetPort", "value": 9999},
                        {"op": "replace", "path": "/spec/ports/0/targetPort", "value": 9090},
                    ]
                },
            ),
            target_with(id="k8s:prod-eu/prod/services/web", kind="Service"),
            lambda d, _: d["incident"]["reads"][0].update(targets=["k8s:prod-eu/prod/services/web"]),
            shows(moved("/spec/ports[port=80,protocol=TCP]/targetPort", 9999, 9090)),
        ),
    ),
    "k8s_autoscaler_bounds": (
        k8s_image,
        (
            step_with(operation="horizontalpodautoscalers.patch", params={"patch": {"spec": {"maxReplicas": 8}}}),
            shows(moved("/spec/maxReplicas", 4, 8)),
        ),
    ),
    "k8s_custom_resource": (k8s_image, (step_with(operation="tidbclusters.patch", params={"patch": {"spec": {}}}),)),
    "k8s_finalizer_removed": (
        k8s_image,
        (
            step_with(operation="crontabs.patch", effect=["destructive", "write"], undo={"class": "none"}),
            step_with(params={"patch": {"metadata": {"finalizers": None}}}),
            shows(moved("/metadata/finalizers", ["a"], None)),
        ),
    ),
    "k8s_label_added": (
        k8s_node,
        (
            step_with(operation="nodes.label", params={"labels": {"pool": "a"}}),
            shows(moved("/metadata/labels/pool", None, "a")),
        ),
    ),
    "k8s_label_changed": (
        k8s_node,
        (
            step_with(operation="nodes.label", params={"labels": {"pool": "a"}}),
            shows(moved("/metadata/labels/pool", "b", "a")),
        ),
    ),
    "k8s_annotation": (k8s_node, (step_with(operation="nodes.annotate", params={"annotations": {"note": "x"}}),)),
    "k8s_annotation_that_steers": (
        k8s_node,
        (step_with(operation="nodes.annotate", params={"annotations": {"cluster-autoscaler.kubernetes.io/x": "y"}}),),
    ),
    "k8s_cordon": (k8s_node, ()),
    "k8s_drain": (
        k8s_node,
        (
            step_with(operation="nodes.drain", effect=["destructive", "write"], undo={"class": "none"}),
            step_with(preflight={"status": "ok", "targets": 30}),
        ),
    ),
    "k8s_drain_by_force": (
        k8s_node,
        (
            step_with(operation="nodes.drain", effect=["destructive", "write"], undo={"class": "none"}),
            params_with(force=True),
        ),
    ),
    "k8s_drain_without_budget": (
        k8s_node,
        (
            step_with(operation="nodes.drain", effect=["destructive", "write"], undo={"class": "none"}),
            value_with(pdbs=[{"name": "web", "allowed": 0}]),
        ),
    ),
    "k8s_taint_that_evicts": (
        k8s_node,
        (step_with(operation="nodes.taint", params={"add": [{"key": "a", "effect": "NoExecute"}]}),),
    ),
    "k8s_delete_pod": (
        k8s_image,
        (
            step_with(operation="pods.delete", params={}, undo={"class": "neutral"}),
            value_with(owners=[{"kind": "ReplicaSet", "name": "web-1"}]),
        ),
    ),
    "k8s_delete_serving_deployment": (
        k8s_image,
        (step_with(operation="deployments.delete", effect=["destructive", "write"], params={}),),
    ),
    "k8s_apply_by_force": (
        k8s_image,
        (step_with(operation="deployments.apply", params={"object": {}, "force_conflicts": True}),),
    ),
    "k8s_bind_role": (
        k8s_image,
        (
            step_with(operation="rolebindings.create", effect=["privilege", "write"], undo={"class": "compensating"}),
            step_with(params={"object": {"roleRef": {"name": "reader"}, "subjects": [{"name": "web"}]}}),
        ),
    ),
    "k8s_bind_administrator": (
        k8s_image,
        (
            step_with(operation="rolebindings.create", effect=["privilege", "write"], undo={"class": "compensating"}),
            step_with(params={"object": {"roleRef": {"name": "cluster-admin"}, "subjects": [{"name": "web"}]}}),
        ),
    ),
}
