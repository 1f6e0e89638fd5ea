# The one document that is asked for. Deny unless a rule grants, and nothing refuses.
package policy.assistant.v1

import rego.v1

default granted := false

default needs_people := false

result := {
	"decision": decision,
	"requirements": requirements,
	"constraints": constraints,
	"ttl": ttl,
	"reasons": reasons,
}

default decision := "deny"

decision := "allow" if {
	granted
	count(refusals) == 0
	not needs_people
}

decision := "require_approval" if {
	granted
	count(refusals) == 0
	needs_people
}

# Only plan.create may answer that people are needed; everything else is yes or no.
needs_people if {
	input.action == "plan.create"
	requirements.people > 0
}

# What an answer may be kept for, in seconds: reads for a moment, the rest not at all.
default ttl := 0

ttl := 30 if {
	reads
	granted
}

default constraints := {}

constraints := {"environments": [input.context.environment]} if {
	input.action == "plan.create"
	not input.context.environment == ""
}

constraints := {"hold": sort(holds)} if count(holds) > 0

# Refusals win over every grant. Reasons are sentences for the person who asked.
refusals contains "Not allowed: who asks and what it is about belong to different tenants (rule `base.tenant`)." if {
	not input.actor.tenant == input.context.tenant
}

default reasons := []

reasons := sort(refusals) if count(refusals) > 0

reasons := [unexplained] if {
	count(refusals) == 0
	not granted
}

unexplained := concat("", ["Not allowed: no rule allows ", input.action, " here (rule `base.default`)."])
