# Looking. Everybody known may look, and so may our own services.
package policy.assistant.v1

import rego.v1

only_reads if {
	some resource in input.resources
	resource.effect == "read"
	others_than_reads := [other | some other in input.resources; not other.effect == "read"]
	count(others_than_reads) == 0
}

granted if {
	input.action in {"plan.read", "execution.read"}
	ours
}

granted if {
	input.action == "tool.read"
	looks
	only_reads
}

looks if somebody

looks if program

refusals contains concat("", ["Not allowed: ", input.facts.tool, " changes something, so it needs a plan (rule `read.only`)."]) if {
	input.action == "tool.read"
	not only_reads
}
