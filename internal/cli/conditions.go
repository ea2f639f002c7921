package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zkkex/zkkex"
)

// condition is one thing that a verifier checks.
type condition struct {
	name    string
	reasons []zkkex.Reason
	text    string
}

// conditions are what package verifier checks, in its order: what comes before
// the one that fails holds, what comes after was not looked at.
var conditions = []condition{
	{"circuit", []zkkex.Reason{zkkex.WrongCircuit}, "the verifier has parameters for the circuit"},
	{"params", []zkkex.Reason{zkkex.WrongParams}, "made with parameters that the verifier accepts"},
	{"registry", []zkkex.Reason{zkkex.WrongRegistry}, "about the registry of --registry-key"},
	{"limit", []zkkex.Reason{zkkex.WrongLimit}, "for the verifier's --limit"},
	{"epoch", []zkkex.Reason{zkkex.WrongEpoch}, "the one that it is now, by the verifier's clock and schedule"},
	{"scope", []zkkex.Reason{zkkex.WrongScope}, "equal to the scope that follows from --scope, registry and epoch"},
	{"binding", []zkkex.Reason{zkkex.WrongBinding}, "authorises what was given, and nothing else"},
	{"root", []zkkex.Reason{zkkex.UnknownRoot, zkkex.StaleRoot}, "of a checkpoint that the registrar signed and the policy accepts"},
	{"members", []zkkex.Reason{zkkex.TooFewMembers}, "at least --min-members with a key of the circuit's type"},
	{"unused", nil, "the slot was not used before, by --spent"},
	{"proof", []zkkex.Reason{zkkex.BadProof, zkkex.Busy}, "encoding, curve, subgroup, and the pairing equation"},
	{"spent", []zkkex.Reason{zkkex.SlotUsed}, "the slot is recorded as used: of two at once, one wins"},
}

// conditionResult is what came out for one condition: "yes", "no", or "unseen"
// after the one that failed.
type conditionResult struct {
	Name   string `json:"name"`
	Result string `json:"result"`
	Text   string `json:"text"`
}

// judged returns what came out for every condition. With spent false, nothing
// was recorded.
func judged(err error, spent bool) []conditionResult {
	failed := len(conditions)
	if err != nil {
		failed = failedCondition(err)
	}
	var out []conditionResult
	for i, c := range conditions {
		r := conditionResult{Name: c.name, Result: "yes", Text: c.text}
		switch {
		case i == failed:
			r.Result = "no"
		case i > failed, !spent && (c.name == "unused" || c.name == "spent"):
			r.Result = "unseen"
		}
		out = append(out, r)
	}
	return out
}

// failedCondition returns the position of the condition that a rejection names.
// A used slot is found when it is looked up.
func failedCondition(err error) int {
	var no *zkkex.RejectError
	if !errors.As(err, &no) {
		return 0
	}
	if no.Reason == zkkex.SlotUsed {
		return slices.IndexFunc(conditions, func(c condition) bool { return c.name == "unused" })
	}
	return slices.IndexFunc(conditions, func(c condition) bool { return slices.Contains(c.reasons, no.Reason) })
}

// conditionsText lists the conditions for a help text.
func conditionsText() string {
	var b strings.Builder
	for i, c := range conditions {
		fmt.Fprintf(&b, "  %2d. %-9s %s\n", i+1, c.name, c.text)
	}
	return b.String()
}
