package order

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"
	"testing"
	"time"
)

// Trap O7: what a client sends names neither software, version, machine nor moment,
// and two members that do the same send the same, but for what is random.
func TestNothingTellsClientsApart(t *testing.T) {
	first, second := conversation(t), conversation(t)
	if len(first.bytes) != len(second.bytes) || len(first.bytes) == 0 {
		t.Fatalf("%d and %d bytes", len(first.bytes), len(second.bytes))
	}
	random := make([]bool, len(first.bytes))
	for _, r := range first.random {
		for at := 0; ; at++ {
			i := bytes.Index(first.bytes[at:], r)
			if i < 0 {
				break
			}
			at += i
			for j := range r {
				random[at+j] = true
			}
		}
	}
	for i := range first.bytes {
		if first.bytes[i] != second.bytes[i] && !random[i] {
			t.Fatalf("byte %d differs, and is no part of an ID or a key", i)
		}
	}
	lower := strings.ToLower(string(first.bytes[len(Preamble):]))
	for _, name := range []string{"zkkex", "github", "go1", "linux", "darwin", "windows", "version", "user", "agent", "amd64", "arm64"} {
		if strings.Contains(lower, name) {
			t.Errorf("the client says %q", name)
		}
	}
	// No moment in seconds, milliseconds or nanoseconds, in bytes or as a varint.
	for at := first.began.Add(-time.Second); at.Before(first.ended.Add(time.Second)); at = at.Add(time.Millisecond) {
		for _, n := range []int64{at.Unix(), at.UnixMilli()} {
			for _, form := range [][]byte{
				binary.AppendUvarint(nil, uint64(n)), binary.BigEndian.AppendUint64(nil, uint64(n))[2:], binary.LittleEndian.AppendUint64(nil, uint64(n))[:6],
			} {
				if i := bytes.Index(first.bytes, form); i >= 0 && !random[i] {
					t.Fatalf("byte %d begins the time %v", i, at)
				}
			}
		}
	}
}

type sent struct {
	bytes        []byte
	random       [][]byte
	began, ended time.Time
}

// conversation has a client do some of everything, and returns what it sent.
func conversation(t *testing.T) *sent {
	v := newTestVenue(t)
	s := &sent{began: time.Now()}
	c := v.client(t, nil)
	ctx := testContext(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var ids []ID
	for range 3 {
		o, err := c.Submit(ctx, anOrder())
		must(err)
		ids = append(ids, o.ID())
		_, err = o.Replace(ctx, Replacement{OrderQty: Decimal{3, 0}, Price: Decimal{101, 0}, TimeToLive: time.Minute})
		must(err)
	}
	_, err := c.Status(ctx, ids[0])
	must(err)
	_, err = c.MassStatus(ctx)
	must(err)
	_, err = c.Quote(ctx, aQuote())
	must(err)
	_, err = c.RequestQuote(ctx, QuoteRequest{Symbol: "A/B", OrderQty: Decimal{2, 0}, TimeToLive: time.Minute})
	must(err)
	_, err = c.MassCancel(ctx, "A/B")
	must(err)
	must(c.Finish(context.WithoutCancel(ctx)))
	s.ended = time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	s.bytes = v.sent
	for _, r := range v.received {
		id := r.RequestID()
		s.random = append(s.random, id[:])
		switch r := r.(type) {
		case *NewOrderSingle:
			s.random = append(s.random, r.OwnerKey[:])
		case *OrderCancelReplaceRequest:
			s.random = append(s.random, r.OwnerKey[:])
		case *Quote:
			s.random = append(s.random, r.OwnerKey[:])
		}
	}
	return s
}
