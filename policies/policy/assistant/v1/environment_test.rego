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

frozen := object.union(from_dana, {"freeze": [{"kind": "freeze", "text": "Prod is frozen.", "until": null}, {"kind": "window", "text": "It is night.", "until": null}]})

hold(given) := answer if answer := object.get(rules.result.constraints, "hold", []) with input as given

test_a_freeze_holds_what_would_start if {
	given := question(worker, "plan.execute", {"facts": frozen})
	decision(given) == "allow"
	hold(given) == ["It is night.", "Prod is frozen."]
}

test_a_freeze_holds_the_next_change_and_nothing_else if {
	hold(question(worker, "tool.execute", {"facts": frozen})) == ["It is night.", "Prod is frozen."]
	hold(question(worker, "tool.execute", {"facts": frozen, "resources": [looking]})) == []
	undone := object.union(frozen, {"phase": "rollback"})
	hold(question(worker, "tool.execute", {"facts": undone})) == []
}

test_a_freeze_holds_no_approval_and_no_read if {
	hold(question(ann, "plan.approve", {"facts": frozen})) == []
	decision(question(ann, "plan.approve", {"facts": frozen})) == "allow"
	reading := object.union(frozen, {"writes": false})
	hold(question(worker, "plan.execute", {"facts": reading, "risk": "read", "resources": [looking]})) == []
}

test_own_rules_may_let_a_change_pass if {
	answer := rules.result.constraints with input as question(worker, "plan.execute", {"facts": frozen}) with rules.exempt as true
	answer == {}
}

test_operators_freeze_and_lift if {
	about := {"facts": {"environment": "prod", "service": "", "reason": "release day"}}
	every action in ["freeze.set", "freeze.lift"] {
		decision(question(ann, action, about)) == "allow"
		decision(question(object.union(worker, {"id": "token:ci", "scopes": ["freeze.write"]}), action, about)) == "allow"
		decision(question(worker, action, about)) == "deny"
		reasons(question(dana, action, about)) == ["Only *sre* can freeze changes or lift a freeze, and you are not in it."]
	}
}
