# Where something happens.
package policy.assistant.v1_test

import rego.v1

import data.policy.assistant.v1 as rules

test_what_is_not_known_to_be_harmless_is_production if {
	rules.production with input as question(ann, "plan.create", {"context": {"environment": ""}})
	rules.production with input as question(ann, "plan.create", {"context": {"environment": "Dev"}})
	not rules.production with input as question(ann, "plan.create", {"context": {"environment": "dev"}})
}

test_changes_are_switched_off_by_the_stage if {
	facts := object.union(from_dana, {"stage": "read-only"})
	every action in ["plan.create", "plan.approve", "plan.execute", "tool.execute"] {
		denied_by_stage(question(worker, action, {"facts": facts}))
	}
}

denied_by_stage(given) if {
	decision(given) == "deny"
	"Not allowed: changes are switched off here (rule `environment.stage`). Reading works." in reasons(given)
}

test_a_stage_that_nobody_knows_allows_no_change if {
	facts := object.union(from_dana, {"stage": "wild"})
	decision(question(dana, "plan.create", {"facts": facts})) == "deny"
}

test_a_change_needs_a_known_place if {
	given := question(dana, "plan.create", {"context": {"tenant": "default", "environment": "prod", "service": ""}})
	decision(given) == "deny"
	"Not allowed: a change needs a known environment and service (rule `environment.unknown`)." in reasons(given)
	decision(question(dana, "plan.create", {"context": {"environment": "", "service": "checkout"}})) == "deny"
}

test_undoing_is_not_held_up_by_the_stage if {
	facts := object.union(from_dana, {"stage": "read-only", "phase": "rollback"})
	decision(question(worker, "tool.execute", {"facts": facts})) == "allow"
}
