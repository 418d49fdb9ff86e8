package countermand.rules.base_test

import data.countermand.lib.example_test as example
import data.countermand.rules.base

_read(effect, operation) := example.document({"effect": effect, "operation": operation})

test_a_plain_read_is_permitted if {
	base.findings == {{"code": "READ", "permit": "allow", "step": 0, "args": {"operation": "pods.list"}}} with input as _read(["read"], "pods.list")
}

test_a_sensitive_read_needs_a_human if {
	found := base.findings with input as _read(["read_sensitive"], "configmaps.get")
	example.codes(found) == {"READ_SENSITIVE"}
}

test_a_listed_sensitive_read_needs_none if {
	found := base.findings with input as _read(["read_sensitive"], "pods.log")
	"READ_SENSITIVE_LISTED" in example.codes(found)
}

test_a_listed_object_needs_none if {
	object := {
		"effect": ["read_sensitive"],
		"operation": "configmaps.get",
		"target": {
			"id": "k8s:c/kube-system/configmaps/coredns",
			"scope": "c",
			"namespace": "kube-system",
			"kind": "ConfigMap",
			"names": ["coredns"],
			"fanout": "one",
		},
	}
	found := base.findings with input as example.document(object)
	"READ_SENSITIVE_LISTED" in example.codes(found)
}

test_credentials_are_never_read if {
	found := base.findings with input as _read(["read_sensitive"], "secrets.get")
	"READ_OF_CREDENTIALS" in example.codes(found)
}

test_a_read_by_a_stranger_is_not_permitted if {
	stranger := object.union(_read(["read"], "pods.list"), {"agent": {"groups": ["strangers"]}})
	found := base.findings with input as stranger
	example.codes(found) == {"NOT_PERMITTED"}
}
