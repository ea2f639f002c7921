package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// deniedReason is the reason of a registrar's decision against a request.
const deniedReason zkkex.Reason = "denied"

// explanation says what a reason for a rejection means.
type explanation struct {
	// Means is what was expected and what was found.
	Means string `json:"means"`
	// Do is what the member, or whoever made the proof, can do.
	Do string `json:"do"`
}

// explanations explain every reason.
var explanations = map[zkkex.Reason]explanation{
	zkkex.BadProof: {
		"the proof does not verify for the statement that the verifier recomputed: it was damaged, or made for something else",
		"send the presentation again, unchanged; if that does not help, prove again",
	},
	zkkex.UnknownRoot: {
		"no checkpoint that the verifier knows has this root under this sequence number: the verifier is behind, or was shown another history",
		"let the verifier sync; if the root stays unknown, compare the registry's key and checkpoints on both sides",
	},
	zkkex.StaleRoot: {
		"the root was superseded by a newer checkpoint, longer ago than the verifier's root policy allows",
		"zkkex sync, and prove again; a verifier can allow more with --root-policy grace=DURATION, which lets revoked members in for as long, and should be longer than the hour that registrars take between signatures",
	},
	zkkex.SlotUsed: {
		"the slot of this proof was used before, in this scope and epoch",
		"if the digest that used it is this presentation's, it was shown before and counted then; otherwise prove again: that takes the next slot, if --limit has more than one; else wait for the next epoch",
	},
	zkkex.WrongLimit: {
		"the proof is for another number of slots per epoch than the verifier's",
		"give the same --limit to prove and verify",
	},
	zkkex.WrongScope: {
		"the proof is for another scope: another --scope name, registry or epoch than the verifier's",
		"give the same --scope, --epoch-length and --epoch-origin to prove and verify",
	},
	zkkex.WrongEpoch: {
		"the epoch of the proof is over, has not begun, or is of another schedule than the verifier's",
		"prove again in the present epoch; compare the clocks, --epoch-length and --epoch-origin on both sides",
	},
	zkkex.WrongBinding: {
		"the proof authorises something else than what was shown: another file, message or session key",
		"show the verifier exactly what was proved for, byte by byte",
	},
	zkkex.WrongRegistry: {
		"this is about another registry than the verifier's",
		"compare the registry's key on both sides",
	},
	zkkex.WrongCircuit: {
		"the verifier has no parameters for this circuit; the circuit follows from the capacity of the registry",
		"give the verifier the parameters of this circuit",
	},
	zkkex.WrongParams: {
		"the proof was made with parameters that the verifier does not accept",
		"use the same --params on both sides; zkkex setup show prints their digests",
	},
	zkkex.TooFewMembers: {
		"fewer members than demanded: a proof would hide its maker among too few",
		"wait for more members",
	},
	zkkex.Busy: {
		"the verifier has more proofs waiting than it keeps, or this one waited too long; nothing was decided, no slot is used",
		"send the same presentation again, a little later",
	},
	enrolment.Expired: {
		"the enrolment challenge that was answered has ended, or ends later than any challenge can",
		"ask for a new challenge and answer that; compare the clocks",
	},
	enrolment.WrongChallenge: {
		"the registrar did not issue the challenge that was answered",
		"ask this registrar for a challenge, and answer that",
	},
	enrolment.BadKey: {
		"the public key in the request is not a canonical point of the prime-order subgroup",
		"make the request with zkkex enroll",
	},
	enrolment.BadSignature: {
		"the signature in the request is not by its key, or not for this challenge: the request was damaged or changed",
		"make the request anew with zkkex enroll",
	},
	handshake.NotAdmitted: {
		"a session was to be opened with a certificate that the venue has not admitted: it has another store, or has lost what it knew",
		"zkkex tunnel shows the certificate again by itself; if that goes on, the venue's store was replaced",
	},
	handshake.OpensExceeded: {
		"this open of a certificate was used before, or the certificate was opened as often as the venue allows",
		"open with a fresh certificate, as zkkex tunnel does for each connection",
	},
	handshake.ChannelsExceeded: {
		"the certificate has as many sessions at the same time as the venue allows",
		"end one of them, or open with a fresh certificate",
	},
	handshake.Banned: {
		"the venue has banned this pseudonym until its epoch ends, and ended its sessions",
		"ask the venue why; the venue's operator: zkkex gateway status",
	},
	handshake.WrongGeneration: {
		"the venue has raised its generation since the certificate was made: everybody proves again, with fresh slots",
		"open again: what is newer is fetched, and proved for, by itself",
	},
	handshake.Unavailable: {
		"the venue could not tell: its store or its verifier does not work at the moment; nothing was decided, and nothing is used up",
		"try again later; the venue's operator: zkkex venue status",
	},
	handshake.EarlyRefused: {
		"data came with the first message, and the venue takes none there",
		"open again without",
	},
	handshake.Refused: {
		"the venue says no for a reason that this version does not know",
		"use a newer version, or ask the venue",
	},
	descriptor.WrongVenue: {
		"the descriptor is of another venue than the one that is trusted",
		"compare address and identity with what the venue says by another way",
	},
	descriptor.WeakSuite: {
		"the venue offers no suite that is as strong as is demanded here",
		"ask the venue for one with a prekey, or trust it again without --require-prekey",
	},
	deniedReason: {
		"the registrar decided against the enrolment request",
		"ask the registrar; the reason they gave is in the message; zkkex enroll --again makes a new request",
	},
}

func explainCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "explain [REASON]",
		Short:   "say what a reason for a rejection, or a code, means, and what to do",
		Example: "  zkkex doctor explain slot_used",
		Args:    arguments(0, 1, "at most one REASON"),
		RunE: a.run(func(_ context.Context, args []string) (result, error) {
			if len(args) == 0 {
				return explained(), nil
			}
			reason := zkkex.Reason(args[0])
			e, ok := explained()[reason]
			if !ok {
				return nil, withHint(usagef("no reason or code %q", args[0]), "zkkex doctor explain lists them")
			}
			return explainResult{reason: e}, nil
		}),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return explained().reasons(), cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// explainResult is explanations by reason.
type explainResult map[zkkex.Reason]explanation

func (r explainResult) reasons() (reasons []string) {
	byName := make(map[string]bool)
	for reason := range r {
		byName[string(reason)] = true
	}
	return sortedKeys(byName)
}

func (r explainResult) text() string {
	var parts []string
	for _, reason := range r.reasons() {
		e := r[zkkex.Reason(reason)]
		parts = append(parts, table{{"reason", reason}, {"means", e.Means}, {"do", e.Do}}.String())
	}
	return strings.Join(parts, "\n")
}
