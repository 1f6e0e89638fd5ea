# High risk. It needs break-glass, and there is no break-glass here yet, so it is refused.
package policy.assistant.v1

import rego.v1

default break_glass_needed := false

break_glass_needed if input.risk == "high"

break_glass_needed if destroys

beginning := {"plan.create", "plan.approve", "plan.execute"}

refusals contains concat("", ["Not allowed: ", deed, " ", place, " needs break-glass (rule `write.high`)."]) if {
	input.action in beginning
	break_glass_needed
}

refusals contains concat("", ["Not allowed: ", deed, " ", place, " needs break-glass (rule `write.high`)."]) if {
	input.action == "tool.execute"
	not undoing
	break_glass_needed
}

default deed := "a high-risk change"

deed := "destroying something" if destroys
