"""What is known about AWS targets whose change cannot be taken back: whether they exist, and their state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.core.canonical import Json


@dataclass(frozen=True, slots=True)
class Look:
    """How to see whether an object exists."""

    read: str
    ask: Callable[[Json], dict[str, Json]]
    """From the value of the parameter that names the object to the params of `read`."""
    find: Callable[[Mapping[str, Any]], list[dict[str, Json]]]
    """From the answer to what is shown of each object found."""
    missing: frozenset[str]


# (service, parameter that names the object) → how to look.
LOOKS: Mapping[tuple[str, str], Look] = {
    ("rds", "DBInstanceIdentifier"): Look(
        "rds.DescribeDBInstances",
        lambda name: {"DBInstanceIdentifier": name},
        lambda a: [
            {
                "settings": {
                    k: d.get(k)
                    for k in ("DBInstanceClass", "DBInstanceStatus", "DeletionProtection", "Engine", "MultiAZ")
                }
            }
            for d in a.get("DBInstances", [])
        ],
        frozenset({"DBInstanceNotFound", "DBInstanceNotFoundFault"}),
    ),
    ("rds", "DBClusterIdentifier"): Look(
        "rds.DescribeDBClusters",
        lambda name: {"DBClusterIdentifier": name},
        lambda a: [
            {"settings": {k: d.get(k) for k in ("Status", "DeletionProtection", "Engine", "MultiAZ")}}
            for d in a.get("DBClusters", [])
        ],
        frozenset({"DBClusterNotFoundFault"}),
    ),
    ("ec2", "InstanceIds"): Look(
        "ec2.DescribeInstances",
        lambda names: {"InstanceIds": list(names)},
        lambda a: [
            {"state": i.get("State", {}).get("Name"), "type": i.get("InstanceType")}
            for r in a.get("Reservations", [])
            for i in r.get("Instances", [])
        ],
        frozenset({"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"}),
    ),
    ("lambda", "FunctionName"): Look(
        "lambda.GetFunctionConcurrency",
        lambda name: {"FunctionName": name},
        lambda a: [{"reserved_concurrency": a.get("ReservedConcurrentExecutions")}],
        frozenset({"ResourceNotFoundException"}),
    ),
    ("autoscaling", "AutoScalingGroupName"): Look(
        "autoscaling.DescribeAutoScalingGroups",
        lambda name: {"AutoScalingGroupNames": [name]},
        lambda a: [
            {"capacity": {k: g.get(k) for k in ("MinSize", "DesiredCapacity", "MaxSize")}}
            for g in a.get("AutoScalingGroups", [])
        ],
        frozenset(),
    ),
    ("dynamodb", "TableName"): Look(
        "dynamodb.DescribeTable",
        lambda name: {"TableName": name},
        lambda a: [{"state": a.get("Table", {}).get("TableStatus")}],
        frozenset({"ResourceNotFoundException"}),
    ),
}


def look_of(operation: str, params: Mapping[str, Json]) -> tuple[Look, Json] | None:
    """Return how to look at the object of a step and the object's name; None when there is no way in the table."""
    service = operation.partition(".")[0]
    for name, value in params.items():
        look = LOOKS.get((service, name))
        if look is not None:
            return look, value
    return None
