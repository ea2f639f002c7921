package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment/enrolclient"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/slots"
)

// person is the member whose story it is.
type person struct {
	*member.Member
	registry zkkex.RegistryID
	secret   *keys.Secret // for the attacks; the state directory has its own
	// first, second and last are the presentations of its three slots.
	first, second, last *zkkex.Presentation
}

// What the three proofs authorise, and what one of them does not.
const (
	firstMessage  = "sell 100 ABC at 20.50 or better"
	secondMessage = "buy 40 XYZ at 7.25 or better"
	lastMessage   = "sell 5 ABC at 21.00 or better"
	otherMessage  = "sell 100000 ABC at any price"
)

// enrol makes a member, who asks for admission, is approved, and syncs.
func (p *play) enrol(ctx context.Context) error {
	s := p.story
	s.title("A member enrols")
	if err := p.createPerson(); err != nil {
		return err
	}
	m := p.person
	outcome, err := m.Enrol(ctx, m.registry)
	if err != nil {
		return err
	}
	if outcome.State != enrolclient.Pending {
		return fmt.Errorf("%w: the request is %s before anybody decided", ErrUnexpected, outcome.State)
	}
	s.line("The member's request waits; the registrar looks at it, approves it, and")
	s.line("publishes the next checkpoint.")
	if err := p.office.approveAll(ctx); err != nil {
		return err
	}
	if err := s.timed("sync the registry over HTTP, in whole tiles", func() error {
		_, err := m.Sync(ctx, m.registry)
		return err
	}); err != nil {
		return err
	}
	status, err := m.Status(m.registry)
	if err != nil {
		return err
	}
	if !status.Admitted {
		return fmt.Errorf("%w: the member was approved and is not in the registry", ErrUnexpected)
	}
	s.line("The member syncs the whole log and finds itself there; nobody learns which")
	s.line("leaf it was looking for.")
	s.fact("leaf", "%d of %d members", status.Index, status.Members)
	s.report.Members = status.Members
	return nil
}

// createPerson makes the state directory, with an encrypted key, and trusts the
// registry by the key that the registrar gave out.
func (p *play) createPerson() error {
	secret, err := keys.Generate()
	if err != nil {
		return err
	}
	passphrase := rand.Text()
	dir := p.path("member")
	if err := p.story.timed("make the member's key, encrypted at rest", func() error {
		return member.Create(dir, secret, passphrase, slots.Range{}, time.Now())
	}); err != nil {
		return err
	}
	m, err := member.Open(dir, member.Options{
		Passphrase: func() (string, error) { return passphrase, nil },
		Params:     openProving,
	})
	if err != nil {
		return err
	}
	p.person = &person{Member: m, secret: secret}
	p.person.registry, err = m.Trust(member.Registry{
		URL:         p.office.url,
		VerifierKey: p.office.registrar.VerifierKey(),
		MinMembers:  uint64(p.crowd),
	})
	return err
}

// approveAll approves what waits in the queue, and publishes.
func (o *office) approveAll(ctx context.Context) error {
	waiting, err := o.queue.List()
	if err != nil {
		return err
	}
	for _, entry := range waiting {
		if err := o.queue.Approve(entry.ID); err != nil {
			return err
		}
	}
	_, err = o.server.Publish(ctx)
	return err
}

// prove uses the member's slots, of which only the first is shown now.
func (p *play) prove(ctx context.Context) error {
	s, m := p.story, p.person
	s.title("The member proves")
	s.line("Development parameters: one party knew the secrets of their setup and could")
	s.line("forge proofs. They are for trying things out, and for nothing of value.")
	var err error
	if err := s.timed("open the parameters, and prove for the first time", func() error {
		m.first, err = p.presentation(ctx, firstMessage)
		return err
	}); err != nil {
		return err
	}
	if err := s.timed("prove again", func() error {
		m.second, err = p.presentation(ctx, secondMessage)
		return err
	}); err != nil {
		return err
	}
	if m.last, err = p.presentation(ctx, lastMessage); err != nil {
		return err
	}
	public := m.Public()
	s.line("What the member knows, and nobody learns from the proof:")
	s.fact("public key", "%s", short(public.Bytes()))
	s.fact("commitment", "%s", short(public.Commitment()))
	s.fact("slot", "%d of %d", m.slotOf(m.first), limit)
	s.fact("secrets", "the identity key, and the nullifier key beside it")
	return nil
}

// presentation proves a claim that authorises a message.
func (p *play) presentation(ctx context.Context, message string) (*zkkex.Presentation, error) {
	m := p.person
	a, err := authorization(message)
	if err != nil {
		return nil, err
	}
	claim, err := m.NamedClaim(m.registry, scopeName, p.schedule, limit, a)
	if err != nil {
		return nil, err
	}
	return m.Prove(ctx, m.registry, claim)
}

func authorization(message string) (zkkex.Authorization, error) {
	return zkkex.Message(strings.NewReader(message))
}

// slotOf finds the slot of a presentation, which takes the member's secret.
func (m *person) slotOf(p *zkkex.Presentation) uint32 {
	for slot := range p.Statement.Limit {
		if m.secret.Nullifier(p.Statement.Scope, slot) == p.Statement.Nullifier {
			return slot
		}
	}
	return p.Statement.Limit
}

// exhaust asks for one proof more than there are slots.
func (p *play) exhaust(ctx context.Context) error {
	p.story.title("No more than its share")
	_, err := p.presentation(ctx, otherMessage)
	if err := p.story.refusedBy("a fourth proof in an epoch of three", "prover", slots.ErrNoSlot, "no_slot", err); err != nil {
		return err
	}
	return p.overreach(ctx)
}

// Close wipes the secret and closes the state directory.
func (m *person) Close() error {
	m.secret.Wipe()
	return m.Member.Close()
}
