package demo

import (
	"context"
	"fmt"

	"github.com/zkkex/zkkex/order"
)

// meet sets the parties up.
func (p *play) meet(ctx context.Context) error {
	s := p.story
	s.title("The parties, and setting them up")
	s.text("A registrar keeps the list of who may trade. A venue matches orders, and never learns who sends them. Traders are members of the registry. A relay stands in for the network: it records every byte between traders and venue, and cuts connections when told to.")
	if err := p.openRegistry(ctx); err != nil {
		return err
	}
	var err error
	if p.relay, err = openRelay(); err != nil {
		return err
	}
	if err := s.timed(fmt.Sprintf("%d traders make keys and ask for admission", p.options.Traders), func() error {
		for _, name := range names[:p.options.Traders] {
			if err := p.recruit(ctx, name); err != nil {
				return err
			}
		}
		return p.office.approveAll(ctx)
	}); err != nil {
		return err
	}
	if err := s.timed("build the venue, its gateway and its journal, and start them", func() error { return p.build(ctx) }); err != nil {
		return err
	}
	s.gap()
	s.fact("registrar", "%s, at %s", p.office.registrar.Name(), p.office.url)
	s.fact("members", "%s, of whom %d are the traders below", grouped(p.crowd+len(p.traders)), len(p.traders))
	s.fact("venue", "%s, %d sessions per member and day", venueName, limit)
	s.fact("network", "traders connect to %s, the relay", p.relay.address())
	s.fact("parameters", "development ones: for trials, and for nothing of value")
	s.report.Members, s.report.Traders = uint64(p.crowd+len(p.traders)), len(p.traders)
	return nil
}

// enter has the traders find themselves in the registry, and open sessions.
func (p *play) enter(ctx context.Context) error {
	s := p.story
	s.title("Traders open anonymous sessions")
	s.text("Each trader downloads the whole list, so that nobody learns which entry it looked for. Then it proves to be somebody on the list, without saying who: a zero-knowledge proof. The venue sees a pseudonym, which is random to everybody but the trader.")
	if err := s.timed("every trader downloads the registry, and finds itself", func() error {
		for _, t := range p.traders {
			if _, err := t.Sync(ctx, t.registry); err != nil {
				return err
			}
			status, err := t.Status(t.registry)
			if err != nil {
				return err
			}
			if !status.Admitted {
				return fmt.Errorf("%w: %s was approved and is not in the registry", ErrUnexpected, t.name)
			}
			if err := t.join(ctx, p.house); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for _, t := range p.traders {
		if err := s.timed(fmt.Sprintf("%s makes a proof, and opens a session", t.name), func() error { return t.open(ctx) }); err != nil {
			return err
		}
	}
	s.gap()
	s.text("This is who the venue thinks is there. Every time, one of %s:", grouped(p.crowd+len(p.traders)))
	sessions := map[order.SessionID]bool{}
	for _, t := range p.traders {
		id := t.desk.State().Session
		sessions[id] = true
		s.fact("a member", "session %s", short(id.ID[:]))
	}
	if len(sessions) != len(p.traders) {
		return fmt.Errorf("%w: %d traders have %d sessions", ErrUnexpected, len(p.traders), len(sessions))
	}
	s.accepted("%d anonymous members are in", len(p.traders))
	return nil
}
