# Deny unless a rule grants, and nothing refuses.
package policy.assistant.v1_test

import rego.v1

import data.policy.assistant.v1 as rules

test_an_action_that_nobody_knows_is_denied if {
	given := question(ann, "plan.dance", {})
	decision(given) == "deny"
	reasons(given) == ["Not allowed: no rule allows plan.dance here (rule `base.default`)."]
}

test_nothing_at_all_is_denied if {
	rules.decision == "deny" with input as {}
}

test_a_refusal_wins_over_a_grant if {
	given := question(object.union(ann, {"tenant": "other"}), "plan.read", {})
	decision(given) == "deny"
}

test_another_tenant_is_told_so if {
	given := question(object.union(ann, {"tenant": "other"}), "plan.approve", {})
	"Not allowed: who asks and what it is about belong to different tenants (rule `base.tenant`)." in reasons(given)
}

test_only_reads_may_be_kept if {
	rules.result.ttl == 30 with input as question(ann, "plan.read", {})
	rules.result.ttl == 0 with input as question(ann, "plan.approve", {})
}

test_a_plan_is_held_to_its_environment if {
	rules.result.constraints == {"environments": ["prod"]} with input as question(dana, "plan.create", {})
}

test_only_making_a_plan_asks_for_people if {
	decision(question(dana, "plan.create", {})) == "require_approval"
	decision(question(ann, "plan.approve", {})) == "allow"
}

test_an_answer_has_all_of_its_parts if {
	answer := rules.result with input as question(ann, "plan.approve", {})
	object.keys(answer) == {"decision", "requirements", "constraints", "ttl", "reasons"}
}
