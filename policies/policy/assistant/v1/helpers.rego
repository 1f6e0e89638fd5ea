# Words that the other files share.
package policy.assistant.v1

import rego.v1

rank := {"none": -1, "read": 0, "low": 1, "medium": 2, "high": 3}

hour := 3600

# How long a decision may take, by risk.
decide_within := {"read": 24 * hour, "low": 24 * hour, "medium": 4 * hour, "high": hour}

reading := {
	"plan.read", "execution.read", "freeze.read", "tool.read", "tool.list", "knowledge.read",
	"memory.read", "session.read", "workflow.read", "audit.read", "policy.read",
}

reads if input.action in reading

effects := {"read", "write", "destroy"}

# Every resource has an effect that is known; none at all is not known either.
effects_known if {
	count(input.resources) > 0
	unknown := [resource.name | some resource in input.resources; not resource.effect in effects]
	count(unknown) == 0
}

destroys if {
	some resource in input.resources
	resource.effect == "destroy"
}

# `sre`, or `sre or shop`, in bold.
bold(groups) := concat("", ["*", concat("* or *", sort(groups)), "*"])

place := concat("", ["in ", input.context.environment]) if not input.context.environment == ""

place := "in an unknown environment" if input.context.environment == ""

others(done) := concat("", ["You ", done, " this plan, so someone else from ", bold(approver_groups), " must approve it."])
