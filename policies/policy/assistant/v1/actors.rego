# Who acts: somebody of the directory, or one of our named services. And who may decide.
package policy.assistant.v1

import rego.v1

same_tenant if {
	not input.actor.tenant == ""
	input.actor.tenant == input.context.tenant
}

known if {
	input.actor.kind == "person"
	input.actor.id
	not input.actor.id == ""
	same_tenant
}

ours if {
	input.actor.kind == "service"
	input.actor.id in data.roles.services
	same_tenant
}

worker if {
	ours
	input.actor.id in data.roles.workers
}

gate if {
	ours
	input.actor.id in data.roles.gates
}

somebody if known

somebody if ours

member(groups) if {
	some group in input.actor.groups
	group in groups
}

# The groups that the version asks for; the default ones where it names none.
approver_groups contains group if {
	some names in input.facts.requirements.groups
	some group in names
}

approver_groups contains group if {
	not names_groups
	some group in data.roles.approvers
}

names_groups if {
	some names in input.facts.requirements.groups
	count(names) > 0
}

approver if {
	known
	member(approver_groups)
}

operator if {
	known
	member(data.roles.operators)
}

# A program whose token was made for it.
operator if {
	input.action in operations
	input.actor.kind == "service"
	same_tenant
	"execution.operate" in input.actor.scopes
}

requested if input.actor.id == input.facts.requester

edited if input.actor.id in input.facts.editors

# Somebody who neither asked for the change nor shaped it. Reads are nobody's own.
impartial if input.facts.writes == false

impartial if {
	input.facts.writes == true
	input.facts.requester
	not input.actor.id == input.facts.requester
	own := [editor | some editor in input.facts.editors; editor == input.actor.id]
	count(own) == 0
}

# --- plan.approve --------------------------------------------------------------------------

granted if {
	input.action == "plan.approve"
	approver
	impartial
	surface_enough
	step_up_enough
	glass_enough
}

# What needs no person is released by the gate itself.
granted if {
	input.action == "plan.approve"
	gate
	input.facts.surface == "auto"
	input.facts.requirements.people == 0
	needs_nobody
}

needs_nobody if {
	input.risk == "read"
	input.facts.writes == false
}

needs_nobody if automatic

by_hand := {"button", "command", "api", "cli", "web", "linear"}

surface_enough if input.facts.surface in by_hand

surface_enough if {
	input.facts.surface == "emoji"
	input.facts.requirements.emoji == true
}

step_up_enough if input.facts.requirements.step_up == false

step_up_enough if input.facts.step_up == true

approving if {
	input.action == "plan.approve"
	known
}

refusals contains others("asked for") if {
	approving
	input.facts.writes
	requested
}

refusals contains others("changed") if {
	approving
	input.facts.writes
	edited
	not requested
}

refusals contains concat("", ["Only ", bold(approver_groups), " can approve this plan, and you are not in it."]) if {
	approving
	not approver
	impartial
}

refusals contains concat("", ["An emoji can't approve a ", input.risk, "-risk plan here. Press Approve on the card."]) if {
	approving
	input.facts.surface == "emoji"
	not surface_enough
}

refusals contains "This plan needs a second sign-in before it can be approved (rule `actors.step_up`)." if {
	approving
	not step_up_enough
	not input.facts.surface == "emoji"
}

refusals contains "Only people approve plans (rule `actors.people`)." if {
	input.action == "plan.approve"
	not known
	not gate
}

# --- plan.reject, plan.withdraw ------------------------------------------------------------

granted if {
	input.action == "plan.reject"
	approver
}

granted if {
	input.action == "plan.reject"
	known
	requested
}

refusals contains concat("", ["Only ", bold(approver_groups), " or whoever asked for this plan can reject it."]) if {
	input.action == "plan.reject"
	not approver
	not requested
}

# A vote of one's own; the gate looks whether there is one.
granted if {
	input.action == "plan.withdraw"
	known
}

# A program takes back what it asked for itself.
granted if {
	input.action == "plan.withdraw"
	input.actor.kind == "service"
	same_tenant
	requested
	"plan.create" in input.actor.scopes
}

# --- freezes -------------------------------------------------------------------------------

freezing := {"freeze.set", "freeze.lift"}

granted if {
	input.action in freezing
	operator
}

# A program whose token was made for it; its name is in the audit.
granted if {
	input.action in freezing
	program
}

refusals contains concat("", ["Only ", bold(data.roles.operators), " can freeze changes or lift a freeze, and you are not in it."]) if {
	input.action in freezing
	known
	not operator
}

# --- executions ----------------------------------------------------------------------------

# What people tell an execution; each is an action of its own.
operations := {
	"execution.run", "execution.pause", "execution.resume", "execution.cancel", "execution.hold",
	"execution.retry", "execution.skip", "execution.mark-done", "execution.rollback",
	"execution.keep", "execution.acknowledge",
}

operating if {
	input.action in operations
	not overriding
}

overriding if {
	input.action in {"execution.skip", "execution.mark-done"}
	input.facts.overrides == true
}

granted if {
	operating
	operator
}

refusals contains concat("", ["Only ", bold(data.roles.operators), " can do that while a plan runs, and you are not in it."]) if {
	operating
	not operator
}

# Skip and Mark done before a further change override what was approved: decided on like that.
granted if {
	overriding
	approver
	impartial
}

refusals contains concat("", ["You asked for this plan, so someone else from ", bold(approver_groups), " must decide that."]) if {
	overriding
	known
	not impartial
}

refusals contains "Only people skip a step, or mark it as done, before something else is changed (rule `actors.people`)." if {
	overriding
	not known
}

refusals contains concat("", ["Only ", bold(approver_groups), " can decide that, and you are not in it."]) if {
	overriding
	known
	impartial
	not approver
}
