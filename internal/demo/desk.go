package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/verifier"
	"github.com/zkkex/zkkex/verifier/spent"
)

// desk is whoever verifies.
type desk struct {
	mirror *mirror.Mirror
	params *params.Verifying
	config verifier.Config
	*verifier.Verifier
}

// spentFolder is where the verifier keeps the nullifiers it has seen.
const spentFolder = "verifier-spent"

// decide opens a verifier, which accepts the first presentation.
func (p *play) decide(ctx context.Context) error {
	s := p.story
	s.title("A verifier decides")
	if err := p.openDesk(ctx); err != nil {
		return err
	}
	text, err := p.person.first.MarshalText()
	if err != nil {
		return err
	}
	received, err := zkkex.ParsePresentationText(text)
	if err != nil {
		return err
	}
	s.line("What the verifier saw, all of it: %d bytes of text.", len(text))
	s.presentation(received)
	a, err := authorization(firstMessage)
	if err != nil {
		return err
	}
	var decision *zkkex.Decision
	if err := s.timed("verify, and record the nullifier durably", func() error {
		decision, err = p.desk.Verify(ctx, received, a)
		return err
	}); err != nil {
		return fmt.Errorf("%w: the verifier refused a good presentation: %w", ErrUnexpected, err)
	}
	if !decision.Spent || decision.Statement != p.person.first.Statement {
		return fmt.Errorf("%w: the verifier decided about something else: %+v", ErrUnexpected, decision)
	}
	s.accepted("a member authorises %q", firstMessage)
	return p.checkLeaks(received)
}

// openDesk opens the verifier's own copy of the registry and its own store.
func (p *play) openDesk(ctx context.Context) error {
	m, err := mirror.Open(p.path("verifier"), mirror.Config{
		URL:         p.office.url,
		VerifierKey: p.office.registrar.VerifierKey(),
	})
	if err != nil {
		return err
	}
	p.desk = &desk{mirror: m}
	if _, err := m.Sync(ctx); err != nil {
		return err
	}
	if p.desk.params, err = openVerifying(circuit); err != nil {
		return err
	}
	if err := spent.Init(p.path(spentFolder)); err != nil {
		return err
	}
	store, err := spent.OpenDir(p.path(spentFolder))
	if err != nil {
		return err
	}
	p.desk.config = verifier.Config{
		Params:     []*params.Verifying{p.desk.params},
		Registry:   m.Registry(),
		Roots:      m.Roots().Newest(registry.DefaultMaxAge),
		Scope:      verifier.NamedScope{Name: scopeName, Epochs: p.schedule},
		Limit:      limit,
		Spent:      store,
		MinMembers: uint64(p.crowd),
	}
	p.desk.Verifier, err = verifier.New(p.desk.config)
	return err
}

// show has the verifier decide about a presentation of a message, as it arrives.
func (p *play) show(ctx context.Context, by *verifier.Verifier, shown *zkkex.Presentation, message string) error {
	text, err := shown.MarshalText()
	if err != nil {
		return err
	}
	received, err := zkkex.ParsePresentationText(text)
	if err != nil {
		return err
	}
	a, err := authorization(message)
	if err != nil {
		return err
	}
	decision, err := by.Verify(ctx, received, a)
	if err == nil && decision == nil {
		return errors.New("no decision and no error")
	}
	return err
}
