package venueclient

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/zkkex/zkkex/venue/descriptor"
)

// Report says what an update did.
type Report struct {
	// Newest is the newest descriptor of the chain, which may begin later.
	Newest *descriptor.Signed
	// Added is the number of descriptors that are new.
	Added int
}

// Update brings a chain up to the newest descriptor that the server has. A chain
// that is empty begins with the one before the newest, if that has not ended, and
// otherwise with the newest.
//
// It asks for the newest descriptor, then for those that are missing, each with
// its proof, in order; for an empty chain, for the identity first, to compare it
// with the chain's. What was added before an error stays in the chain. Whoever
// keeps the chain in a file saves it after errors, too: evidence against the venue
// is part of it.
//
// The errors are those of [descriptor.Chain.Add], among them [descriptor.ErrFork],
// and [ErrOtherVenue], [ErrBehind], [ErrAway], [ErrRedirect], [ErrServer], one
// wrapping fs.ErrNotExist for what the server does not have, that of ctx, and
// those of network and disk.
func (c *Client) Update(ctx context.Context, chain *descriptor.Chain) (*Report, error) {
	c.updating.Lock()
	defer c.updating.Unlock()
	defer c.source.Close()
	if chain.Latest() == nil {
		if err := c.pinned(ctx, chain.Identity()); err != nil {
			return nil, err
		}
	}
	note, err := c.source.Read(ctx, "descriptor/latest", descriptor.MaxSigned)
	if err != nil {
		return nil, err
	}
	newest, err := descriptor.Open(note, chain.Identity())
	if err != nil {
		return nil, err
	}
	report := new(Report)
	if err := c.follow(ctx, chain, newest, report); err != nil {
		return nil, err
	}
	report.Newest = chain.Latest()
	return report, nil
}

// follow adds what is missing up to the newest descriptor, and the newest.
func (c *Client) follow(ctx context.Context, chain *descriptor.Chain, newest *descriptor.Signed, report *Report) error {
	known := chain.Latest()
	switch {
	case known == nil:
		return c.begin(ctx, chain, newest, report)
	case newest.Number <= known.Number:
		return c.again(ctx, chain, newest, known)
	case newest.Number-known.Number > MaxMissing:
		return fmt.Errorf("%w: the last one known is %d, the newest %d, expected at most %d in between; begin a new chain", ErrAway, known.Number, newest.Number, MaxMissing)
	}
	for n := known.Number + 1; n < newest.Number; n++ {
		if err := c.add(ctx, chain, n, report); err != nil {
			return err
		}
	}
	return c.addNote(ctx, chain, newest.Number, newest.Note(), report)
}

// begin fills an empty chain. Whether the descriptor before the newest has ended
// is for the client's clock to say, so it is asked for in any case.
func (c *Client) begin(ctx context.Context, chain *descriptor.Chain, newest *descriptor.Signed, report *Report) error {
	if newest.Number > 1 {
		if err := c.add(ctx, chain, newest.Number-1, report); err != nil && !errors.Is(err, descriptor.ErrExpired) {
			return err
		}
	}
	return c.addNote(ctx, chain, newest.Number, newest.Note(), report)
}

// again compares a descriptor that is known with the one that the server shows
// under its number now.
func (c *Client) again(ctx context.Context, chain *descriptor.Chain, shown, known *descriptor.Signed) error {
	if err := c.addNote(ctx, chain, shown.Number, shown.Note(), new(Report)); err != nil {
		return err
	}
	if shown.Number < known.Number {
		return fmt.Errorf("%w: its newest descriptor is %d, and %d is known; try again later, or another server", ErrBehind, shown.Number, known.Number)
	}
	return nil
}

// add fetches a descriptor and adds it.
func (c *Client) add(ctx context.Context, chain *descriptor.Chain, n uint64, report *Report) error {
	note, err := c.source.Read(ctx, "descriptor/"+strconv.FormatUint(n, 10), descriptor.MaxSigned)
	if err != nil {
		return err
	}
	return c.addNote(ctx, chain, n, note, report)
}

// addNote adds a descriptor that the server holds under a number. The proof is
// fetched whether or not this client demands witnesses: that is nobody's business.
func (c *Client) addNote(ctx context.Context, chain *descriptor.Chain, n uint64, note []byte, report *Report) error {
	proof, err := c.source.Read(ctx, "proof/"+strconv.FormatUint(n, 10), descriptor.MaxProof)
	if err != nil {
		return err
	}
	before := chain.Latest()
	added, err := chain.Add(note, proof, c.now())
	if err != nil {
		return fmt.Errorf("descriptor %d: %w", n, err)
	}
	if added.Number != n {
		return fmt.Errorf("%w: it has descriptor %d under the number %d", ErrServer, added.Number, n)
	}
	if before == nil || before.Number < n {
		report.Added++
	}
	return nil
}
