# High risk: two people, each with a reason and a ticket; never an emoji, never an alert by itself.
package policy.assistant.v1

import rego.v1

default break_glass_needed := false

break_glass_needed if input.risk == "high"

break_glass_needed if destroys

break_glass_needed if break_glass_asked

# A program may ask for it also where the risk does not.
break_glass_asked if {
	input.action == "plan.create"
	input.facts.break_glass
	not input.facts.break_glass == ""
}

# Reason and ticket of the person who approves now; of all that count, once it is to run.
default glass_broken := false

glass_broken if {
	input.action == "plan.approve"
	input.facts.requirements.break_glass == true
	count(input.facts.glass.reason) >= 20
	count(input.facts.glass.ticket) > 0
}

glass_broken if {
	input.action in {"plan.execute", "tool.execute"}
	input.facts.break_glass == true
	input.facts.people >= 2
}

default glass_enough := false

glass_enough if {
	input.facts.requirements.break_glass == false
	not break_glass_needed
}

glass_enough if glass_broken

refusals contains "Not allowed: an alert alone can't ask for break-glass; a person has to ask for this (rule `break_glass.person`)." if {
	input.action == "plan.create"
	break_glass_needed
	input.facts.origin == "alert"
}

refusals contains concat("", ["Not allowed: ", deed, " ", place, " needs break-glass. Ask for it with the reason: X-Break-Glass, or --break-glass on the command line (rule `break_glass.program`)."]) if {
	input.action == "plan.create"
	break_glass_needed
	not break_glass_asked
	input.facts.origin == "api"
}

refusals contains "Break-glass needs a reason and a ticket. Press Approve on the card: it asks for both (rule `break_glass.reason`)." if {
	approving
	input.facts.requirements.break_glass == true
	not glass_broken
	not input.facts.surface == "emoji"
}

refusals contains concat("", ["Not allowed: ", deed, " ", place, " is approved by break-glass alone, and this plan does not ask for it (rule `break_glass.version`)."]) if {
	input.action == "plan.approve"
	break_glass_needed
	not input.facts.requirements.break_glass == true
}

refusals contains concat("", ["Not allowed: ", deed, " ", place, " was not approved by break-glass (rule `break_glass.execute`)."]) if {
	input.action in {"plan.execute", "tool.execute"}
	break_glass_needed
	not undoing
	not glass_broken
}

default deed := "a high-risk change"

deed := "destroying something" if destroys
