# Everybody known may look.
package policy.assistant.v1_test

import rego.v1

test_people_and_our_services_may_look if {
	decision(question(dana, "plan.read", {})) == "allow"
	decision(question(worker, "execution.read", {})) == "allow"
	decision(question(worker, "tool.read", {"resources": [looking]})) == "allow"
}

test_an_unknown_service_may_not_look if {
	decision(question(object.union(worker, {"id": "service:x"}), "plan.read", {})) == "deny"
}

test_a_write_is_no_read if {
	given := question(worker, "tool.read", {"resources": [looking, writing]})
	decision(given) == "deny"
	"Not allowed: git.revert_commit changes something, so it needs a plan (rule `read.only`)." in reasons(given)
}

test_no_call_at_all_is_no_read if {
	decision(question(worker, "tool.read", {"resources": []})) == "deny"
}

test_reading_works_where_changing_is_switched_off if {
	facts := object.union(from_dana, {"stage": "read-only", "writes": false})
	decision(question(worker, "tool.read", {"resources": [looking], "facts": facts})) == "allow"
}
