package countermand.lib.fact_test

import data.countermand.lib.fact

_step(statuses) := {"facts": [{"status": status, "value": {"n": 1}} | some status in statuses]}

test_a_sole_known_fact_is_found if fact.sole(_step(["known"])).n == 1

test_a_stale_fact_is_none if not fact.sole(_step(["stale"]))

test_one_of_two_facts_is_not_sole if not fact.sole(_step(["known", "known"]))

test_a_missing_fact_is_none if not fact.sole({})

test_all_facts_known if fact.all_known(_step(["known", "known"]))

test_one_unknown_fact_is_not_all if not fact.all_known(_step(["known", "unknown"]))

test_no_fact_at_all_is_not_all if not fact.all_known(_step([]))
