# Inputs that the other tests change, and tests of the shared words.
package policy.assistant.v1_test

import rego.v1

import data.policy.assistant.v1 as rules

ann := {"kind": "person", "id": "ann", "name": "Ann", "tenant": "default", "groups": ["sre"]}

bo := {"kind": "person", "id": "bo", "name": "Bo", "tenant": "default", "groups": ["sre", "shop-owners"]}

dana := {"kind": "person", "id": "dana", "name": "Dana", "tenant": "default", "groups": ["shop"]}

worker := {"kind": "service", "id": "service:worker", "name": "Worker", "tenant": "default", "groups": []}

prod := {"tenant": "default", "environment": "prod", "cluster": "eu-1", "service": "checkout"}

writing := {"kind": "tool", "name": "git.revert_commit", "effect": "write", "reversible": true}

looking := {"kind": "tool", "name": "git.log", "effect": "read", "reversible": false}

from_dana := {
	"stage": "approve-all",
	"emoji_max_risk": "medium",
	"origin": "person",
	"requester": "dana",
	"editors": [],
	"writes": true,
	"owners": ["shop-owners"],
	"identity_provider": false,
	"break_glass": "",
	"glass": {"reason": "", "ticket": ""},
	"freeze": [],
	"approvers": ["ann"],
	"people": 1,
	"complete": true,
	"surface": "button",
	"step_up": false,
	"tool": "git.revert_commit",
	"phase": "act",
	"choice": "hold",
	"requirements": {"people": 1, "groups": [["sre"]], "emoji": false, "step_up": false, "break_glass": false},
}

question(actor, action, changes) := object.union(
	{
		"actor": actor,
		"action": action,
		"context": prod,
		"resources": [writing],
		"risk": "medium",
		"time": "2026-11-22T14:09:00Z",
		"facts": from_dana,
	},
	changes,
)

decision(given) := answer if answer := rules.result.decision with input as given

reasons(given) := answer if answer := rules.result.reasons with input as given

requirements(given) := answer if answer := rules.result.requirements with input as given

test_every_risk_has_a_time_to_decide if {
	rules.decide_within == {"read": 86400, "low": 86400, "medium": 14400, "high": 3600}
}

test_an_effect_that_is_not_known_is_noticed if {
	not rules.effects_known with input as question(ann, "plan.create", {"resources": [{"name": "x", "effect": "?"}]})
	not rules.effects_known with input as question(ann, "plan.create", {"resources": []})
	rules.effects_known with input as question(ann, "plan.create", {})
}

test_destroying_is_seen if {
	rules.destroys with input as question(ann, "plan.create", {"resources": [looking, {"name": "x", "effect": "destroy"}]})
	not rules.destroys with input as question(ann, "plan.create", {})
}

test_groups_are_named_in_bold if rules.bold(["sre", "shop"]) == "*shop* or *sre*"

test_the_place_is_named if {
	rules.place == "in prod" with input as question(ann, "plan.create", {})
	rules.place == "in an unknown environment" with input as question(ann, "plan.create", {"context": {"environment": ""}})
}
