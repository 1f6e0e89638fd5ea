# Who may come in at all.
package policy.assistant.v1_test

import rego.v1

import data.policy.assistant.v1 as rules

ci := {
	"kind": "service", "id": "token:ci", "name": "ci", "tenant": "default", "groups": [],
	"scopes": ["runbook.read", "plan.create"],
}

every_door := rules.open_doors | {"token.revoke"}

test_everybody_of_the_directory_may_come_in if {
	every door in rules.open_doors {
		decision(question(dana, door, {})) == "allow"
	}
}

test_only_an_operator_revokes_tokens if {
	decision(question(ann, "token.revoke", {})) == "allow"
	decision(question(dana, "token.revoke", {})) == "deny"
	allowed := object.union(dana, {"scopes": ["token.revoke"]})
	decision(question(allowed, "token.revoke", {})) == "allow"
}

test_a_program_may_do_what_its_token_was_made_for if {
	decision(question(ci, "knowledge.read", {})) == "allow"
	decision(question(ci, "plan.ask", {})) == "allow"
	decision(question(ci, "workflow.start", {})) == "allow"
	decision(question(ci, "plan.create", {})) == "require_approval"
	decision(question(ci, "tool.read", {"resources": [looking]})) == "allow"
}

test_a_program_may_do_nothing_else if {
	decision(question(ci, "knowledge.write", {})) == "deny"
	decision(question(ci, "audit.read", {})) == "deny"
	decision(question(ci, "token.revoke", {})) == "deny"
	decision(question(ci, "freeze.set", {})) == "deny"
}

test_a_token_without_scopes_opens_nothing if {
	bare := object.union(ci, {"scopes": []})
	every door in every_door {
		decision(question(bare, door, {})) == "deny"
	}
}

test_the_command_line_is_a_program_too if {
	given := object.union(ci, {"id": "cli:root", "scopes": ["freeze.write"]})
	decision(question(given, "freeze.set", {})) == "allow"
	decision(question(given, "audit.read", {})) == "deny"
}

test_a_program_of_another_tenant_opens_nothing if {
	decision(question(object.union(ci, {"tenant": "other"}), "knowledge.read", {})) == "deny"
}

test_a_service_with_a_name_of_its_own_making_opens_nothing if {
	given := object.union(ci, {"id": "service:ci"})
	decision(question(given, "knowledge.read", {})) == "deny"
}
