"""Refusal codes of kubectl commands and typed Kubernetes steps."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.parsing.code import Code

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "K8S_INCOMPLETE": Code("the command names nothing to do", "name a command, e.g. kubectl get pods -n default"),
        "K8S_COMMAND_UNKNOWN": Code(
            "kubectl {command} is not a command that is known here; plugins are never run",
            "use a command of kubectl itself, e.g. {known}",
        ),
        "K8S_SESSION": Code(
            "kubectl {command} opens a session, a tunnel or a file copy, in which anything could be done unseen",
            "use kubectl logs --tail=500, kubectl describe, or one typed change such as kubectl rollout restart",
        ),
        "K8S_EDIT": Code(
            "kubectl {command} opens an editor, so nobody knows what it will change",
            'write the change itself: kubectl patch TYPE NAME --type=merge -p \'{{"spec":{{"replicas":3}}}}\'',
        ),
        "K8S_LOCAL": Code(
            "kubectl {command} works on local files or on the client's own configuration",
            "use a command that asks the cluster, e.g. kubectl get or kubectl api-resources",
        ),
        "K8S_CREDENTIAL": Code(
            "kubectl {command} puts a credential into the proposal or mints one",
            "have a human create it, and refer to it by name, e.g. kubectl get secret NAME -o name",
        ),
        "K8S_JOB_FROM": Code(
            "the job that --from would copy is not known before it is read",
            "read the cron job (kubectl get cronjob NAME -o yaml), then propose kubectl create job NAME --image=IMAGE, "
            "or a typed create step with its object",
        ),
        "K8S_LOCAL_FILE": Code(
            "{flag} reads or writes a local file or an address that the gateway has not seen",
            "name the resource itself (TYPE NAME), or propose a typed step with the object in params.object",
        ),
        "K8S_RAW": Code(
            "a raw address can reach anything, so its meaning is not known",
            "use kubectl get TYPE NAME, or kubectl get --raw /readyz, /livez, /healthz or /version",
        ),
        "K8S_TARGET_OVERRIDE": Code(
            "{flag} would change the cluster, the identity, TLS or the client; the gateway fixes them",
            "leave {flag} out; -n NAMESPACE and --context with the name of a configured scope are accepted",
        ),
        "K8S_FLAG_UNKNOWN": Code(
            "kubectl {command} has no flag {flag}; flags are never abbreviated",
            "write a flag in full, one of: {known}",
        ),
        "K8S_FLAG_UNSUPPORTED": Code(
            "{flag} is not accepted with kubectl {command}",
            "leave {flag} out",
        ),
        "K8S_FLAG_DUPLICATE": Code("{flag} is given twice, and kubectl takes the last", "write {flag} once"),
        "K8S_FLAG_VALUE": Code("{flag} is not {wanted}", "write {flag}={example}"),
        "K8S_FLAG_EQUALS": Code(
            "kubectl does not read the word after {flag} as its value",
            "write {flag}={example}",
        ),
        "K8S_FLAG_CONFLICT": Code("{flag} contradicts {other}", "write {flag} or {other}, not both"),
        "K8S_FLAG_MISSING": Code("kubectl {command} needs {flag}", "add {flag}, e.g. {example}"),
        "K8S_TERMINATOR": Code(
            "words after -- are names, not flags, which is easily misread",
            "leave -- out and write every flag before or after the names",
        ),
        "K8S_WATCH": Code(
            "watching has no end",
            "leave {flag} out, or use kubectl wait --for=condition=Ready TYPE NAME --timeout=60s",
        ),
        "K8S_FOLLOW": Code(
            "following a log has no end unless it is given one of up to {max}s",
            "add --request-timeout=30s, or leave {flag} out and use --tail=500",
        ),
        "K8S_TIMEOUT": Code("{flag} must be between 1s and {max}s", "use {flag}=60s"),
        "K8S_DRY_RUN": Code(
            "only a dry run on the server says what would happen",
            "use --dry-run=server, or leave --dry-run out",
        ),
        "K8S_OUTPUT": Code(
            "this output format is not accepted with kubectl {command}",
            "use -o {known}",
        ),
        "K8S_GO_TEMPLATE": Code(
            "this go-template does more than show fields",
            "use -o json, or a jsonpath such as '{{range .items[*]}}{{.metadata.name}}{{end}}'",
        ),
        "K8S_TEMPLATE": Code(
            "the output expression is too long, too deep or not understood",
            "use -o json, or a jsonpath of at most 512 characters such as '{{.items[*].metadata.name}}'",
        ),
        "K8S_KIND_UNKNOWN": Code(
            "{kind} is not a kind of resource that is known here",
            "use a known kind, e.g. {known}; a custom kind with its group, e.g. rollouts.argoproj.io (the kinds that a"
            " cluster adds are known once an executor of its scope is attached)",
        ),
        "K8S_KIND_DISCOVERED": Code(
            "kubectl {command} is not done to {kind}: only the cluster says what this kind is",
            "use get, describe, wait, label, annotate, patch or delete, or scale where the kind has that subresource",
        ),
        "K8S_KIND_VERB": Code(
            "kubectl {command} does not go together with {kind}",
            "use it with one of: {known}",
        ),
        "K8S_KINDS_MANY": Code(
            "a change names one kind of resource, a read of several kinds the same names for each of them",
            "write one command for each kind and join them with &&",
        ),
        "K8S_TARGET_MISSING": Code(
            "the command names no resource",
            "name it: kubectl {command} TYPE NAME",
        ),
        "K8S_TARGET_MIXED": Code(
            "names, a selector and --all exclude each other",
            "use TYPE NAME, or TYPE -l KEY=VALUE, or TYPE --all",
        ),
        "K8S_NAME": Code("this is not the name of a resource", "use a plain name, e.g. web-0"),
        "K8S_NAMESPACE": Code("this is not the name of a namespace", "use a plain name, e.g. -n default"),
        "K8S_NAMESPACE_UNUSED": Code(
            "{kind} has no namespace, but one is given",
            "leave the namespace out",
        ),
        "K8S_SELECTOR": Code(
            "this is not a selector that is understood",
            "use KEY=VALUE, KEY!=VALUE, KEY, !KEY or KEY in (A,B), joined with commas",
        ),
        "K8S_POSITIONAL": Code("this word has no meaning here", "leave it out"),
        "K8S_ASSIGNMENT": Code("{word} is not {wanted}", "write {example}"),
        "K8S_JSON": Code(
            "{member} is not valid JSON, or it repeats a key", "write {member} as JSON with every key once"
        ),
        "K8S_PARAM_UNKNOWN": Code("{verb} has no parameter {name}", "use one of: {known}"),
        "K8S_PARAM_MISSING": Code("{verb} needs {name}", "add {name}"),
        "K8S_PARAM": Code("{name} is not {wanted}", "write {name} as {wanted}"),
        "K8S_OPERATION_UNKNOWN": Code(
            "{operation} is not an operation that is known here",
            "use <resource>.<verb>, e.g. pods.list or deployments.scale; verbs: {known}",
        ),
        "K8S_REGION": Code("a Kubernetes step has no region", "leave region out"),
    }
)
