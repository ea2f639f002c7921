package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/member"
)

func (a *app) statusCommand() *cobra.Command {
	var o statusOptions
	c := &cobra.Command{
		Use:     "status [--scope NAME] [--registry NAME | --venue NAME]",
		GroupID: groupMember,
		Short:   "show your leaf, your registries and venues, and the slots left",
		Long: `Status shows what is in the state directory: it asks nobody, and needs no
passphrase. With --scope, it counts the slots that are left in this epoch of a
scope of your own; those at venues are always counted.`,
		Example: `  zkkex status
  zkkex status --venue venue.example
  zkkex status --scope rfq.example/2026 --limit 10`,
		Args: noArguments,
	}
	o.scope.register(c)
	c.Flags().StringVar(&o.registry, "registry", "", "show this registry alone: its `NAME`, URL or identifier")
	c.Flags().StringVar(&o.venue, "venue", "", "show this venue alone: its `NAME`, URL or identifier")
	a.completeMember(c)
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		return a.withMember(ctx, nil, func(m *member.Member) (result, error) { return a.status(m, &o) })
	})
	return c
}

type statusOptions struct {
	scope           scopeFlags
	registry, venue string
}

// statusResult is what a state directory says.
type statusResult struct {
	KeyType    string            `json:"key_type"`
	PublicKey  string            `json:"public_key"`
	Commitment string            `json:"commitment"`
	Encrypted  bool              `json:"encrypted"`
	Slots      slotStatus        `json:"slots"`
	Registries []*registryStatus `json:"registries"`
	Venues     []*venueOfMember  `json:"venues"`
}

// slotStatus is what the count of slots says of itself.
type slotStatus struct {
	Range     string     `json:"range,omitempty"`
	Recovered *time.Time `json:"recovered,omitempty"`
	Problem   string     `json:"problem,omitempty"`
}

// registryStatus is a member's state in one registry.
type registryStatus struct {
	Name     string `json:"name"`
	Registry string `json:"registry"`
	URL      string `json:"url"`
	// Enrolment is "none", "pending", "admitted" or "revoked", by the newest
	// checkpoint that was synced.
	Enrolment string `json:"enrolment"`
	// RevokedBy is the number of the operation that revoked the leaf, also if
	// a new request is pending.
	RevokedBy *uint64 `json:"revoked_by,omitempty"`
	// Device is the key that the member's is, or was last, a delegate of.
	Device     *delegatorStatus `json:"device,omitempty"`
	Index      *uint64          `json:"index,omitempty"`
	Sequence   *uint64          `json:"sequence,omitempty"`
	Root       string           `json:"root,omitempty"`
	AgeSeconds *int64           `json:"age_seconds,omitempty"`
	Members    uint64           `json:"members"`
	Scope      *scopeCount      `json:"scope,omitempty"`

	age time.Duration
}

// delegatorStatus is the key of a device that delegated.
type delegatorStatus struct {
	KeyType   string `json:"key_type"`
	PublicKey string `json:"public_key"`
	Until     string `json:"until"`
	Ended     bool   `json:"ended"`
}

func newDelegatorStatus(s *member.Status) *delegatorStatus {
	if s.Delegation == nil {
		return nil
	}
	return &delegatorStatus{
		KeyType: s.Delegation.KeyType.String(), PublicKey: hex.EncodeToString(s.Delegation.PublicKey),
		Until: rfc3339(s.Delegation.Delegation.Until), Ended: s.Ended,
	}
}

// scopeCount is how many slots are left in a scope.
type scopeCount struct {
	Name    string      `json:"name"`
	Epoch   epochResult `json:"epoch"`
	Limit   uint32      `json:"limit"`
	Left    uint32      `json:"left"`
	Problem string      `json:"problem,omitempty"`
}

func (a *app) status(m *member.Member, o *statusOptions) (result, error) {
	p := m.Public()
	key := p.Bytes()
	r := &statusResult{
		KeyType: p.KeyType().String(), PublicKey: hex.EncodeToString(key[:]), Commitment: p.Commitment().String(),
		Encrypted: m.Encrypted(), Slots: newSlotStatus(m), Registries: []*registryStatus{}, Venues: []*venueOfMember{},
	}
	if o.registry != "" && o.venue != "" {
		return nil, usagef("--registry and --venue: give one of them")
	}
	if o.registry == "" {
		var err error
		if r.Venues, err = a.venueStatuses(m, o.venue); err != nil {
			return nil, err
		}
	}
	if o.venue != "" {
		return r, nil
	}
	ids, err := chosen(m, o.registry)
	if errors.Is(err, member.ErrNoRegistry) && o.registry == "" {
		a.notef("no registry yet: zkkex enroll --registry URL --registry-key KEY")
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		one, err := newRegistryStatus(m, id, &o.scope)
		if err != nil {
			return nil, err
		}
		r.Registries = append(r.Registries, one)
	}
	return r, nil
}

func newSlotStatus(m *member.Member) (s slotStatus) {
	info, err := m.Slots()
	if err != nil {
		return slotStatus{Problem: err.Error()}
	}
	s.Range = info.Range.String()
	if !info.Recovered.IsZero() {
		s.Recovered = &info.Recovered
	}
	return s
}

func newRegistryStatus(m *member.Member, id zkkex.RegistryID, scope *scopeFlags) (*registryStatus, error) {
	s, err := m.Status(id)
	if err != nil {
		return nil, err
	}
	r := &registryStatus{Name: s.Registry.Name(), Registry: id.String(), URL: s.Registry.URL, Enrolment: "none", Members: s.Members}
	switch {
	case s.Admitted:
		r.Enrolment, r.Index = "admitted", &s.Index
	case s.Pending():
		r.Enrolment = "pending"
	case s.Revoked != nil:
		r.Enrolment = "revoked"
	}
	r.Device = newDelegatorStatus(s)
	if s.Revoked != nil {
		r.RevokedBy = &s.Revoked.Operation
	}
	if s.Checkpoint != nil {
		seconds := int64(s.Age / time.Second)
		r.Sequence, r.Root, r.AgeSeconds, r.age = &s.Checkpoint.Sequence, s.Checkpoint.Root.String(), &seconds, s.Age.Round(time.Second)
	}
	if scope.name != "" {
		r.Scope, err = newScopeCount(m, id, scope)
	}
	return r, err
}

func newScopeCount(m *member.Member, id zkkex.RegistryID, f *scopeFlags) (*scopeCount, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	schedule, err := f.schedule()
	if err != nil {
		return nil, err
	}
	claim, err := m.NamedClaim(id, f.name, schedule, f.limit, zkkex.Authorization{})
	if err != nil {
		return nil, err
	}
	epoch, err := newEpochResult(claim.Epoch)
	if err != nil {
		return nil, err
	}
	c := &scopeCount{Name: f.name, Epoch: epoch, Limit: f.limit}
	if c.Left, err = m.SlotsLeft(claim); err != nil {
		c.Problem = err.Error()
	}
	return c, nil
}

func (r *statusResult) text() string {
	var t table
	t.add("key", "%s %s", r.KeyType, r.PublicKey)
	t.add("commitment", "%s", r.Commitment)
	if !r.Encrypted {
		t.add("key file", "not encrypted")
	}
	switch {
	case r.Slots.Problem != "":
		t.add("slots", "cannot be used: %s", r.Slots.Problem)
	case r.Slots.Recovered != nil:
		t.add("slots", "%s, recovered %s", r.Slots.Range, r.Slots.Recovered.Format(time.RFC3339))
	case r.Slots.Range != "0+":
		t.add("slots", "%s", r.Slots.Range)
	}
	var b strings.Builder
	b.WriteString(t.String())
	for _, one := range r.Registries {
		b.WriteString("\n" + one.text())
	}
	for _, one := range r.Venues {
		b.WriteString("\n" + one.text())
	}
	return b.String()
}

func (r *registryStatus) text() string {
	var t table
	t.add("registry", "%s, at %s", r.Name, r.URL)
	t.add("identifier", "%s", r.Registry)
	switch r.Enrolment {
	case "admitted":
		t.add("enrolment", "admitted, at index %d", *r.Index)
	default:
		t.add("enrolment", "%s", r.Enrolment)
	}
	if r.RevokedBy != nil {
		t.add("revoked", "by operation %d of the registry's log", *r.RevokedBy)
	}
	if d := r.Device; d != nil {
		t.add("device", "%s %s", d.KeyType, d.PublicKey)
		until := "delegated until"
		if d.Ended {
			until = "delegation ended"
		}
		t.add(until, "%s", d.Until)
	}
	if r.Sequence == nil {
		t.add("checkpoint", "none yet: zkkex sync")
	} else {
		t.add("checkpoint", "%d, %s old", *r.Sequence, r.age)
		t.add("root", "%s", r.Root)
		t.add("members", "%d to hide among", r.Members)
	}
	if s := r.Scope; s != nil {
		left := fmt.Sprintf("%d of %d left", s.Left, s.Limit)
		if s.Problem != "" {
			left = s.Problem
		}
		t.add("scope", "%q: %s", s.Name, left)
		t.add("epoch", "%v", s.Epoch)
	}
	return t.String()
}
