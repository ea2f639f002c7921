package handshake

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"
)

// attemptDelay is how long an address may take to answer before the next one is
// tried beside it (RFC 8305, section 5). One that refuses is left at once.
const attemptDelay = 250 * time.Millisecond

// dialed is what came of an address.
type dialed struct {
	index int
	raw   net.Conn
	err   error
}

// connect tries the addresses in their order, and returns the first connection
// that there is, with the addresses that did not refuse and were not taken: where to
// go if whoever took this one does not answer.
func (d *Dialer) connect(ctx context.Context, addresses []Address) (raw net.Conn, others []Address, err error) {
	if len(addresses) == 0 {
		return nil, nil, ErrNoAddress
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the attempts that are not needed
	results := make(chan dialed, len(addresses))
	errs := make([]error, len(addresses))
	begun, underWay := 0, 0
	begin := func() {
		go d.dial(ctx, begun, addresses[begun], results)
		begun, underWay = begun+1, underWay+1
	}
	slow := time.NewTimer(attemptDelay)
	defer slow.Stop()
	for begin(); underWay > 0; {
		select {
		case r := <-results:
			underWay--
			if r.err == nil {
				go closeLate(results, underWay)
				return r.raw, untried(addresses, errs, r.index), nil
			}
			errs[r.index] = r.err
		case <-slow.C:
		}
		if begun < len(addresses) && ctx.Err() == nil {
			begin()
			slow.Reset(attemptDelay)
		}
	}
	return nil, nil, errors.Join(errs...)
}

func (d *Dialer) dial(ctx context.Context, index int, a Address, results chan<- dialed) {
	dial := d.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	raw, err := dial(ctx, a.Network, a.Place)
	results <- dialed{index, raw, err}
}

// closeLate closes connections that came after the one that is used.
func closeLate(results <-chan dialed, underWay int) {
	for range underWay {
		if r := <-results; r.err == nil {
			r.raw.Close()
		}
	}
}

// untried returns the addresses that did not fail, without the one that is used.
func untried(addresses []Address, errs []error, used int) (others []Address) {
	for i, a := range addresses {
		if i != used && errs[i] == nil {
			others = append(others, a)
		}
	}
	return slices.Clip(others)
}
