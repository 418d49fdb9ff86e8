package countermand.lib.fields_test

import data.countermand.lib.fields

test_elements_of_lists_do_not_count if {
	fields.field("/spec/template/spec/containers[name=web]/image") == "/spec/template/spec/containers/image"
	fields.field("/spec/template/spec/containers/0/image") == "/spec/template/spec/containers/image"
	fields.field("/spec/template/spec/tolerations/-") == "/spec/template/spec/tolerations"
}

test_a_field_is_below_itself_and_its_parents if {
	fields.below("/spec/strategy", "/spec/strategy")
	fields.below("/spec/strategy/rollingUpdate/maxSurge", "/spec/strategy")
}

test_a_longer_name_is_not_below if not fields.below("/spec/strategyOf", "/spec/strategy")

test_no_dry_run_shows_no_changes if not fields.changes({"preflight": {"status": "ok"}})
