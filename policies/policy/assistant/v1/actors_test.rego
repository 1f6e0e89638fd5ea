# Who may decide.
package policy.assistant.v1_test

import rego.v1

import data.policy.assistant.v1 as rules

gate := object.union(worker, {"id": "service:gate"})

test_an_approver_approves if decision(question(ann, "plan.approve", {})) == "allow"

test_nobody_approves_what_they_asked_for if {
	facts := object.union(from_dana, {"requester": "ann"})
	given := question(ann, "plan.approve", {"facts": facts})
	decision(given) == "deny"
	reasons(given) == ["You asked for this plan, so someone else from *sre* must approve it."]
}

test_nobody_approves_what_they_shaped if {
	facts := object.union(from_dana, {"editors": ["bo", "ann"]})
	given := question(ann, "plan.approve", {"facts": facts})
	decision(given) == "deny"
	reasons(given) == ["You changed this plan, so someone else from *sre* must approve it."]
}

test_reads_are_nobodys_own if {
	facts := object.union(from_dana, {"requester": "ann", "writes": false})
	given := question(ann, "plan.approve", {"facts": facts, "risk": "read", "resources": [looking]})
	decision(given) == "allow"
}

test_an_outsider_does_not_approve if {
	given := question(object.union(dana, {"id": "cy"}), "plan.approve", {})
	decision(given) == "deny"
	reasons(given) == ["Only *sre* can approve this plan, and you are not in it."]
}

test_the_groups_of_the_version_count_and_not_the_default_ones if {
	needs := object.union(from_dana.requirements, {"groups": [["shop-owners"]]})
	facts := object.union(from_dana, {"requirements": needs})
	decision(question(ann, "plan.approve", {"facts": facts})) == "deny"
	decision(question(bo, "plan.approve", {"facts": facts})) == "allow"
}

test_without_groups_the_default_approvers_count if {
	needs := object.union(from_dana.requirements, {"groups": []})
	facts := object.union(from_dana, {"requirements": needs})
	decision(question(ann, "plan.approve", {"facts": facts})) == "allow"
	decision(question(object.union(dana, {"id": "cy"}), "plan.approve", {"facts": facts})) == "deny"
}

test_an_emoji_is_only_enough_when_the_version_says_so if {
	facts := object.union(from_dana, {"surface": "emoji"})
	given := question(ann, "plan.approve", {"facts": facts})
	decision(given) == "deny"
	reasons(given) == ["An emoji can't approve a medium-risk plan here. Press Approve on the card."]
	enough := object.union(facts, {"requirements": object.union(from_dana.requirements, {"emoji": true})})
	decision(question(ann, "plan.approve", {"facts": enough})) == "allow"
}

test_whoever_moves_the_issue_of_a_plan_decides_by_hand if {
	facts := object.union(from_dana, {"surface": "linear"})
	decision(question(ann, "plan.approve", {"facts": facts})) == "allow"
	decision(question(dana, "plan.approve", {"facts": facts})) == "deny"
}

test_an_alert_and_an_automatic_surface_are_no_hand if {
	every surface in ["alert", "auto", ""] {
		facts := object.union(from_dana, {"surface": surface})
		decision(question(ann, "plan.approve", {"facts": facts})) == "deny"
	}
}

test_a_second_sign_in_is_waited_for if {
	needs := object.union(from_dana.requirements, {"step_up": true})
	facts := object.union(from_dana, {"requirements": needs})
	given := question(ann, "plan.approve", {"facts": facts})
	decision(given) == "deny"
	"This plan needs a second sign-in before it can be approved (rule `actors.step_up`)." in reasons(given)
	decision(question(ann, "plan.approve", {"facts": object.union(facts, {"step_up": true})})) == "allow"
}

test_services_do_not_approve if {
	given := question(worker, "plan.approve", {})
	decision(given) == "deny"
	"Only people approve plans (rule `actors.people`)." in reasons(given)
	decision(question(gate, "plan.approve", {})) == "deny"
}

test_the_gate_releases_what_needs_nobody if {
	none := object.union(from_dana.requirements, {"people": 0, "groups": []})
	facts := object.union(from_dana, {"requirements": none, "surface": "auto", "writes": false})
	decision(question(gate, "plan.approve", {"facts": facts, "risk": "read", "resources": [looking]})) == "allow"
	decision(question(worker, "plan.approve", {"facts": facts, "risk": "read", "resources": [looking]})) == "deny"
	writes := object.union(facts, {"writes": true})
	decision(question(gate, "plan.approve", {"facts": writes})) == "deny"
}

test_approvers_and_the_requester_reject if {
	decision(question(bo, "plan.reject", {})) == "allow"
	decision(question(dana, "plan.reject", {})) == "allow"
	given := question(object.union(dana, {"id": "cy"}), "plan.reject", {})
	decision(given) == "deny"
	reasons(given) == ["Only *sre* or whoever asked for this plan can reject it."]
}

test_people_take_back_what_they_said if {
	decision(question(dana, "plan.withdraw", {})) == "allow"
	decision(question(worker, "plan.withdraw", {})) == "deny"
}

test_operators_steer_an_execution if {
	decision(question(ann, "execution.cancel", {})) == "allow"
	given := question(dana, "execution.cancel", {})
	decision(given) == "deny"
	reasons(given) == ["Only *sre* can do that while a plan runs, and you are not in it."]
}

program := {"kind": "service", "id": "token:ci", "name": "ci", "tenant": "default", "groups": [], "scopes": ["execution.operate"]}

test_a_program_steers_an_execution_with_its_scope_alone if {
	decision(question(program, "execution.cancel", {})) == "allow"
	decision(question(object.union(program, {"scopes": []}), "execution.cancel", {})) == "deny"
	decision(question(object.union(program, {"tenant": "other"}), "execution.cancel", {})) == "deny"
	decision(question(program, "freeze.set", {})) == "deny"
}

test_only_people_override_what_was_approved if {
	given := question(program, "execution.skip", {"facts": overrides})
	decision(given) == "deny"
	"Only people skip a step, or mark it as done, before something else is changed (rule `actors.people`)." in reasons(given)
}

test_a_program_takes_back_what_it_asked_for_itself if {
	asker := object.union(program, {"scopes": ["plan.create"]})
	own := object.union(from_dana, {"requester": "token:ci"})
	decision(question(asker, "plan.withdraw", {"facts": own})) == "allow"
	decision(question(asker, "plan.withdraw", {})) == "deny"
	decision(question(program, "plan.withdraw", {"facts": own})) == "deny"
}

overrides := object.union(from_dana, {"overrides": true})

test_every_verb_of_an_execution_is_an_action_of_its_own if {
	every action in rules.operations {
		decision(question(ann, action, {})) == "allow"
		decision(question(dana, action, {})) == "deny"
	}
	decision(question(ann, "execution.dance", {})) == "deny"
}

test_skipping_is_decided_on_like_an_approval if {
	decision(question(ann, "execution.skip", {"facts": overrides})) == "allow"
	own := object.union(overrides, {"requester": "ann"})
	refused := question(ann, "execution.mark-done", {"facts": own})
	decision(refused) == "deny"
	reasons(refused) == ["You asked for this plan, so someone else from *sre* must decide that."]
	outside := question(object.union(dana, {"id": "cy"}), "execution.skip", {"facts": overrides})
	decision(outside) == "deny"
	reasons(outside) == ["Only *sre* can decide that, and you are not in it."]
}

test_an_unnamed_person_is_nobody if {
	decision(question(object.union(ann, {"id": ""}), "plan.read", {})) == "deny"
	not rules.known with input as question(object.union(ann, {"tenant": ""}), "plan.read", {})
}
