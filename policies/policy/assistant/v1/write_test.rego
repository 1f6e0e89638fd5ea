# What a plan needs, whether it may start, and each call that it makes.
package policy.assistant.v1_test

import rego.v1

dev := {"tenant": "default", "environment": "dev", "service": "checkout"}

test_medium_needs_one_of_the_approvers if {
	given := question(dana, "plan.create", {})
	decision(given) == "require_approval"
	requirements(given) == {
		"people": 1,
		"groups": [["sre"]],
		"emoji": true,
		"step_up": false,
		"break_glass": false,
		"within_seconds": 14400,
	}
}

test_an_emoji_is_enough_up_to_the_setting if {
	facts := object.union(from_dana, {"emoji_max_risk": "low"})
	requirements(question(dana, "plan.create", {"facts": facts})).emoji == false
	requirements(question(dana, "plan.create", {"facts": facts, "risk": "low"})).emoji == true
	none := object.union(from_dana, {"emoji_max_risk": "none"})
	requirements(question(dana, "plan.create", {"facts": none, "risk": "low"})).emoji == false
}

test_low_needs_one_person_and_a_day if {
	given := requirements(question(dana, "plan.create", {"risk": "low", "context": dev}))
	given.people == 1
	given.within_seconds == 86400
}

test_low_needs_nobody_where_the_stage_says_so if {
	facts := object.union(from_dana, {"stage": "low-auto"})
	given := question(dana, "plan.create", {"risk": "low", "context": dev, "facts": facts})
	decision(given) == "allow"
	requirements(given).people == 0
}

test_what_an_alert_asked_for_is_never_automatic if {
	facts := object.union(from_dana, {"stage": "low-auto", "origin": "alert"})
	decision(question(dana, "plan.create", {"risk": "low", "context": dev, "facts": facts})) == "require_approval"
}

test_nothing_is_automatic_in_production if {
	facts := object.union(from_dana, {"stage": "low-auto"})
	decision(question(dana, "plan.create", {"risk": "low", "facts": facts})) == "require_approval"
}

test_reads_need_nobody if {
	facts := object.union(from_dana, {"writes": false})
	given := question(dana, "plan.create", {"risk": "read", "resources": [looking], "facts": facts})
	decision(given) == "allow"
	requirements(given).people == 0
}

test_high_asks_for_the_owners_and_one_other if {
	requirements(question(dana, "plan.create", {"risk": "high"})) == {
		"people": 2,
		"groups": [["shop-owners"], ["sre"]],
		"emoji": false,
		"step_up": false,
		"break_glass": true,
		"within_seconds": 3600,
	}
}

test_high_asks_for_a_second_sign_in_where_there_is_an_identity_provider if {
	facts := object.union(from_dana, {"identity_provider": true})
	requirements(question(dana, "plan.create", {"risk": "high", "facts": facts})).step_up == true
	requirements(question(dana, "plan.create", {"facts": facts})).step_up == false
}

test_a_risk_that_nobody_knows_is_denied if {
	decision(question(dana, "plan.create", {"risk": "tiny"})) == "deny"
}

test_a_write_is_never_of_risk_read if {
	given := question(dana, "plan.create", {"risk": "read"})
	decision(given) == "deny"
	"Not allowed: a plan that changes something can't be of risk read (rule `write.risk`)." in reasons(given)
}

test_an_unknown_effect_is_refused if {
	given := question(dana, "plan.create", {"resources": [{"name": "x", "effect": "perhaps"}]})
	decision(given) == "deny"
	"Not allowed: I don't know what a step of this plan does (rule `write.unknown`)." in reasons(given)
}

test_a_plan_starts_with_enough_approvals if {
	decision(question(worker, "plan.execute", {})) == "allow"
}

test_nobody_but_the_worker_starts_a_plan if {
	decision(question(ann, "plan.execute", {})) == "deny"
	decision(question(object.union(worker, {"id": "service:alerts"}), "plan.execute", {})) == "deny"
}

test_too_few_approvals_start_nothing if {
	some_facts := [
		{"approvers": []},
		{"approvers": ["dana"]},
		{"approvers": ["ann", "ann"], "people": 2},
		{"approvers": ["ann"], "editors": ["ann"]},
		{"approvers": [], "people": 0},
	]
	every facts in some_facts {
		too_few(question(worker, "plan.execute", {"facts": object.union(from_dana, facts)}))
	}
}

too_few(given) if {
	decision(given) == "deny"
	"Not allowed: the approvals of this plan are not enough (rule `write.approvals`)." in reasons(given)
}

test_an_incomplete_quorum_starts_nothing if {
	facts := object.union(from_dana, {"complete": false})
	decision(question(worker, "plan.execute", {"facts": facts})) == "deny"
}

test_an_approved_call_is_made if {
	decision(question(worker, "tool.execute", {})) == "allow"
}

test_a_call_without_approval_is_not_made if {
	facts := object.union(from_dana, {"approvers": []})
	decision(question(worker, "tool.execute", {"facts": facts})) == "deny"
}

test_a_check_is_made_like_any_read if {
	given := question(worker, "tool.execute", {"resources": [looking]})
	decision(given) == "allow"
}

test_a_call_of_unknown_effect_is_not_made if {
	decision(question(worker, "tool.execute", {"resources": [{"name": "x", "effect": ""}]})) == "deny"
}

test_undoing_needs_no_new_approval if {
	facts := object.union(from_dana, {"approvers": [], "phase": "rollback"})
	decision(question(worker, "tool.execute", {"facts": facts})) == "allow"
}

test_a_person_makes_no_calls if {
	decision(question(ann, "tool.execute", {})) == "deny"
}
