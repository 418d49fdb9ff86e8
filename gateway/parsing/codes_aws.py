"""Refusal codes of AWS commands."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.parsing.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "AWS_INCOMPLETE": Code(
            "the command names no service and operation",
            "name both, e.g. aws rds describe-db-instances",
        ),
        "AWS_HELP": Code(
            "help pages and local commands of the aws client are not run",
            "name an API operation, e.g. aws iam list-users",
        ),
        "AWS_SERVICE_UNKNOWN": Code(
            "{service} is not an AWS service that is known here",
            "use an enabled service, e.g. {known}",
        ),
        "AWS_SERVICE_NOT_ENABLED": Code(
            "the AWS service {service} is shipped but not enabled",
            "add {service} to the setting aws_services, or use an enabled one: {known}",
        ),
        "AWS_OPERATION_UNKNOWN": Code(
            "{service} has no operation {operation}",
            "write the operation in full, e.g. {known}",
        ),
        "AWS_CUSTOM_COMMAND": Code(
            "aws {service} {operation} is a command of the client, not of the API: it hides files, code or many calls",
            "name the API operation itself, e.g. {known}",
        ),
        "AWS_SESSION": Code(
            "{operation} opens a session, in which anything could be done unseen",
            "propose the single operation that is needed, e.g. ssm get-command-invocation or ecs update-service",
        ),
        "AWS_TARGET_OVERRIDE": Code(
            "{flag} would change the endpoint, the identity, TLS or the client; the gateway fixes them",
            "leave {flag} out; only --region, --output, --query, --no-paginate, --no-cli-pager, --max-items, "
            "--page-size and --starting-token are accepted",
        ),
        "AWS_PARAM_FILE": Code(
            "{flag} would read a local file or a URL, or hide the request",
            "write the value itself after its own argument, as text or as JSON",
        ),
        "AWS_LOCAL_FILE": Code(
            "aws {service} {operation} reads or writes a local file",
            "propose the typed step {full_name}, whose answer is returned, not written",
        ),
        "AWS_ARGUMENT_UNKNOWN": Code(
            "{operation} has no argument {flag}; arguments are never abbreviated",
            "write an argument in full, one of: {known}",
        ),
        "AWS_ARGUMENT_UNSUPPORTED": Code(
            "{flag} of {operation} is an invention of the aws client and has no meaning in the API",
            "use the arguments of the API: {known}",
        ),
        "AWS_DUPLICATE": Code(
            "{flag} repeats or contradicts another argument",
            "write the argument once",
        ),
        "AWS_VALUE_MISSING": Code(
            "{flag} needs a value",
            "write the value after it: {flag} VALUE",
        ),
        "AWS_VALUE_EXTRA": Code(
            "{flag} takes no further word",
            "write exactly one value after an argument, and quote a value with spaces",
        ),
        "AWS_POSITIONAL": Code(
            "this word belongs to no argument",
            "put the argument's name before it, e.g. --instance-ids i-1",
        ),
        "AWS_VALUE": Code(
            "{member} is not {wanted}",
            "write {member} as {wanted}",
        ),
        "AWS_SHORTHAND": Code(
            "{member} is not shorthand that is accepted here",
            "write {member} as JSON, or as Key=value,Key=value without @ and backslashes",
        ),
        "AWS_JSON": Code(
            "{member} is not valid JSON, or it repeats a key",
            "write {member} as JSON with every key once",
        ),
        "AWS_BLOB": Code(
            "{member} is binary, and clients disagree whether text means bytes or base64",
            "propose the typed step with {member} in base64",
        ),
        "AWS_MEMBER_UNKNOWN": Code(
            "{member} has no member {name}",
            "use one of: {known}",
        ),
        "AWS_MEMBER_MISSING": Code(
            "{name} is required and missing",
            "add {name}",
        ),
        "AWS_REGION": Code(
            "the scope {scope} names no default region and the step none either",
            "add --region, one of: {known}",
        ),
        "AWS_REGION_OUTSIDE": Code(
            "the region is not one of the scope {scope}",
            "use one of: {known}",
        ),
        "AWS_ARN_REGION": Code(
            "{member} names a resource in another region than the step's",
            "use a resource in {region}, or add --region with its region",
        ),
        "AWS_QUEUE_URL": Code(
            "QueueUrl is not the address of a queue in {region}",
            "use https://sqs.{region}.amazonaws.com/ACCOUNT/NAME, as sqs get-queue-url returns it",
        ),
        "AWS_QUERY": Code(
            "--query is too long, too deep, too costly or not JMESPath",
            "use a JMESPath of at most 512 characters with at most 8 nested brackets, or leave --query out",
        ),
        "AWS_OUTPUT": Code(
            "this output format is not known",
            "use --output json, text, table or yaml",
        ),
        "AWS_PAGING": Code(
            "{flag} does not go together with this operation or with --no-paginate",
            "leave {flag} out",
        ),
        "AWS_TYPED": Code(
            "a typed AWS step takes no {member}",
            "leave {member} out; the parameters name the resources",
        ),
    }
)
