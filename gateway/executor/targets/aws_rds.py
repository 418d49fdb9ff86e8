"""`rds.ModifyDBInstance`: class and settings of an instance.

A value that was sent but not yet carried out is in PendingModifiedValues; it counts as the value of its field, for
that is what the instance will become. Pending values of others would be carried out together with ours
(ApplyImmediately applies all of them), so while there are any nothing can be promised about the way back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.core.canonical import Json
from gateway.core.undo import Fields
from gateway.executor.targets.aws_change import Seen
from gateway.executor.targets.aws_request import CLIENT

# Parameter of ModifyDBInstance → member of DBInstance. Absent on purpose, because there is no way back: storage
# (only grows; a cool-down of hours), EngineVersion, passwords, a new name, BackupRetentionPeriod (lowering it
# deletes backups), VPC and certificate changes.
_MEMBERS = {
    "AutoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "CopyTagsToSnapshot": "CopyTagsToSnapshot",
    "DBInstanceClass": "DBInstanceClass",
    "DeletionProtection": "DeletionProtection",
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "MaxAllocatedStorage": "MaxAllocatedStorage",
    "MonitoringInterval": "MonitoringInterval",
    "MultiAZ": "MultiAZ",
    "PreferredBackupWindow": "PreferredBackupWindow",
    "PreferredMaintenanceWindow": "PreferredMaintenanceWindow",
    "PubliclyAccessible": "PubliclyAccessible",
}
_SHOWN = (
    "AllocatedStorage", "AvailabilityZone", "BackupRetentionPeriod", "DBInstanceIdentifier", "DBInstanceStatus",
    "Engine", "EngineVersion", "Iops", "ReadReplicaDBInstanceIdentifiers", "StorageType",
)  # fmt: skip
_NOT_FIELDS = frozenset({"DBInstanceIdentifier", "ApplyImmediately", CLIENT})


@dataclass(frozen=True, slots=True)
class DbInstanceSettings:
    """Class and settings of one DB instance."""

    operation: str = "rds.ModifyDBInstance"
    missing: frozenset[str] = frozenset({"DBInstanceNotFound", "DBInstanceNotFoundFault"})

    def reads(self, params: Mapping[str, Json]) -> tuple[tuple[str, dict[str, Json]], ...]:
        """Describe the instance."""
        return (("rds.DescribeDBInstances", {"DBInstanceIdentifier": params["DBInstanceIdentifier"]}),)

    def seen(self, answers: tuple[Mapping[str, Any], ...]) -> Seen | None:
        """Return the settings as they are or are about to be."""
        instances = answers[0].get("DBInstances", [])
        if not instances:
            return None
        instance = instances[0]
        pending = instance.get("PendingModifiedValues") or {}
        fields = {f"/{name}": pending.get(m, instance.get(m)) for name, m in _MEMBERS.items()}
        settings = {m: instance.get(m) for m in (*_SHOWN, *_MEMBERS.values())}
        value = {"exists": True, "settings": settings, "pending": sorted(pending)}
        return Seen(fields, value, "PENDING_CHANGES" if pending else "")

    def wanted(self, params: Mapping[str, Json]) -> Fields | None:
        """Return the settings that the step names, if every one of them can be set back."""
        fields = {f"/{name}": value for name, value in params.items() if name not in _NOT_FIELDS}
        known = all(path.removeprefix("/") in _MEMBERS for path in fields)
        return fields if fields and known else None

    def inverse(self, params: Mapping[str, Json], old: Fields, now: Fields) -> dict[str, Json] | None:  # noqa: ARG002
        """Send the old values, to be applied at once."""
        if None in old.values():
            return None
        settings = {path.removeprefix("/"): value for path, value in old.items()}
        return settings | {"DBInstanceIdentifier": params["DBInstanceIdentifier"], "ApplyImmediately": True}
