package threshold

import (
	"crypto/hpke"
	"fmt"

	"github.com/zkkex/zkkex/threshold/frost"
)

// A deal's body is a receipt of everybody's first message, in order, and then a
// share sealed to each participant but the dealer, in order.

// deal returns the body of this participant's deal.
func (c *ceremony) deal() ([]byte, error) {
	var body []byte
	for i := range c.setup.Participants {
		body = c.seats[seat{kindCommit, frost.Identifier(i + 1)}].receipt().append(body)
	}
	for i, commit := range c.commits {
		to := frost.Identifier(i + 1)
		if to == c.me {
			continue
		}
		share := c.dealing.Share(to)
		sealed, err := sealTo(commit.inbox, sealInfo(c.context(), sender(c.me), to), share)
		clear(share)
		if err != nil {
			return nil, fmt.Errorf("sealing the share of participant %d: %w", to, err)
		}
		body = append(body, sealed...)
	}
	return body, nil
}

// checkDeal compares what a dealer received with what this participant did. The
// shares are not looked at.
func (c *ceremony) checkDeal(from frost.Identifier) ([]*message, error) {
	m, n := c.seats[seat{kindDeal, from}], len(c.commits)
	if len(m.body) != n*receiptSize+(n-1)*sealedSize {
		return c.objectTo(m.from, fmt.Errorf("%w: shares of %d bytes", ErrBadMessage, len(m.body)))
	}
	f := &fields{rest: m.body}
	for i := range n {
		about := sender(i + 1)
		echo, mine := f.receipt(), c.seats[seat{kindCommit, about.participant()}].receipt()
		if echo.digest == mine.digest {
			continue
		}
		if err := c.setup.checkReceipt(kindCommit, about, c.context(), echo); err != nil {
			return c.objectTo(m.from, fmt.Errorf("%w: %w", ErrFalseEcho, err))
		}
		return c.equivocation(kindCommit, about, mine, echo)
	}
	return nil, nil
}

// openDeal opens and checks the share that one participant dealt to another.
func (c *ceremony) openDeal(from, to frost.Identifier, inbox hpke.PrivateKey) ([]byte, error) {
	place := int(to) - 1
	if to > from {
		place--
	}
	body := c.seats[seat{kindDeal, from}].body
	sealed := body[len(c.commits)*receiptSize+place*sealedSize:][:sealedSize]
	share, err := openFrom(inbox, sealInfo(c.context(), sender(from), to), sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be opened: %w", ErrBadDeal, err)
	}
	if err := frost.CheckShare(suite(), c.refresh(), from, to, c.commits[from-1].commitments, share); err != nil {
		clear(share)
		return nil, fmt.Errorf("%w: %w", ErrBadDeal, err)
	}
	return share, nil
}
