# Where something happens. An environment that is not known to be harmless is production.
package policy.assistant.v1

import rego.v1

harmless := {"dev", "staging"}

default production := true

production := false if input.context.environment in harmless

changing := {"plan.create", "plan.approve", "plan.execute", "tool.execute"}

# A change of the world, and not the undoing of one: its authority is the start decision.
changes if {
	input.action in changing
	input.facts.writes
	not undoing
}

undoing if {
	input.action == "tool.execute"
	input.facts.phase in {"rollback", "probe", "read"}
}

placed if {
	input.context.environment
	input.context.service
	not input.context.environment == ""
	not input.context.service == ""
}

default writable_stage := false

writable_stage if input.facts.stage in {"approve-all", "low-auto"}

# Freezes and closed windows hold a change until they are over; what is undone goes on, and looking
# does. Whoever may go on all the same: `exempt if {...}`. Refuse it: a rule of `refusals`.
default exempt := false

holds contains held.text if {
	input.action == "plan.execute"
	changes
	not exempt
	some held in input.facts.freeze
}

holds contains held.text if {
	input.action == "tool.execute"
	changes
	not only_reads
	not exempt
	some held in input.facts.freeze
}

refusals contains "Not allowed: changes are switched off here (rule `environment.stage`). Reading works." if {
	changes
	not writable_stage
}

refusals contains "Not allowed: a change needs a known environment and service (rule `environment.unknown`)." if {
	changes
	not placed
}
