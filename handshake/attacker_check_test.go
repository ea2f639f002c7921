package handshake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/zkkex/zkkex/internal/race"
	"github.com/zkkex/zkkex/internal/record"
)

// check says what is wrong with what came of it, or returns nil.
func (a *attack) check() error {
	for _, p := range a.parties {
		for _, check := range []func(*party) error{a.agrees, a.readsWhatWasWritten} {
			if err := check(p); err != nil {
				return err
			}
		}
	}
	for open, n := range a.spent {
		if n > 1 {
			return fmt.Errorf("%w: open %d of a certificate was accepted %d times", errTwice, open.counter, n)
		}
	}
	for data, n := range a.early {
		if n > 1 {
			return fmt.Errorf("%w: %q was delivered %d times", errTwice, data, n)
		}
	}
	return nil
}

// peersOf returns the other sides with the same transcript.
func (a *attack) peersOf(p *party) (out []*party) {
	for _, q := range a.parties {
		if q.role != p.role && q.transcript != nil && bytes.Equal(q.transcript, p.transcript) {
			out = append(out, q)
		}
	}
	return out
}

// agrees checks that whoever knows its peer has exactly one, which agrees with it
// in everything. A venue knows its peer once a record has opened.
func (a *attack) agrees(p *party) error {
	knows := p.established != nil || len(p.opened) > 0
	if !knows {
		return nil
	}
	peers := a.peersOf(p)
	if len(peers) != 1 {
		return fmt.Errorf("%w: a %s has %d peers with its transcript", errDisagree, p.role, len(peers))
	}
	if p.role == record.Responder {
		return nil // seen from the other side
	}
	e, v := p.established, peers[0].accepted
	same := e.Kind == v.Kind && e.Suite == v.Suite && e.Counter == v.Counter && e.Certificate == v.Admission.Certificate &&
		e.Venue == v.Venue && e.Descriptor == v.Descriptor
	if !same {
		return fmt.Errorf("%w: %s open %d of %s against %s open %d of %s", errDisagree,
			e.Kind, e.Counter, e.Certificate, v.Kind, v.Counter, v.Admission.Certificate)
	}
	return nil
}

// readsWhatWasWritten checks that a peer read the beginning of what its peer
// wrote, and that it takes for the end what is.
func (a *attack) readsWhatWasWritten(p *party) error {
	if p.records == nil {
		return nil
	}
	var written [][]byte
	closed := false
	if peers := a.peersOf(p); len(peers) == 1 {
		written, closed = peers[0].sent, peers[0].closed
	}
	if len(p.got) > len(written) || !slices.EqualFunc(p.got, written[:len(p.got)], bytes.Equal) {
		return fmt.Errorf("%w: a %s read %q, and %q was written", errAltered, p.role, p.got, written)
	}
	whole := closed && p.ended && len(p.got) == len(written)
	if err := a.end(p); errors.Is(err, io.EOF) && !whole {
		return fmt.Errorf("%w: a %s read %d of %d, and then io.EOF", errTruncation, p.role, len(p.got), len(written))
	}
	return nil
}

// outcome counts what happened, so that a test that checks nothing shows.
type outcome struct{ established, confirmed, refused, early, read, whole, ratchets int }

func (a *attack) outcome() (o outcome) {
	o.refused, o.early = a.refused, len(a.early)
	for _, p := range a.parties {
		if p.established != nil {
			o.established++
		}
		if p.confirmed {
			o.confirmed++
		}
		if p.ended {
			o.whole++
		}
		o.read += len(p.got)
		if p.records != nil {
			o.ratchets += int(p.records.RatchetState().Generation)
		}
	}
	return o
}

func (o *outcome) add(b outcome) {
	o.established, o.confirmed, o.refused = o.established+b.established, o.confirmed+b.confirmed, o.refused+b.refused
	o.early, o.read, o.whole, o.ratchets = o.early+b.early, o.read+b.read, o.whole+b.whole, o.ratchets+b.ratchets
}

// requireAtLeast demands that schedules were wild enough, all of them together.
func (o *outcome) requireAtLeast(t testing.TB, least outcome) {
	t.Helper()
	t.Logf("%+v", *o)
	for _, n := range []*int{&least.established, &least.confirmed, &least.refused, &least.early, &least.read, &least.whole, &least.ratchets} {
		if *n > 0 {
			*n = race.Share(*n)
		}
	}
	if o.established < least.established || o.confirmed < least.confirmed || o.refused < least.refused ||
		o.early < least.early || o.read < least.read || o.whole < least.whole || o.ratchets < least.ratchets {
		t.Errorf("%+v, expected at least %+v: the schedules are too tame", *o, least)
	}
}
