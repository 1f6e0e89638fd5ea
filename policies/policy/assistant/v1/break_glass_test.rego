# High risk is refused until there is break-glass.
package policy.assistant.v1_test

import rego.v1

import data.policy.assistant.v1 as rules

high := "Not allowed: a high-risk change in prod needs break-glass (rule `write.high`)."

test_a_high_risk_plan_is_refused_everywhere if {
	every action in ["plan.create", "plan.approve", "plan.execute", "tool.execute"] {
		refused_as_high(question(worker, action, {"risk": "high"}))
	}
}

refused_as_high(given) if {
	decision(given) == "deny"
	high in reasons(given)
}

test_destroying_is_high_whatever_is_said if {
	given := question(dana, "plan.create", {"risk": "low", "resources": [{"name": "x", "effect": "destroy"}]})
	decision(given) == "deny"
	"Not allowed: destroying something in prod needs break-glass (rule `write.high`)." in reasons(given)
}

test_medium_needs_no_break_glass if {
	not rules.break_glass_needed with input as question(dana, "plan.create", {})
}

test_a_version_that_asks_for_break_glass_is_not_approved if {
	needs := object.union(from_dana.requirements, {"break_glass": true})
	facts := object.union(from_dana, {"requirements": needs})
	decision(question(ann, "plan.approve", {"facts": facts})) == "deny"
}

test_undoing_what_was_high_is_allowed if {
	facts := object.union(from_dana, {"phase": "rollback"})
	decision(question(worker, "tool.execute", {"risk": "high", "facts": facts})) == "allow"
}
