# Changing: what a plan needs before it runs, whether it may start, and each call that it makes.
package policy.assistant.v1

import rego.v1

# --- plan.create ---------------------------------------------------------------------------

granted if {
	input.action == "plan.create"
	looks
	effects_known
	input.risk in {"read", "low", "medium", "high"}
	risk_fits
}

# A plan that writes is never of risk read, whatever else is said.
risk_fits if not input.facts.writes

risk_fits if {
	input.facts.writes
	not input.risk == "read"
}

requirements := object.union(
	people_needed,
	{
		"emoji": emoji_enough,
		"step_up": step_up_needed,
		"break_glass": break_glass_needed,
		"within_seconds": decide_within[grade],
	},
) if {
	input.action == "plan.create"
	decide_within[input.risk]
}

default requirements := {}

# Unknown is asked for like the worst.
default people_needed := {"people": 2, "groups": []}

people_needed := {"people": 0, "groups": []} if grade == "read"

people_needed := {"people": 0, "groups": []} if {
	grade == "low"
	automatic
}

people_needed := {"people": 1, "groups": [data.roles.approvers]} if {
	grade == "low"
	not automatic
}

people_needed := {"people": 1, "groups": [data.roles.approvers]} if grade == "medium"

people_needed := {"people": 2, "groups": [input.facts.owners, data.roles.approvers]} if {
	grade == "high"
	count(input.facts.owners) > 0
}

people_needed := {"people": 2, "groups": [data.roles.approvers]} if {
	grade == "high"
	count(input.facts.owners) == 0
}

# What needs break-glass is treated as high risk, whatever it is.
grade := "high" if break_glass_needed

grade := input.risk if not break_glass_needed

# Low risk without a person: only where the stage says so, and only when a person asked.
automatic if {
	input.risk == "low"
	input.facts.stage == "low-auto"
	input.facts.origin == "person"
	not production
	not break_glass_needed
}

default emoji_enough := false

emoji_enough if {
	rank[grade] > 0
	rank[grade] <= rank[input.facts.emoji_max_risk]
	rank[grade] < rank.high
}

# A second sign-in for high risk, where there is somewhere to sign in.
default step_up_needed := false

step_up_needed if {
	grade == "high"
	input.facts.identity_provider == true
}

refusals contains "Not allowed: I don't know what a step of this plan does (rule `write.unknown`)." if {
	input.action in {"plan.create", "plan.execute", "tool.execute"}
	not effects_known
}

refusals contains "Not allowed: a plan that changes something can't be of risk read (rule `write.risk`)." if {
	input.action == "plan.create"
	not risk_fits
}

# --- plan.execute --------------------------------------------------------------------------

granted if {
	input.action == "plan.execute"
	worker
	effects_known
	input.facts.complete == true
	authorised
}

# Enough people, none of whom asked for the change or shaped it.
authorised if not input.facts.writes

authorised if {
	input.facts.writes
	input.facts.people > 0
	count(distinct_approvers) >= input.facts.people
	count(own_approvals) == 0
}

authorised if {
	input.facts.writes
	input.facts.people == 0
	automatic
}

distinct_approvers contains person if some person in input.facts.approvers

own_approvals contains person if {
	some person in input.facts.approvers
	person == input.facts.requester
}

own_approvals contains person if {
	some person in input.facts.approvers
	person in input.facts.editors
}

refusals contains "Not allowed: the approvals of this plan are not enough (rule `write.approvals`)." if {
	input.action in {"plan.execute", "tool.execute"}
	not undoing
	not authorised
}

# --- tool.execute --------------------------------------------------------------------------

granted if {
	input.action == "tool.execute"
	worker
	effects_known
	only_reads
}

granted if {
	input.action == "tool.execute"
	worker
	effects_known
	input.facts.phase == "act"
	authorised
}

# Undoing is never held up: what allowed the start allows the way back.
granted if {
	input.action == "tool.execute"
	worker
	effects_known
	input.facts.phase == "rollback"
}
