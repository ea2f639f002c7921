package order

import (
	"errors"
	"testing"
)

// After everything but secret and nullifiers was lost, all orders are found, and
// cancelled, also behind numbers that were left out.
func TestRecover(t *testing.T) {
	v := newTestVenue(t)
	ctx := testContext(t)
	config := v.config()
	nullifiers := [][32]byte{{1}, {2}, {3}}
	want := map[ID]bool{}
	secret := config.Secret
	for i, nullifier := range nullifiers[:2] {
		s := &testSession{id: NewSessionID(7, nullifier[:]), done: map[ID]testDone{}, seq: 1}
		v.sessions[s.id] = s
		for _, n := range []uint64{0, 1, uint64(70 + i)} {
			o := anOrder()
			o.ClOrdID = secret.ID(nullifier, n)
			o.OwnerKey = secret.OwnerKey(o.ClOrdID)
			v.mu.Lock()
			v.request(s, [32]byte{}, &o)
			v.mu.Unlock()
			want[o.ClOrdID] = true
		}
	}
	closed := v.owners[secret.ID(nullifiers[0], 1)]
	v.fill(closed)
	stranger := anOrder()
	stranger.ClOrdID, stranger.OwnerKey = secret.ID(nullifiers[0], 2), NewSecret().OwnerKey(ID{1})
	v.request(v.sessions[NewSessionID(7, nullifiers[1][:])], [32]byte{}, &stranger)

	throttled := 0
	v.answer = func(r Request) Report {
		if s, is := r.(*OrderStatusRequest); is && throttled < 5 {
			throttled++
			return &BusinessMessageReject{BusinessRejectRefID: s.ID, BusinessRejectReason: BusinessThrottled}
		}
		return nil
	}
	c := v.client(t, func(c *Config) { c.Secret = secret })
	found, err := Recover(ctx, c, Recovery{Nullifiers: nullifiers, Gap: 100, Cancel: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		e := f.Report.(*ExecutionReport)
		if !want[e.ClOrdID] || e.ClOrdID != secret.ID(f.Nullifier, f.N) {
			t.Errorf("found %+v", f)
		}
		delete(want, e.ClOrdID)
		if f.Canceled != (e.ClOrdID != closed.report.ClOrdID) || f.Err != nil {
			t.Errorf("cancelled %v: %+v", f.Canceled, f)
		}
	}
	if len(want) != 0 {
		t.Errorf("not found: %v", want)
	}
	for id, o := range v.owners {
		if o.report.OrdStatus.Open() != (id == stranger.ClOrdID) {
			t.Errorf("order %s: %c", id, o.report.OrdStatus)
		}
	}
	// With another secret, there is nothing to find, and nothing to cancel.
	other := v.client(t, nil)
	if found, err := Recover(ctx, other, Recovery{Nullifiers: nullifiers, Gap: 100}); err != nil || len(found) != 0 {
		t.Errorf("%d orders with another secret, %v", len(found), err)
	}
	if _, err := other.Cancel(ctx, stranger.ClOrdID, WithProof()); !errors.Is(err, ErrUnknownOrder) {
		t.Errorf("a stranger's order: %v", err)
	}
}
