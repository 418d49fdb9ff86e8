"""The short form of one security group rule: `--protocol tcp --port 22 --cidr 10.0.0.0/8`.

awscli invented these arguments; they mean one element of IpPermissions, and an oracle says that it is the same one.
"""

import re
from collections.abc import Mapping

from gateway.core.canonical import Json
from gateway.parsing.tables_aws import AwsOperation
from gateway.parsing.tools.refuse import refuse
from gateway.parsing.words import Word

SHORT = frozenset({"protocol", "port", "cidr", "source-group", "group-owner"})
_OPERATIONS = frozenset(
    f"ec2.{verb}SecurityGroup{way}" for verb in ("Authorize", "Revoke") for way in ("Ingress", "Egress")
)
_PORT = re.compile(r"(?P<low>0|[1-9][0-9]{0,4})(?:-(?P<high>0|[1-9][0-9]{0,4}))?")
_PROTOCOL = re.compile(r"tcp|udp|icmp|-1|0|[1-9][0-9]{0,2}")


def has_short_form(operation: AwsOperation, flag: str) -> bool:
    """Tell whether an argument is part of the short form of a rule."""
    return flag in SHORT and operation.full_name in _OPERATIONS


def add_rule(params: dict[str, Json], short: Mapping[str, Word]) -> None:
    """Add the rule that the short arguments say to params; raises a refusal beside --ip-permissions."""
    if not short:
        return
    if "IpPermissions" in params:
        raise refuse("AWS_DUPLICATE", next(iter(short.values())).span, flag="--ip-permissions")
    rule: dict[str, Json] = {}
    for name, word in short.items():
        text = word.text
        if name == "protocol":
            text = "-1" if text == "all" else text
            if _PROTOCOL.fullmatch(text) is None or int(text if text.lstrip("-").isdecimal() else 0) > 255:
                raise refuse(
                    "AWS_VALUE", word.span, member="--protocol", wanted="tcp, udp, icmp, all or a number to 255"
                )
            rule["IpProtocol"] = text
        elif name == "port":
            rule["FromPort"], rule["ToPort"] = _ports(word)
        elif name == "cidr":
            rule["IpRanges"] = [{"CidrIp": text}]
        else:
            member = "UserId" if name == "group-owner" else "GroupId" if text.startswith("sg-") else "GroupName"
            rule["UserIdGroupPairs"] = [rule.get("UserIdGroupPairs", [{}])[0] | {member: text}]
    params["IpPermissions"] = [rule]


def _ports(word: Word) -> tuple[int, int]:
    if word.text in {"-1", "all"}:
        return -1, -1
    match = _PORT.fullmatch(word.text)
    if match is None:
        raise refuse("AWS_VALUE", word.span, member="--port", wanted="a port such as 443, or a range such as 8000-8100")
    return int(match["low"]), int(match["high"] or match["low"])
