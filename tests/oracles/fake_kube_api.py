"""A loopback API server that serves discovery and one object of each kind, and records what kubectl sends."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from gateway.parsing.tables_kubectl import Kind, KubectlTable

PATH = re.compile(
    r"/(?:api/(?P<core>v1)|apis/(?P<group>[^/]+)/(?P<version>[^/]+))(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]+))?"
    r"/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?"
)


class FakeKubeApi:
    """Start with `with FakeKubeApi(table) as api`; `api.requests` holds (method, path, query, content type, body)."""

    def __init__(self, table: KubectlTable) -> None:
        self.requests: list[dict[str, Any]] = []
        handler = type("Handler", (_Handler,), {"table": table, "requests": self.requests})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    table: ClassVar[KubectlTable]
    requests: ClassVar[list[dict[str, Any]]]
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        parts = urlsplit(self.path)
        found = self._discovery(parts.path)
        if found is None:
            row = {
                "method": self.command, "path": parts.path, "query": dict(parse_qsl(parts.query)),
                "type": self.headers.get("Content-Type", ""), "body": json.loads(body) if body else None,
            }  # fmt: skip
            self.requests.append(row)
            found = self._object(parts.path, json.loads(body) if body else None)
        data = json.dumps(found or {"kind": "Status", "code": 404, "reason": "NotFound", "status": "Failure"}).encode()
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815  # the names that http.server calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _discovery(self, path: str) -> dict[str, Any] | None:
        versions = sorted({(k.group, k.version) for k in self.table.kinds if k.group})
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            groups = [
                {"name": g, "versions": [v(g, version)], "preferredVersion": v(g, version)} for g, version in versions
            ]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        if path == "/api/v1" or path in {f"/apis/{g}/{version}" for g, version in versions}:
            group, version = ("", "v1") if path == "/api/v1" else tuple(path.split("/")[2:4])
            kinds = [k for k in self.table.kinds if (k.group, k.version) == (group, version)]
            rows = [row for kind in kinds for row in resources(kind)]
            return {"kind": "APIResourceList", "groupVersion": f"{group}/{version}".strip("/"), "resources": rows}
        if path.startswith(("/openapi", "/version")):
            return {"major": "1", "minor": "35", "gitVersion": "v1.35.4"} if path == "/version" else None
        return None

    def _object(self, path: str, body: Any) -> dict[str, Any] | None:
        match = PATH.fullmatch(path)
        if match is None:
            return None
        group = match["group"] or ""
        kind = next(k for k in self.table.kinds if (k.plural, k.group) == (match["resource"], group))
        if match["subresource"] == "scale":
            metadata = {"name": match["name"], "namespace": match["namespace"], "resourceVersion": "1"}
            return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": {"replicas": 2}}
        if match["name"] is None and self.command == "GET":
            made = example(kind, "one", match["namespace"])
            return {"kind": f"{kind.kind}List", "apiVersion": api_version(kind), "metadata": {}, "items": [made]}
        return example(kind, match["name"] or str((body or {}).get("metadata", {}).get("name")), match["namespace"])


def v(group: str, version: str) -> dict[str, str]:
    """Return one entry of a group's versions."""
    return {"groupVersion": f"{group}/{version}", "version": version}


def resources(kind: Kind) -> list[dict[str, Any]]:
    """Return the discovery rows of a kind and its subresources."""
    row = {
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
        "shortNames": list(kind.short_names), "verbs": sorted(kind.verbs), "categories": list(kind.categories),
    }  # fmt: skip
    below = [
        {"name": f"{kind.plural}/{name}", "singularName": "", "namespaced": kind.namespaced, "verbs": ["get", "patch"],
         "kind": "Scale" if name == "scale" else kind.kind}
        | ({"group": "autoscaling", "version": "v1"} if name == "scale" else {})
        for name in sorted(kind.subresources)
    ]  # fmt: skip
    return [row, *below]


def api_version(kind: Kind) -> str:
    """Return `apps/v1`, or `v1`."""
    return f"{kind.group}/{kind.version}" if kind.group else kind.version


def example(kind: Kind, name: str, namespace: str | None) -> dict[str, Any]:
    """Return an object with a pod template that has one container, `app`."""
    metadata: dict[str, Any] = {
        "name": name,
        "uid": "u-1",
        "resourceVersion": "1",
        "labels": {"app": "web", "old": "1"},
    }
    if namespace:
        metadata["namespace"] = namespace
    pod = {"containers": [{"name": "app", "image": "old:1"}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": pod}
    spec: dict[str, Any] = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    if kind.plural == "nodes":
        spec = {"taints": [{"key": "fault", "value": "yes", "effect": "NoSchedule"}]}
    if kind.plural == "pods":
        spec = pod
    return {"kind": kind.kind, "apiVersion": api_version(kind), "metadata": metadata, "spec": spec, "status": {}}
