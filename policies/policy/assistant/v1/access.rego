# The door: what is asked before anything of ours is looked up or written down.
package policy.assistant.v1

import rego.v1

# What everybody of the directory may do.
open_doors := {
	"plan.read", "plan.ask", "execution.read", "freeze.read", "tool.list", "knowledge.read",
	"knowledge.write", "memory.read", "memory.write", "session.read", "session.write",
	"workflow.read", "workflow.write", "workflow.start", "feedback.give", "audit.read",
	"policy.read", "identity.link",
}

# The scopes of a token that open a door; where nothing is said, the one of the same name.
scopes_of := {
	"plan.read": {"plan.read", "plan.create"},
	"plan.ask": {"plan.create"},
	"plan.create": {"plan.create"},
	"execution.read": {"execution.read", "execution.operate"},
	"freeze.read": {"freeze.read", "freeze.write"},
	"freeze.set": {"freeze.write"},
	"freeze.lift": {"freeze.write"},
	"tool.list": {"tool.read", "tool.run"},
	"tool.read": {"tool.run", "plan.create"},
	"knowledge.read": {"runbook.read", "playbook.read", "runbook.write", "playbook.write"},
	"knowledge.write": {"runbook.write", "playbook.write"},
	"memory.read": {"memory.read", "memory.write"},
	"session.read": {"session.read", "session.write"},
	"workflow.read": {"workflow.read", "workflow.write"},
	"workflow.start": {"plan.create"},
	"feedback.give": {"plan.create"},
}

scopes_needed := object.get(scopes_of, input.action, {input.action})

scoped if {
	some scope in input.actor.scopes
	scope in scopes_needed
}

# Somebody's program, with a token of its own; never one of our own services.
program if {
	input.actor.kind == "service"
	same_tenant
	foreign
	scoped
}

foreign if startswith(input.actor.id, "token:")

foreign if startswith(input.actor.id, "cli:")

granted if {
	input.action in open_doors
	known
}

granted if {
	input.action in (open_doors | {"token.revoke"})
	program
}

granted if {
	input.action == "token.revoke"
	operator
}

granted if {
	input.action == "token.revoke"
	known
	scoped
}
