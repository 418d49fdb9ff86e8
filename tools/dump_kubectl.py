"""Dump kubectl's commands, flags and kinds into gateway/parsing/tables/kubectl.

    python tools/dump_kubectl.py --kubectl ~/.cache/countermand-tools/kubectl-1.35.4/kubectl \
        --discovery "$(go mod download -json k8s.io/kubernetes@v1.35.4 | jq -r .Dir)/api/discovery" \
        gateway/parsing/tables/kubectl

kubectl is built from the module k8s.io/kubectl (a main.go of eight lines around cmd.NewDefaultKubectlCommand).
Help is regular: a flag is `    -f, --filename=[]:`, and its default tells its type. Hidden flags are absent from help,
so they are unknown, so they are refused.
"""

import argparse
import gzip
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FLAG = re.compile(r"^    (?:-(?P<short>\w), |    )?--(?P<name>[a-z0-9-]+)=(?P<default>.*):$", re.MULTILINE)
SUBCOMMAND = re.compile(r"^  ([a-z][a-z-]*) {2,}\S", re.MULTILINE)
# Measured by provoking "flag needs an argument": these accept no value at all.
OPTIONAL_VALUE = frozenset({"dry-run", "cascade", "validate"})
NEVER = frozenset({"kubectl options"})
# Not served, or not for people: reviews are POST-only, bindings belong to the scheduler.
SKIPPED_GROUPS = frozenset({"internal.apiserver.k8s.io", "storagemigration.k8s.io"})


VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def custom(
    group: str, version: str, kinds: str, *, namespaced: bool = True, qualified: bool = False, named: bool = False
) -> list[dict[str, Any]]:
    """Return custom kinds from `Kind:plural:short,short` words; the executor asks the cluster for them first.

    A qualified kind is known with its group only: its bare name usually means another kind. Of a named kind only the
    name is known here: its fields may hold anything, as with a kind that a cluster tells about.
    """
    rows = []
    for word in kinds.split():
        kind, plural, short = (*word.split(":"), "", "")[:3]
        rows.append({
            "kind": kind, "plural": plural or f"{kind.lower()}s", "group": group, "version": version,
            "singular": kind.lower(),
            "short": [s for s in short.split(",") if s], "namespaced": namespaced, "verbs": VERBS, "categories": [],
            "sub": [], "custom": True,
        } | ({"qualified": True} if qualified else {}) | ({"named": True} if named else {}))  # fmt: skip
    return rows


# Custom kinds that operators meet most, by the group and version their projects serve today.
CUSTOM = [
    *custom("gateway.networking.k8s.io", "v1", "Gateway::gtw HTTPRoute GRPCRoute"),
    *custom("gateway.networking.k8s.io", "v1", "GatewayClass:gatewayclasses:gc", namespaced=False),
    *custom("gateway.networking.k8s.io", "v1beta1", "ReferenceGrant::refgrant"),
    *custom("gateway.networking.k8s.io", "v1alpha2", "TLSRoute TCPRoute UDPRoute"),
    *custom("networking.istio.io", "v1", "VirtualService::vs DestinationRule::dr ServiceEntry:serviceentries:se "
            "Sidecar WorkloadEntry:workloadentries:we WorkloadGroup::wg"),
    *custom("networking.istio.io", "v1", "Gateway", qualified=True),
    *custom("networking.istio.io", "v1alpha3", "EnvoyFilter"),
    *custom("telemetry.istio.io", "v1", "Telemetry:telemetries"),
    *custom("security.istio.io", "v1", "AuthorizationPolicy:authorizationpolicies:ap PeerAuthentication::pa "
            "RequestAuthentication::ra"),
    *custom("argoproj.io", "v1alpha1", "Application::app,apps Rollout::ro Workflow::wf CronWorkflow::cwf AppProject "
            "ApplicationSet::appset,appsets AnalysisRun::ar AnalysisTemplate::at Experiment::exp "
            "WorkflowTemplate::wftmpl"),
    *custom("cert-manager.io", "v1", "Certificate::cert,certs CertificateRequest::cr,crs Issuer"),
    *custom("cert-manager.io", "v1", "ClusterIssuer", namespaced=False),
    *custom("acme.cert-manager.io", "v1", "Order Challenge"),
    *custom("monitoring.coreos.com", "v1", "ServiceMonitor::smon PodMonitor::pmon PrometheusRule::promrule "
            "Prometheus:prometheuses:prom Alertmanager::am Probe::prb ThanosRuler"),
    *custom("kustomize.toolkit.fluxcd.io", "v1", "Kustomization::ks"),
    *custom("helm.toolkit.fluxcd.io", "v2", "HelmRelease::hr"),
    *custom("source.toolkit.fluxcd.io", "v1", "GitRepository:gitrepositories:gitrepo HelmChart::hc "
            "HelmRepository:helmrepositories:helmrepo OCIRepository:ocirepositories:ocirepo"),
    *custom("keda.sh", "v1alpha1", "ScaledObject::so ScaledJob::sj TriggerAuthentication::ta,triggerauth"),
    *custom("external-secrets.io", "v1", "ExternalSecret::es SecretStore::ss"),
    *custom("external-secrets.io", "v1", "ClusterSecretStore::css ClusterExternalSecret::ces", namespaced=False),
    *custom("karpenter.sh", "v1", "NodePool NodeClaim", namespaced=False),
    *custom("karpenter.k8s.aws", "v1", "EC2NodeClass:ec2nodeclasses:ec2nc,ec2ncs", namespaced=False),
    *custom("metrics.k8s.io", "v1beta1", "PodMetrics:pods", qualified=True),
    *custom("metrics.k8s.io", "v1beta1", "NodeMetrics:nodes", namespaced=False, qualified=True),
    *custom("chaos-mesh.org", "v1alpha1", "NetworkChaos:networkchaos PodChaos:podchaos StressChaos:stresschaos "
            "IOChaos:iochaos DNSChaos:dnschaos HTTPChaos:httpchaos TimeChaos:timechaos JVMChaos:jvmchaos Schedule"),
    *custom("pingcap.com", "v1alpha1", "TidbCluster::tc"),
    *custom("traefik.io", "v1alpha1", "IngressRoute Middleware TraefikService IngressRouteTCP:ingressroutetcps"),
    *custom("projectcontour.io", "v1", "HTTPProxy:httpproxies:proxy,proxies"),
    *custom("velero.io", "v1", "Backup Restore BackupStorageLocation::bsl VolumeSnapshotLocation::vsl PodVolumeBackup"),
    *custom("velero.io", "v1", "Schedule", qualified=True),
    *custom("snapshot.storage.k8s.io", "v1", "VolumeSnapshot::vs"),
    *custom("snapshot.storage.k8s.io", "v1", "VolumeSnapshotContent::vsc,vscs "
            "VolumeSnapshotClass:volumesnapshotclasses:vsclass,vsclasses", namespaced=False),
    *custom("autoscaling.k8s.io", "v1", "VerticalPodAutoscaler::vpa VerticalPodAutoscalerCheckpoint::vpacheckpoint"),
    *custom("kyverno.io", "v1", "ClusterPolicy:clusterpolicies:cpol", namespaced=False),
    *custom("wgpolicyk8s.io", "v1alpha2", "PolicyReport::polr"),
    *custom("wgpolicyk8s.io", "v1alpha2", "ClusterPolicyReport::cpolr", namespaced=False),
    *custom("templates.gatekeeper.sh", "v1", "ConstraintTemplate", namespaced=False),
    *custom("postgresql.cnpg.io", "v1", "Cluster ScheduledBackup Pooler"),
    *custom("postgresql.cnpg.io", "v1", "Backup", qualified=True),
    *custom("acid.zalan.do", "v1", "postgresql:postgresqls:pg"),
    *custom("cluster.x-k8s.io", "v1beta1", "Machine::ma MachineDeployment::md MachineSet::ms"),
    *custom("cluster.x-k8s.io", "v1beta1", "Cluster", qualified=True),
    *custom("elasticsearch.k8s.elastic.co", "v1", "Elasticsearch:elasticsearches"),
    *custom("kibana.k8s.elastic.co", "v1", "Kibana:kibanas:kb"),
    *custom("kafka.strimzi.io", "v1beta2", "Kafka:kafkas:k KafkaTopic::kt KafkaUser::ku KafkaConnect::kc "
            "KafkaConnector::kctr"),
    *custom("rabbitmq.com", "v1beta1", "RabbitmqCluster::rmq"),
    *custom("secrets-store.csi.x-k8s.io", "v1", "SecretProviderClass:secretproviderclasses "
            "SecretProviderClassPodStatus:secretproviderclasspodstatuses"),
    *custom("cilium.io", "v2", "CiliumNetworkPolicy:ciliumnetworkpolicies:cnp,ciliumnp CiliumEndpoint::cep,ciliumep"),
    *custom("cilium.io", "v2", "CiliumClusterwideNetworkPolicy:ciliumclusterwidenetworkpolicies:ccnp "
            "CiliumNode::cn,ciliumn", namespaced=False),
    *custom("elbv2.k8s.aws", "v1beta1", "TargetGroupBinding"),
    *custom("elbv2.k8s.aws", "v1beta1", "IngressClassParams:ingressclassparams", namespaced=False),
    *custom("vpcresources.k8s.aws", "v1beta1", "SecurityGroupPolicy:securitygrouppolicies:sgp"),
    *custom("externaldns.k8s.io", "v1alpha1", "DNSEndpoint"),
    *custom("opentelemetry.io", "v1beta1", "OpenTelemetryCollector::otelcol,otelcols"),
    *custom("tekton.dev", "v1", "Pipeline PipelineRun::pr,prs Task TaskRun::tr,trs"),
    *custom("serving.knative.dev", "v1", "Service::kservice,ksvc Revision::rev"),
    *custom("flagger.app", "v1beta1", "Canary:canaries"),
    *custom("ceph.rook.io", "v1", "CephCluster CephBlockPool CephFilesystem"),
    *custom("k8s.cni.cncf.io", "v1", "NetworkAttachmentDefinition::net-attach-def"),
    *custom("route.openshift.io", "v1", "Route"),
    *custom("config.openshift.io", "v1", "ClusterOperator::co ClusterVersion", namespaced=False),
]  # fmt: skip

# Kinds of operators, of which an incident wants the table: name, state, age.
NAMED = [
    row for group, version, kinds, namespaced in (
        ("bitnami.com", "v1alpha1", "SealedSecret", True),
        ("crd.projectcalico.org", "v1", ("IPPool BGPConfiguration FelixConfiguration GlobalNetworkPolicy:"
         "globalnetworkpolicies ClusterInformation"), False),
        ("argoproj.io", "v1alpha1", ("EventSource::es-argo Sensor EventBus:eventbus ClusterWorkflowTemplate::cwft "
         "ClusterAnalysisTemplate"), True),
        ("notification.toolkit.fluxcd.io", "v1beta3", "Alert Provider Receiver", True),
        ("image.toolkit.fluxcd.io", "v1beta2", ("ImageRepository:imagerepositories ImagePolicy:imagepolicies "
         "ImageUpdateAutomation"), True),
        ("monitoring.coreos.com", "v1alpha1", "AlertmanagerConfig::amcfg ScrapeConfig::scfg", True),
        ("keda.sh", "v1alpha1", "ClusterTriggerAuthentication::cta,clustertriggerauth", False),
        ("kafka.strimzi.io", "v1beta2", ("KafkaNodePool::knp KafkaMirrorMaker2::kmm2 KafkaBridge::kb-bridge "
         "KafkaRebalance::kr"), True),
        ("pxc.percona.com", "v1", "PerconaXtraDBCluster::pxc,pxcs", True),
        ("psmdb.percona.com", "v1", "PerconaServerMongoDB::psmdb", True),
        ("postgres-operator.crunchydata.com", "v1beta1", "PostgresCluster", True),
        ("mongodbcommunity.mongodb.com", "v1", "MongoDBCommunity:mongodbcommunity:mdbc", True),
        ("databases.spotahome.com", "v1", "RedisFailover::rf", True),
        ("clickhouse.altinity.com", "v1", "ClickHouseInstallation::chi", True),
        ("flink.apache.org", "v1beta1", "FlinkDeployment::flinkdep", True),
        ("sparkoperator.k8s.io", "v1beta2", "SparkApplication::sparkapp", True),
        ("ray.io", "v1", "RayCluster RayJob RayService", True),
        ("kueue.x-k8s.io", "v1beta1", "Workload::wl LocalQueue:localqueues:queue,lq", True),
        ("kueue.x-k8s.io", "v1beta1", "ClusterQueue::cq", False),
        ("longhorn.io", "v1beta2", "Replica::lhr Engine::lhe InstanceManager::lhim", True),
        ("metallb.io", "v1beta1", "IPAddressPool L2Advertisement BGPAdvertisement", True),
        ("crd.k8s.amazonaws.com", "v1alpha1", "ENIConfig", False),
        ("vpcresources.k8s.aws", "v1alpha1", "CNINode::cnd", False),
        ("apiextensions.crossplane.io", "v1", "Composition::comp CompositeResourceDefinition::xrd,xrds", False),
        ("linkerd.io", "v1alpha2", "ServiceProfile::sp", True),
        ("kubevirt.io", "v1", "VirtualMachine::vm,vms VirtualMachineInstance::vmi,vmis", True),
        ("cdi.kubevirt.io", "v1beta1", "DataVolume::dv,dvs", True),
        ("networking.gke.io", "v1", "ManagedCertificate::mcrt,managedcert FrontendConfig", True),
        ("cloud.google.com", "v1", "BackendConfig::bc", True),
        ("monitoring.googleapis.com", "v1", "PodMonitoring", True),
        ("apps.kruise.io", "v1alpha1", "CloneSet::clone SidecarSet AdvancedCronJob::acj", True),
        ("operators.coreos.com", "v1alpha1", ("Subscription::sub,subs ClusterServiceVersion::csv,csvs InstallPlan::ip "
         "CatalogSource::catsrc"), True),
        ("operators.coreos.com", "v1", "OperatorGroup::og", True),
        ("machineconfiguration.openshift.io", "v1", "MachineConfig::mc MachineConfigPool::mcp", False),
        ("apps.openshift.io", "v1", "DeploymentConfig", True),
        ("jaegertracing.io", "v1", "Jaeger", True),
        ("datadoghq.com", "v1alpha1", "DatadogMonitor DatadogMetric DatadogSLO", True),
        ("datadoghq.com", "v2alpha1", "DatadogAgent::dd", True),
        ("grafana.integreatly.org", "v1beta1", "Grafana GrafanaDashboard GrafanaDatasource", True),
        ("operator.victoriametrics.com", "v1beta1", ("VMCluster VMAgent VMAlert VMRule VMSingle VMServiceScrape "
         "VMPodScrape"), True),
        ("vault.banzaicloud.com", "v1alpha1", "Vault", True),
        ("secrets.hashicorp.com", "v1beta1", "VaultStaticSecret VaultDynamicSecret VaultAuth VaultConnection", True),
        ("consul.hashicorp.com", "v1alpha1", ("ServiceDefaults:servicedefaults "
         "ServiceIntentions:serviceintentions"), True),
        ("gateway.envoyproxy.io", "v1alpha1", ("EnvoyProxy:envoyproxies BackendTrafficPolicy:backendtrafficpolicies "
         "ClientTrafficPolicy:clienttrafficpolicies"), True),
        ("policy.networking.k8s.io", "v1alpha1", "AdminNetworkPolicy:adminnetworkpolicies:anp", False),
        ("cluster.x-k8s.io", "v1beta1", "MachineHealthCheck::mhc MachinePool::mp", True),
        ("infrastructure.cluster.x-k8s.io", "v1beta2", "AWSMachine AWSCluster AWSMachineTemplate::awsmt", True),
        ("k8ssandra.io", "v1alpha1", "K8ssandraCluster", True),
        ("cassandra.datastax.com", "v1beta1", "CassandraDatacenter::cassdc", True),
        ("temporal.io", "v1beta1", "TemporalCluster TemporalNamespace", True),
        ("nats.io", "v1alpha2", "NatsCluster::nats", True),
        ("kyverno.io", "v1", "Policy:policies:pol", True),
        ("reports.kyverno.io", "v1", "EphemeralReport::ephr", True),
        ("aquasecurity.github.io", "v1alpha1", "VulnerabilityReport::vuln,vulns ConfigAuditReport::configaudit", True),
        ("config.gatekeeper.sh", "v1alpha1", "Config", True),
        ("cilium.io", "v2", "CiliumIdentity:ciliumidentities:ciliumid", False),
        ("ceph.rook.io", "v1", "CephObjectStore CephClient", True),
        ("tekton.dev", "v1beta1", "CustomRun", True),
    )
    for row in custom(group, version, kinds, namespaced=namespaced, named=True)
]  # fmt: skip


class Kubectl:
    """The binary, run with an empty home and no cluster."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._home = tempfile.mkdtemp()

    def run(self, *words: str) -> str:
        """Return stdout of one call."""
        env = {"HOME": self._home, "KUBECONFIG": "/dev/null", "PATH": "/nonexistent"}
        done = subprocess.run([self._path, *words], env=env, capture_output=True, text=True, check=True)
        return done.stdout


def main() -> None:
    """Write commands.json.gz, kinds.json.gz and pins.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kubectl", required=True)
    parser.add_argument("--discovery", required=True, type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    kubectl = Kubectl(options.kubectl)
    version = json.loads(kubectl.run("version", "--client", "-o", "json"))["clientVersion"]["gitVersion"].removeprefix(
        "v"
    )
    commands, aliases = dump_commands(kubectl)
    table = {"version": version, "globals": flags_of(kubectl.run("options")), "commands": commands, "aliases": aliases}
    kinds = [
        *dump_core(options.discovery / "api__v1.json"),
        *dump_kinds(options.discovery / "aggregated_v2.json"),
        *CUSTOM,
        *NAMED,
    ]
    options.target.mkdir(parents=True, exist_ok=True)
    write(options.target / "commands.json.gz", table)
    write(options.target / "kinds.json.gz", {"version": version, "kinds": kinds})
    pins = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(options.target.glob("*.json.gz"))}
    (options.target / "pins.json").write_text(json.dumps(pins, indent=0, sort_keys=True) + "\n")
    count = sum(len(flags) for flags in commands.values())
    print(f"kubectl {version}: {len(commands)} commands, {count} flags, {len(kinds)} kinds", file=sys.stderr)


def write(path: Path, value: Any) -> None:
    """Write compact JSON, compressed, with the same bytes for the same value."""
    data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(data, compresslevel=9, mtime=0))


def dump_commands(kubectl: Kubectl) -> tuple[dict[str, Any], dict[str, str]]:
    """Walk the tree of help pages; return flags by command path, and aliases by path."""
    commands: dict[str, Any] = {}
    aliases: dict[str, str] = {}
    queue: list[tuple[tuple[str, ...], str]] = [((), kubectl.run("--help"))]
    while queue:
        path, page = queue.pop()
        name = " ".join(path)
        if path:
            commands[name] = flags_of(page)
            aliases |= {" ".join((*path[:-1], alias)): name for alias in aliases_of(page, path[-1])}
        for word in subcommands_of(page):
            below = kubectl.run(*path, word, "--help")
            usage = f"kubectl {' '.join((*path, word))}"
            if usage in below and " ".join(("kubectl", *path, word)) not in NEVER:
                queue.append(((*path, word), below))
    return dict(sorted(commands.items())), dict(sorted(aliases.items()))


def subcommands_of(page: str) -> list[str]:
    """Return the words listed under headings that end in "Commands:"."""
    found: list[str] = []
    for block in page.split("\n\n"):
        heading, _, body = block.partition("\n")
        if heading.rstrip().endswith(("Commands:", "Commands (Beginner):", "Commands (Intermediate):")):
            found += SUBCOMMAND.findall(body)
    return found


def aliases_of(page: str, word: str) -> list[str]:
    """Return the other names of a command."""
    match = re.search(r"^Aliases:\n([^\n]+)$", page, re.MULTILINE)
    return [a.strip() for a in match[1].split(",") if a.strip() != word] if match else []


def flags_of(page: str) -> dict[str, Any]:
    """Return flag → [type, shorthand, optional value]."""
    options = page.split("\nOptions:\n", 1)[-1] if "\nOptions:\n" in page else page
    return {
        m["name"]: [type_of(m["default"]), m["short"] or "", int(m["name"] in OPTIONAL_VALUE)]
        for m in FLAG.finditer(options)
    }


def type_of(default: str) -> str:
    """Return the type that a default value shows."""
    if default in {"true", "false"}:
        return "bool"
    if default.startswith("["):
        return "list"
    if re.fullmatch(r"-?\d+", default):
        return "int"
    return "duration" if re.fullmatch(r"(\d+h)?(\d+m)?\d+m?s", default) else "string"


def dump_core(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the core group, which has a discovery document of its own kind."""
    resources = json.loads(path.read_text())["resources"]
    for resource in resources:
        plural = resource["name"]
        if "/" in plural:
            continue
        yield {
            "kind": resource["kind"], "plural": plural, "group": "", "version": "v1",
            "singular": resource["singularName"], "short": resource.get("shortNames", []),
            "namespaced": resource["namespaced"], "verbs": resource["verbs"],
            "categories": resource.get("categories", []),
            "sub": [r["name"].split("/", 1)[1] for r in resources if r["name"].startswith(f"{plural}/")],
        }  # fmt: skip


def dump_kinds(path: Path) -> Iterator[dict[str, Any]]:
    """Yield each resource of the named groups once, in the version that the server prefers."""
    for group in json.loads(path.read_text())["items"]:
        name = group["metadata"]["name"]
        if name in SKIPPED_GROUPS:
            continue
        seen: set[str] = set()
        for version in group["versions"]:
            for resource in version["resources"]:
                if resource["resource"] not in seen:
                    seen.add(resource["resource"])
                    yield kind_row(name, version["version"], resource)


def kind_row(group: str, version: str, resource: dict[str, Any]) -> dict[str, Any]:
    """Return one kind."""
    return {
        "kind": resource["responseKind"]["kind"], "plural": resource["resource"], "group": group, "version": version,
        "singular": resource["singularResource"], "short": resource.get("shortNames", []),
        "namespaced": resource["scope"] == "Namespaced", "verbs": resource["verbs"],
        "categories": resource.get("categories", []),
        "sub": [s["subresource"] for s in resource.get("subresources", [])],
    }  # fmt: skip


if __name__ == "__main__":
    main()
