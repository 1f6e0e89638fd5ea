# High risk: two people, each with a reason and a ticket.
package policy.assistant.v1_test

import rego.v1

import data.policy.assistant.v1 as rules

why := "checkout is down and nobody can pay"

glass := {"reason": why, "ticket": "OPS-7"}

needs_glass := object.union(from_dana.requirements, {
	"people": 2,
	"groups": [["shop-owners"], ["sre"]],
	"break_glass": true,
})

high(changes) := {"risk": "high", "facts": object.union(object.union(from_dana, {"requirements": needs_glass, "break_glass": true, "people": 2, "approvers": ["ann", "bo"], "glass": glass}), changes)}

test_a_high_risk_plan_is_made_and_asks_for_two if {
	given := question(dana, "plan.create", {"risk": "high"})
	decision(given) == "require_approval"
	requirements(given).people == 2
	requirements(given).break_glass == true
	requirements(given).within_seconds == 3600
}

test_without_owners_two_approvers_are_asked if {
	facts := object.union(from_dana, {"owners": []})
	requirements(question(dana, "plan.create", {"risk": "high", "facts": facts})).groups == [["sre"]]
}

test_destroying_is_high_whatever_is_said if {
	given := question(dana, "plan.create", {"risk": "low", "resources": [{"name": "x", "effect": "destroy"}]})
	decision(given) == "require_approval"
	requirements(given).people == 2
	requirements(given).emoji == false
}

test_medium_needs_no_break_glass if {
	not rules.break_glass_needed with input as question(dana, "plan.create", {})
}

test_an_alert_alone_does_not_break_glass if {
	facts := object.union(from_dana, {"origin": "alert"})
	given := question(object.union(worker, {"id": "service:alerts"}), "plan.create", {"risk": "high", "facts": facts})
	decision(given) == "deny"
	reasons(given) == ["Not allowed: an alert alone can't ask for break-glass; a person has to ask for this (rule `break_glass.person`)."]
}

test_a_program_asks_with_a_reason if {
	program := object.union(worker, {"id": "token:ci", "scopes": ["plan.create"]})
	without := object.union(from_dana, {"origin": "api"})
	refused := question(program, "plan.create", {"risk": "high", "facts": without})
	decision(refused) == "deny"
	reasons(refused) == ["Not allowed: a high-risk change in prod needs break-glass. Ask for it with the reason: X-Break-Glass, or --break-glass on the command line (rule `break_glass.program`)."]
	with_reason := object.union(without, {"break_glass": why})
	decision(question(program, "plan.create", {"risk": "high", "facts": with_reason})) == "require_approval"
	requirements(question(program, "plan.create", {"facts": with_reason})).people == 2
}

test_asking_for_break_glass_is_never_automatic if {
	facts := object.union(from_dana, {"stage": "low-auto", "break_glass": why})
	here := {"tenant": "default", "environment": "dev", "service": "checkout"}
	given := question(dana, "plan.create", {"risk": "low", "context": here, "facts": facts})
	decision(given) == "require_approval"
	requirements(given).emoji == false
}

test_an_approval_gives_reason_and_ticket if {
	decision(question(ann, "plan.approve", high({}))) == "allow"
	every missing in [{"reason": "", "ticket": ""}, {"reason": "why not", "ticket": "OPS-7"}, {"reason": why, "ticket": ""}] {
		lacking(question(ann, "plan.approve", high({"glass": missing})))
	}
}

lacking(given) if {
	decision(given) == "deny"
	"Break-glass needs a reason and a ticket. Press Approve on the card: it asks for both (rule `break_glass.reason`)." in reasons(given)
}

test_an_emoji_never_breaks_glass if {
	given := question(ann, "plan.approve", high({"surface": "emoji", "glass": {"reason": "", "ticket": ""}}))
	decision(given) == "deny"
	reasons(given) == ["An emoji can't approve a high-risk plan here. Press Approve on the card."]
}

test_nobody_breaks_glass_for_what_they_asked_for if {
	decision(question(dana, "plan.approve", high({}))) == "deny"
	decision(question(bo, "plan.approve", high({"editors": ["bo"]}))) == "deny"
}

test_what_became_high_is_not_approved_as_something_less if {
	given := question(ann, "plan.approve", {"risk": "high"})
	decision(given) == "deny"
	"Not allowed: a high-risk change in prod is approved by break-glass alone, and this plan does not ask for it (rule `break_glass.version`)." in reasons(given)
}

test_what_was_approved_by_break_glass_runs if {
	decision(question(worker, "plan.execute", high({}))) == "allow"
	decision(question(worker, "tool.execute", high({}))) == "allow"
}

test_high_risk_without_break_glass_never_runs if {
	every action in ["plan.execute", "tool.execute"] {
		unbroken(question(worker, action, high({"break_glass": false})))
		unbroken(question(worker, action, high({"people": 1})))
	}
}

unbroken(given) if {
	decision(given) == "deny"
	"Not allowed: a high-risk change in prod was not approved by break-glass (rule `break_glass.execute`)." in reasons(given)
}

test_undoing_what_was_high_is_allowed if {
	facts := object.union(from_dana, {"phase": "rollback"})
	decision(question(worker, "tool.execute", {"risk": "high", "facts": facts})) == "allow"
}
