"""Load the generated parsing tables and check the pin of every file that is read."""

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType

import orjson

from gateway.core.canonical import Json
from gateway.errors import ConfigFault
from gateway.parsing.tables_aws import AwsService, AwsTables
from gateway.parsing.tables_kubectl import Command, Flag, Kind, KubectlTable

# What an incident touches first; every other shipped service is one line of settings away.
DEFAULT_SERVICES = (
    "accessanalyzer", "acm", "amp", "apigateway", "apigatewayv2", "appconfig", "application-autoscaling", "appmesh",
    "apprunner", "appsync", "athena", "autoscaling", "backup", "batch", "budgets", "ce", "cloudformation",
    "cloudfront", "cloudtrail", "cloudwatch", "codebuild", "codedeploy", "codepipeline", "cognito-idp",
    "compute-optimizer", "config", "dax", "directconnect", "dlm", "dms", "docdb", "docdb-elastic", "dynamodb",
    "ec2", "ecr", "ecs", "efs", "eks", "elasticache", "elasticbeanstalk", "elb", "elbv2", "emr", "emr-containers",
    "emr-serverless", "es", "events", "firehose", "fis", "fsx", "globalaccelerator", "glue", "grafana", "guardduty",
    "health", "iam", "inspector2", "kafka", "kafkaconnect", "kinesis", "kinesisanalyticsv2", "kms", "lambda",
    "logs", "macie2", "memorydb", "mq", "mwaa", "neptune", "network-firewall", "oam", "opensearch", "organizations",
    "pi", "pipes", "ram", "rds", "redshift", "redshift-serverless", "resource-explorer-2", "resource-groups",
    "resourcegroupstaggingapi", "route53", "route53resolver", "rum", "s3", "s3control", "savingsplans", "scheduler",
    "secretsmanager", "securityhub", "service-quotas", "servicecatalog", "servicediscovery", "ses", "sesv2",
    "shield", "sns", "sqs", "ssm", "stepfunctions", "storagegateway", "sts", "support", "synthetics",
    "timestream-write", "transfer", "vpc-lattice", "wafv2", "workspaces", "xray",
)  # fmt: skip
_SUFFIX = ".json.gz"


class TableError(ConfigFault):
    """A table is missing, is not the pinned one, or is asked for by an unknown name."""


def load_tables(services: Sequence[str] | None = None) -> tuple[KubectlTable, AwsTables]:
    """Load kubectl's tables and those of the AWS services (by botocore's name or the word that is typed).

    Raises TableError for a file that does not match its pin and for a service that is not shipped.
    """
    return load_kubectl(), load_aws(services)


def load_kubectl() -> KubectlTable:
    """Load kubectl's commands and kinds; raises TableError."""
    folder = _folder("kubectl")
    pins = orjson.loads(folder.joinpath("pins.json").read_bytes())
    commands = _read(folder, "commands.json.gz", pins["commands.json.gz"])
    kinds = _read(folder, "kinds.json.gz", pins["kinds.json.gz"])
    return KubectlTable(
        version=commands["version"],
        commands=MappingProxyType({p: Command(p, _flags(f)) for p, f in commands["commands"].items()}),
        aliases=MappingProxyType(commands["aliases"]),
        globals=_flags(commands["globals"]),
        kinds=tuple(_kind(row) for row in kinds["kinds"]),
    )


def load_aws(services: Sequence[str] | None = None) -> AwsTables:
    """Load the tables of the named AWS services, or of the default ones; raises TableError."""
    folder = _folder("aws")
    pins = orjson.loads(folder.joinpath("pins.json").read_bytes())
    shipped = {pin["cli"]: name.removesuffix(_SUFFIX) for name, pin in pins.items()}
    loaded: dict[str, AwsService] = {}
    for wanted in DEFAULT_SERVICES if services is None else services:
        name = shipped.get(wanted, wanted)
        pin = pins.get(name + _SUFFIX)
        if pin is None:
            raise TableError("TABLE_NOT_SHIPPED", f"no table is shipped for the AWS service {wanted!r}")
        loaded[name] = _service(_read(folder, name + _SUFFIX, pin["sha256"]))
    return AwsTables(MappingProxyType(loaded), MappingProxyType(shipped))


def _folder(name: str) -> Traversable:
    return files("gateway.parsing").joinpath("tables", name)


def _read(folder: Traversable, name: str, pin: str) -> Json:
    try:
        data = folder.joinpath(name).read_bytes()
    except OSError as exc:
        raise TableError("TABLE_UNREADABLE", f"the parsing table {folder.name}/{name} cannot be read: {exc}") from exc
    found = hashlib.sha256(data).hexdigest()
    if found != pin:
        raise TableError(
            "TABLE_PIN_MISMATCH", f"the parsing table {folder.name}/{name} has sha256 {found}, pinned is {pin}"
        )
    return orjson.loads(gzip.decompress(data))


def _service(table: Mapping[str, Json]) -> AwsService:
    return AwsService(
        name=table["service"], cli=table["cli"], version=table["version"],
        operations=table["ops"], shapes=table["shapes"], custom=frozenset(table["custom"]),
    )  # fmt: skip


def _flags(rows: Mapping[str, Json]) -> Mapping[str, Flag]:
    return MappingProxyType({n: Flag(n, kind, short, bool(optional)) for n, (kind, short, optional) in rows.items()})


def _kind(row: Mapping[str, Json]) -> Kind:
    return Kind(
        kind=row["kind"], plural=row["plural"], singular=row["singular"], short_names=tuple(row["short"]),
        group=row["group"], version=row["version"], namespaced=row["namespaced"], verbs=frozenset(row["verbs"]),
        subresources=frozenset(row["sub"]), categories=tuple(row["categories"]), custom=row.get("custom", False),
        discovered=row.get("named", False),
        qualified=row.get("qualified", False),
    )  # fmt: skip
