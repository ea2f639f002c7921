package order

import (
	"context"
	"time"
)

// expected returns the number of the first report to ask for on a connection.
func (c *Client) expected(ctx context.Context, l *link, want Want) (uint64, error) {
	c.mu.Lock()
	begun, stream := !c.session.IsZero(), c.stream
	c.mu.Unlock()
	switch {
	case begun && want.Resume:
		return stream, nil
	case begun:
		return 1, nil
	}
	// The first connection: perhaps a process before had the session.
	saved, err := c.config.State.Load(ctx, c.config.Secret.stateName(pseudonym(l)))
	if err != nil || saved == nil {
		return 1, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.saved = saved
	c.next = max(saved.NextReport, 1)
	c.stream, c.taken = c.next, c.next
	return c.next, nil
}

// save saves what another process needs to take the session up.
func (c *Client) save(ctx context.Context) error {
	c.mu.Lock()
	l := c.link
	s := &Saved{NextReport: c.taken}
	if c.config.WriteAhead {
		for _, k := range c.unanswered() {
			if !k.silent {
				s.Unanswered = append(s.Unanswered, k.request)
			}
		}
	}
	c.mu.Unlock()
	if l == nil {
		return nil
	}
	return c.config.State.Save(ctx, c.config.Secret.stateName(pseudonym(l)), s)
}

// saveLast saves before the end, as good as it goes: what was taken, and is not
// recorded as such, comes again.
func (c *Client) saveLast(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return c.save(ctx)
}

// saveAhead saves what is about to be sent.
func (c *Client) saveAhead() error {
	if !c.config.WriteAhead {
		return nil
	}
	return c.save(c.ctx)
}
