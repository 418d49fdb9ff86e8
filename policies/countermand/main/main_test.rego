package countermand.main_test

import data.countermand.lib.example_test as example
import data.countermand.main

test_findings_and_obligations_of_all_domains_are_united if {
	answer := main.decision with input as example.document({})
	"K8S_SCALE" in example.codes(answer.findings)
	"OPERATION_WITH_APPROVAL" in example.codes(answer.findings)
	"VERIFY" in example.codes(answer.obligations)
}

test_another_schema_version_gets_no_findings if {
	answer := main.decision with input as object.union(example.document({}), {"schema": "countermand.input/2"})
	answer == {"schema": "countermand.decision/1", "findings": set(), "obligations": set()}
}

test_an_empty_document_gets_no_findings if {
	answer := main.decision with input as {}
	answer.findings == set()
}
