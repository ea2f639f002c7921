package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/verifier"
	"github.com/zkkex/zkkex/verifier/spent"
)

func (a *app) verifyCommand() *cobra.Command {
	var o verifyOptions
	c := &cobra.Command{
		Use:     "verify PRESENTATION [FILE | --message STRING | --session-key HEX] --scope NAME --registry-key KEY --params DIR|dev",
		GroupID: groupVerifier,
		Short:   "decide about a presentation",
		Long: `Verify decides whether a presentation proves that a member of the registry
authorised one thing, and uses up the member's slot in the same step. It needs
public things only, and believes nothing that the presentation says of itself:
scope, epoch and binding are recomputed, and the proof is checked for them.

It checks, in this order, and the first that fails is the answer:

` + conditionsText() + `
Used slots are recorded in the folder of --spent, which must be kept for as long
as epochs are accepted. The first time, --new-spent makes it; without that flag
a missing store is an error, for whoever loses it accepts every used slot again.
With --no-spend nothing is looked up nor recorded, and the same presentation is
accepted again and again.

Nothing is decided by a newest checkpoint that is older than --max-age: members
may have been revoked since, and whoever holds back newer checkpoints would
bring them back. Registrars sign one every hour, changed or not.

Exit codes: 0 yes, 3 no, 4 not a presentation, 5 parameters that do not match,
1 and 2 undecided.`,
		Example: `  zkkex verify order.proof order.json --scope rfq.example/2026 --params dev \
      --registry-key "$KEY" --mirror ./mirror --registry https://registry.example \
      --spent ./spent --new-spent
  zkkex verify - --message "I was here" --scope guestbook --params dev \
      --registry-key "$KEY" --checkpoint checkpoint.txt --no-spend < proof.txt`,
		Args: arguments(1, 2, "PRESENTATION, and at most a FILE"),
	}
	o.scope.register(c)
	o.authorization.register(c)
	o.params.register(c)
	o.roots.register(c)
	c.Flags().Uint64Var(&o.minMembers, "min-members", 0, "refuse proofs in a registry with fewer members of the key's type")
	c.Flags().StringVar(&o.spent, "spent", "", "record used slots in `DIR`")
	c.Flags().BoolVar(&o.newSpent, "new-spent", false, "make the store of --spent, once: in a new one nothing is used up")
	c.Flags().BoolVar(&o.noSpend, "no-spend", false, "do not record the slot: the presentation can be shown again and again")
	c.Flags().DurationVar(&o.skew, "clock-skew", verifier.DefaultClockSkew, "how far the prover's clock may be off; shorter for epochs of less than twice that")
	c.Flags().DurationVar(&o.grace, "epoch-grace", 0, "for how long after its end an epoch is accepted")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) { return a.verify(ctx, &o, args) })
	return c
}

type verifyOptions struct {
	scope         scopeFlags
	authorization authorizationFlags
	params        paramsFlags
	roots         rootFlags
	minMembers    uint64
	spent         string
	newSpent      bool
	noSpend       bool
	skew, grace   time.Duration
}

func (a *app) verify(ctx context.Context, o *verifyOptions, args []string) (result, error) {
	if err := o.scope.check(); err != nil {
		return nil, err
	}
	if o.params.which == "" {
		_, _, err := o.params.folder(0)
		return nil, err
	}
	if (o.spent == "") == !o.noSpend {
		return nil, withHint(usagef("say where used slots are recorded: --spent DIR, or --no-spend, one of them"),
			"without a record, one proof opens any number of doors")
	}
	if o.newSpent && o.noSpend {
		return nil, usagef("--new-spent makes the store of --spent; with --no-spend there is none")
	}
	if len(args) == 2 && args[0] == stdStream && args[1] == stdStream {
		return nil, usagef("both the presentation and what it authorises are \"-\": standard input can be read once")
	}
	if err := o.checkWindow(); err != nil {
		return nil, err
	}
	text, err := a.read(args[0], "presentation", zkkex.MaxPresentationText)
	if err != nil {
		return nil, err
	}
	p, err := zkkex.ParsePresentationText(text)
	if err != nil {
		return nil, err
	}
	authorization, err := a.authorization(&o.authorization, args[1:])
	if err != nil {
		return nil, err
	}
	v, roots, used, err := a.verifier(ctx, o)
	if err != nil {
		return nil, err
	}
	if o.params.which == devParams {
		a.warnf("development parameters: whoever made them could forge any proof")
	}
	decision, err := v.Verify(ctx, p, authorization)
	if err != nil && !errors.Is(err, zkkex.ErrRejected) {
		return nil, roots.undecided(err)
	}
	return a.newVerifyResult(o, p, roots, decision, used, err)
}

// checkWindow refuses what package verifier would, in words of the flags.
func (o *verifyOptions) checkWindow() error {
	if o.skew < 0 || o.grace < 0 {
		return usagef("--clock-skew %v, --epoch-grace %v: expected no less than 0", o.skew, o.grace)
	}
	length := o.scope.length
	if o.skew > length || o.grace > length || 2*o.skew+o.grace > length {
		return usagef("twice --clock-skew, %v, and --epoch-grace, %v, are more than --epoch-length, %v: give a shorter --clock-skew", o.skew, o.grace, length)
	}
	return nil
}

// verifier returns the verifier that the flags describe.
func (a *app) verifier(ctx context.Context, o *verifyOptions) (*verifier.Verifier, *roots, *usedSlot, error) {
	schedule, err := o.scope.schedule()
	if err != nil {
		return nil, nil, nil, err
	}
	sets, err := o.params.verifying()
	if err != nil {
		return nil, nil, nil, err
	}
	roots, err := a.roots(ctx, &o.roots)
	if err != nil {
		return nil, nil, nil, err
	}
	store, err := o.store()
	if err != nil {
		return nil, nil, nil, err
	}
	used := new(usedSlot)
	if !o.noSpend {
		used.Store = store
		store = used
	}
	skew := o.skew
	if skew == 0 {
		skew = verifier.NoClockSkew
	}
	v, err := verifier.New(verifier.Config{
		Params: sets, Registry: roots.registry, Roots: roots.policy,
		Scope: verifier.NamedScope{Name: o.scope.name, Epochs: schedule}, Limit: o.scope.limit,
		Spent: store, MinMembers: o.minMembers, ClockSkew: skew, EpochGrace: o.grace, Now: a.env.Now,
	})
	if err != nil {
		return nil, nil, nil, &usageError{err}
	}
	return v, roots, used, nil
}

// usedSlot is a store that keeps what it found: which presentation used a slot.
type usedSlot struct {
	spent.Store
	by *spent.SpentError
}

// Spend implements [spent.Store].
func (s *usedSlot) Spend(ctx context.Context, e spent.Entry) error {
	return s.keep(s.Store.Spend(ctx, e))
}

// Lookup implements [spent.Store].
func (s *usedSlot) Lookup(ctx context.Context, e spent.Entry) error {
	return s.keep(s.Store.Lookup(ctx, e))
}

func (s *usedSlot) keep(err error) error {
	errors.As(err, &s.by)
	return err
}

func (o *verifyOptions) store() (spent.Store, error) {
	if o.noSpend {
		return verifier.NoSpend, nil
	}
	if o.newSpent {
		if err := spent.Init(o.spent); errors.Is(err, fs.ErrExist) {
			return nil, withHint(err, "leave out --new-spent, which is for the first time")
		} else if err != nil {
			return nil, err
		}
	}
	return spent.OpenDir(o.spent)
}

// verifyResult is a decision.
type verifyResult struct {
	Accepted bool `json:"accepted"`
	// Spent says that the slot was recorded as used.
	Spent  bool   `json:"spent"`
	Reason string `json:"reason,omitempty"`
	// UsedBy is the digest of the presentation that used the slot before.
	UsedBy     string            `json:"used_by,omitempty"`
	Conditions []conditionResult `json:"conditions"`
	RootPolicy string            `json:"root_policy"`
	// Checkpoint is the sequence number of the newest checkpoint known, and
	// CheckpointAge how long ago it was signed.
	Checkpoint    uint64 `json:"checkpoint"`
	CheckpointAge int64  `json:"checkpoint_age_seconds"`
	presentationResult

	noSpend bool
}

func (a *app) newVerifyResult(o *verifyOptions, p *zkkex.Presentation, roots *roots, d *zkkex.Decision, used *usedSlot, rejection error) (result, error) {
	body, err := newPresentationResult(p)
	if err != nil {
		return nil, err
	}
	r := &verifyResult{
		Accepted: rejection == nil, Conditions: judged(rejection, !o.noSpend), RootPolicy: roots.says,
		Checkpoint: roots.newest.Sequence, CheckpointAge: int64(a.env.Now().Sub(roots.newest.Time) / time.Second),
		presentationResult: *body, noSpend: o.noSpend,
	}
	if d != nil {
		r.Spent = d.Spent
	}
	var no *zkkex.RejectError
	if errors.As(rejection, &no) {
		r.Reason = string(no.Reason)
	}
	if used.by != nil && r.Reason == string(zkkex.SlotUsed) {
		r.UsedBy = hex.EncodeToString(used.by.Presentation[:])
		if r.UsedBy == r.Digest {
			rejection = fmt.Errorf("%w: this very presentation was accepted before", rejection)
		} else {
			rejection = fmt.Errorf("%w: another presentation, of the same member and slot", rejection)
		}
	}
	return r, rejection
}

// marks are what stands before a condition.
var marks = map[string]string{"yes": "ok", "no": "NO", "unseen": "-"}

func (r *verifyResult) text() string {
	var b strings.Builder
	for _, c := range r.Conditions {
		fmt.Fprintf(&b, "%-2s  %-8s  %s\n", marks[c.Result], c.Name, c.Text)
	}
	var t table
	t.add("epoch", "%v", r.Epoch)
	t.add("roots", "%s, signed %v ago", r.RootPolicy, time.Duration(r.CheckpointAge)*time.Second)
	t.add("nullifier", "%s", r.Nullifier)
	t.add("digest", "%s", r.Digest)
	if r.UsedBy != "" {
		t.add("used by", "%s", r.UsedBy)
	}
	t.add("authorizes", "%s %s", r.Authorizes, r.Value)
	b.WriteString("\n" + t.String() + "\n")
	switch {
	case !r.Accepted:
		fmt.Fprintf(&b, "rejected: %s\n", r.Reason)
	case r.noSpend:
		b.WriteString("accepted: a member of the registry authorised this; nothing was recorded\n")
	default:
		b.WriteString("accepted: a member of the registry authorised this, and the slot is used up\n")
	}
	return b.String()
}
