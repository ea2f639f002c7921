package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/enrolment/enrolclient"
	"github.com/zkkex/zkkex/member"
)

func (a *app) enrollCommand() *cobra.Command {
	var o enrollOptions
	c := &cobra.Command{
		Use:     "enroll [--registry URL --registry-key KEY] [--key URI]",
		Aliases: []string{"enrol"},
		GroupID: groupMember,
		Short:   "ask a registrar for admission",
		Long: `Enroll asks a registrar for admission: it answers the registrar's challenge with
a signature of the identity key. The registrar learns the public key, a hash of
the nullifier key, and where the connection comes from. It cannot link proofs to
any of these.

A new registry is recorded, as "zkkex trust" does, once it is found at the
address with the key that is given; one that is recorded can be named by its
name alone. With --wait, enroll returns when the leaf is in a checkpoint.

Of a request that was denied, enroll says so; --again makes a new one.

With --key, the member is a key that you have already and that never leaves its
place: in a token, a TPM, an agent, a wallet, a file or a threshold group. It
signs once, and so delegates to the key of this state directory until --for has
passed; all that comes after works the same, and needs the device no more.
Before the end, run the same again: it renews the delegation. "zkkex keys" says
which kinds of keys there are.

Offline, the registrar makes a challenge ("zkkex registry challenge"), and the
answer goes back as a file ("zkkex registry admit FILE").`,
		Example: `  zkkex enroll --registry https://registry.example --registry-key registry.example/members+0d3a7e7e+AYb... --wait
  zkkex enroll --registry registry.example/members
  zkkex enroll --registry registry.example/members --key ssh-agent:desk --wait
  zkkex enroll --registry registry.example/members --key "pkcs11:token=desk?module-path=/usr/lib/libpkcs11.so" --pin-file pin
  zkkex enroll --challenge challenge.txt --out request.txt`,
		Args: noArguments,
	}
	o.trust.register(c)
	c.Flags().BoolVar(&o.wait, "wait", false, "wait until the registrar has admitted the key, and sync")
	c.Flags().BoolVar(&o.again, "again", false, "make a new request, if the registrar denied the last one")
	c.Flags().DurationVar(&o.poll, "poll", 2*time.Second, "with --wait, how often to ask")
	c.Flags().StringVar(&o.challenge, "challenge", "", "answer the challenge in `FILE`, without a network")
	c.Flags().StringVar(&o.out, "out", stdStream, "with --challenge, write the request to `FILE`")
	o.device.register(c)
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) {
		if err := o.device.check(); err != nil {
			return nil, err
		}
		return a.withMember(ctx, nil, func(m *member.Member) (result, error) {
			if o.challenge != "" {
				return a.enrollOffline(ctx, m, &o)
			}
			return a.enrollOnline(ctx, m, &o)
		})
	})
	return c
}

type enrollOptions struct {
	trust     trustFlags
	device    deviceFlags
	wait      bool
	again     bool
	poll      time.Duration
	challenge string
	out       string
}

// enrollRegistry returns the registry to enrol in, recorded first if its key
// is given and it is there. Of one that is known, what is not given stays as it
// is: witnesses that were demanded once are demanded further.
func (a *app) enrollRegistry(ctx context.Context, m *member.Member, f *trustFlags) (zkkex.RegistryID, error) {
	if f.key == "" {
		id, err := m.Find(f.url)
		isURL := strings.Contains(f.url, "://")
		if err == nil || !isURL || !errors.Is(err, member.ErrNoRegistry) {
			return id, err
		}
	}
	if f.url == "" || f.key == "" {
		return a.trust(ctx, m, f)
	}
	if err := f.checkURL(); err != nil {
		return zkkex.RegistryID{}, err
	}
	r := f.registry()
	for _, known := range m.Registries() {
		if known.VerifierKey == f.key {
			r = f.over(known)
			if r.URL == known.URL {
				return m.Trust(r)
			}
		}
	}
	if strings.HasPrefix(r.URL, "file:") {
		return zkkex.RegistryID{}, member.ErrOffline
	}
	if err := m.Recognize(ctx, r); err != nil {
		return zkkex.RegistryID{}, err
	}
	return m.Trust(r)
}

func (a *app) enrollOnline(ctx context.Context, m *member.Member, o *enrollOptions) (result, error) {
	if o.poll < 10*time.Millisecond {
		return nil, usagef("--poll %v: expected at least 10ms", o.poll)
	}
	id, err := a.enrollRegistry(ctx, m, &o.trust)
	if err != nil {
		return nil, err
	}
	if r, err := a.alreadyAdmitted(ctx, m, id, o); r != nil || err != nil {
		return r, err
	}
	outcome, err := a.askRegistrar(ctx, m, id, o)
	if err != nil {
		return nil, err
	}
	if o.wait {
		return a.waitForAdmission(ctx, m, id, outcome, o.poll)
	}
	if outcome.State == enrolclient.Admitted {
		s, err := a.syncStatus(ctx, m, id)
		if err != nil {
			return nil, err
		}
		if !s.Admitted {
			a.notef("the registrar admitted the request, but your key is not in checkpoint %d: it will be in a later one, or was revoked since", s.Checkpoint.Sequence)
		}
	}
	return a.enrollResult(m, id, outcome)
}

// askRegistrar makes a request, with the member's own key or with a device.
func (a *app) askRegistrar(ctx context.Context, m *member.Member, id zkkex.RegistryID, o *enrollOptions) (enrolclient.Status, error) {
	if o.device.uri != "" {
		return a.askWithDevice(ctx, m, id, o)
	}
	if s, err := m.Status(id); err == nil && s.Delegation != nil && !s.Pending() && !o.again {
		return enrolclient.Status{}, withHint(
			usagef("your key was the delegate of %v:%x, until %s", s.Delegation.KeyType, s.Delegation.PublicKey, rfc3339(s.Delegation.Delegation.Until)),
			"--key URI has that device sign again; --again asks that your key itself is admitted, which no device can delegate to then")
	}
	defer a.progress("asking the registrar")()
	if o.again {
		return m.EnrolAgain(ctx, id)
	}
	return m.Enrol(ctx, id)
}

// alreadyAdmitted returns a result, if the leaf is in the registry already and there
// is nothing to renew. The copy here may be older than a revocation, so it is synced
// first.
func (a *app) alreadyAdmitted(ctx context.Context, m *member.Member, id zkkex.RegistryID, o *enrollOptions) (result, error) {
	s, err := m.Status(id)
	if err != nil || !s.Admitted {
		return nil, err
	}
	if o.device.uri != "" && (o.again || a.renewable(s, o.device.period)) {
		_, err := a.syncStatus(ctx, m, id) // another device's delegation may be over
		return nil, err
	}
	if s, err = a.syncStatus(ctx, m, id); err != nil {
		return nil, err
	}
	if !s.Admitted {
		a.notef("your key was in the registry, and is not as of checkpoint %d: it was revoked", s.Checkpoint.Sequence)
		return nil, nil
	}
	if s.Delegation != nil {
		a.notef("the delegation of %v:%x lasts until %s; --again renews it now", s.Delegation.KeyType, s.Delegation.PublicKey, rfc3339(s.Delegation.Delegation.Until))
	}
	a.notef("your key is in the registry already, as of checkpoint %d", s.Checkpoint.Sequence)
	return a.enrollResult(m, id, enrolclient.Status{State: enrolclient.Admitted})
}

// syncStatus returns the member's state after a sync.
func (a *app) syncStatus(ctx context.Context, m *member.Member, id zkkex.RegistryID) (*member.Status, error) {
	done := a.progress("syncing")
	_, err := m.Sync(ctx, id)
	done()
	if err != nil {
		return nil, err
	}
	return m.Status(id)
}

// waitForAdmission asks until the request is decided, and syncs until the leaf
// is in a checkpoint.
func (a *app) waitForAdmission(ctx context.Context, m *member.Member, id zkkex.RegistryID, outcome enrolclient.Status, poll time.Duration) (result, error) {
	var shown string
	for {
		if outcome.State != shown {
			shown = outcome.State
			a.notef("the request is %s", shown)
		}
		switch outcome.State {
		case enrolclient.Denied:
			return a.enrollResult(m, id, outcome)
		case enrolclient.Admitted:
			s, err := a.syncStatus(ctx, m, id)
			if err != nil {
				return nil, err
			}
			// The sync forgets the request when it finds the leaf.
			if s.Admitted {
				return a.enrollResult(m, id, outcome)
			}
		}
		select {
		case <-ctx.Done():
			return nil, withHint(ctx.Err(), "the request was sent and stays; zkkex status tells how far it is")
		case <-time.After(poll):
		}
		var err error
		if outcome, err = m.EnrolmentStatus(ctx, id); err != nil {
			return nil, err
		}
	}
}

// enrollResult is what the registrar says about the request.
type enrollResult struct {
	Registry   string `json:"registry"`
	Name       string `json:"name"`
	Commitment string `json:"commitment"`
	Request    string `json:"request,omitempty"`
	State      string `json:"state"`
	Reason     string `json:"reason,omitempty"`
	// Live says that the leaf is in the newest checkpoint that was synced,
	// whose sequence number is Sequence.
	Live bool `json:"live"`
	// Until is when the delegation ends, if a device stands behind the leaf.
	Until    string  `json:"until,omitempty"`
	Index    *uint64 `json:"index,omitempty"`
	Sequence *uint64 `json:"sequence,omitempty"`
}

func (a *app) enrollResult(m *member.Member, id zkkex.RegistryID, outcome enrolclient.Status) (result, error) {
	s, err := m.Status(id)
	if err != nil {
		return nil, err
	}
	r := &enrollResult{
		Registry: id.String(), Name: s.Registry.Name(), Commitment: m.Public().Commitment().String(),
		Request: outcome.ID, State: outcome.State, Reason: outcome.Reason, Live: s.Admitted,
	}
	if s.Admitted {
		r.Index = &s.Index
	}
	if s.Delegation != nil {
		r.Until = rfc3339(s.Delegation.Delegation.Until)
	}
	if s.Checkpoint != nil {
		r.Sequence = &s.Checkpoint.Sequence
	}
	switch outcome.State {
	case enrolclient.Denied:
		return r, withHint(zkkex.Reject(deniedReason, "the registrar denied the request: %s", outcome.Reason),
			"ask the registrar; zkkex enroll --again makes a new request")
	case enrolclient.Pending:
		a.notef("the registrar decides; zkkex enroll --wait asks again until then, zkkex status tells")
	}
	return r, nil
}

func (r *enrollResult) text() string {
	var t table
	t.add("registry", "%s", r.Name)
	t.add("commitment", "%s", r.Commitment)
	if r.Request != "" {
		t.add("request", "%s", r.Request)
	}
	t.add("state", "%s", r.State)
	if r.Index != nil {
		t.add("index", "%d, as of checkpoint %d", *r.Index, *r.Sequence)
	}
	if r.Until != "" {
		t.add("delegated until", "%s", r.Until)
	}
	return t.String()
}

func (a *app) enrollOffline(ctx context.Context, m *member.Member, o *enrollOptions) (result, error) {
	if o.wait {
		return nil, usagef("--wait needs a network, and --challenge is for working without one")
	}
	text, err := a.read(o.challenge, "challenge", enrolment.MaxChallengeText+1)
	if err != nil {
		return nil, err
	}
	c, err := enrolment.ParseChallenge(string(bytes.TrimSuffix(text, []byte("\n"))))
	if err != nil {
		return nil, err
	}
	if end := time.Unix(c.Expiry, 0); a.env.Now().After(end) {
		a.warnf("the challenge ended at %s: the registrar will refuse the answer", end.UTC().Format(time.RFC3339))
	}
	if o.trust.key != "" {
		if err := a.trustChallenger(ctx, m, c, &o.trust); err != nil {
			return nil, err
		}
	}
	r, err := a.answerOffline(ctx, m, c, o)
	if errors.Is(err, member.ErrNoRegistry) {
		return nil, withHint(fmt.Errorf("the challenge is of a registry that is not trusted here: %w", err),
			"record it first: give --registry and --registry-key")
	}
	if err != nil {
		return nil, err
	}
	request, err := r.MarshalText()
	if err != nil {
		return nil, err
	}
	return a.newFile("request", request, o.out, r.Digest())
}

// answerOffline answers a challenge, with the member's own key or with a device.
func (a *app) answerOffline(ctx context.Context, m *member.Member, c enrolment.Challenge, o *enrollOptions) (enrolment.Application, error) {
	if o.device.uri == "" {
		return m.EnrolOffline(c)
	}
	device, err := a.openDevice(ctx, &o.device)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	return m.EnrolDeviceOffline(ctx, c, device, a.env.Now().Add(o.device.period))
}

// trustChallenger records the registry that a challenge is of, if it is the one
// that the flags name. A folder must hold it, a server is not asked.
func (a *app) trustChallenger(ctx context.Context, m *member.Member, c enrolment.Challenge, f *trustFlags) error {
	r := f.registry()
	id, err := r.ID()
	if err != nil {
		return err
	}
	if id != c.Registry {
		return fmt.Errorf("%w: the challenge is of %v, the key of %v", member.ErrOtherRegistry, c.Registry, id)
	}
	if strings.HasPrefix(r.URL, "file:") {
		if err := m.Recognize(ctx, r); err != nil {
			return err
		}
	}
	_, err = a.trust(ctx, m, f)
	return err
}

// fileResult is one of our files, written or to be printed.
type fileResult struct {
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	Out    string `json:"out,omitempty"`
	Digest string `json:"digest,omitempty"`
}

// newFile writes a file, or prints it where out is "-".
func (a *app) newFile(kind string, text []byte, out string, digest [32]byte) (result, error) {
	r := &fileResult{Kind: kind, Text: string(text), Digest: fmt.Sprintf("%x", digest)}
	if digest == [32]byte{} {
		r.Digest = ""
	}
	if out == stdStream {
		return r, nil
	}
	r.Out = out
	if err := a.write(out, text); err != nil {
		return nil, err
	}
	a.notef("wrote the %s to %s", kind, out)
	return r, nil
}

func (r *fileResult) text() string {
	if r.Out != "" {
		return ""
	}
	return r.Text
}

func (r *fileResult) artefact() {}
