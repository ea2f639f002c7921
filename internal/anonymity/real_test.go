package anonymity

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/slots"
	"github.com/zkkex/zkkex/venue"
)

// realLife is a member with a state directory, proofs, and all of package member:
// it trusts, syncs, has certificates admitted ahead, opens two fresh sessions, and
// one of them again.
func (o *office) realLife(id *identity, set *params.Proving, script func(*member.Venue)) *view {
	o.t.Helper()
	p := &tap{places: o.places}
	home := filepath.Join(o.t.TempDir(), "home")
	o.must(member.CreateWithUnencryptedKey(home, id.secret, slots.Range{}, o.now()))
	m, err := member.Open(home, member.Options{
		Params: func(zkkex.CircuitID) (*params.Proving, error) { return set, nil }, Dial: p.dial, Now: o.now,
	})
	o.must(err)
	_, err = m.Trust(member.Registry{URL: "http://registry.example", VerifierKey: o.registrar.VerifierKey()})
	o.must(err)
	venueID, err := m.TrustVenue(member.VenueConfig{URL: "http://venue.example", Identity: o.venue.Identity().String()})
	o.must(err)
	end := o.listen(nil)
	v, err := m.OpenVenue(venueID, member.VenueOptions{
		Ahead: 1, Admit: true, AdmitSpread: 100 * time.Millisecond, Channel: handshake.ClientConfig{Now: o.now},
	})
	o.must(err)
	o.must(v.Sync(o.t.Context()))
	script(v)
	o.must(v.Close())
	o.must(m.Close())
	end()
	return &view{tap: p, log: o.journal.take(), files: o.kept()}
}

// ready waits until the pool has what it wants.
func ready(t testing.TB, v *member.Venue) {
	t.Helper()
	for s := v.State().Pool; s.Ready != 1 || s.Admitted != 1 || s.Making; s = v.State().Pool {
		if err := t.Context().Err(); err != nil {
			t.Fatal(err, s.LastError)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// say has some words echoed, and hangs up.
func say(t testing.TB, s *member.Session, p []byte) {
	t.Helper()
	if _, err := s.Write(p); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, p); err != nil {
		t.Fatal(err)
	}
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(s); err != nil || len(rest) > 0 {
		t.Fatalf("%d more bytes, %v", len(rest), err)
	}
	s.Close()
	<-s.Done()
}

// The whole of both facades, with the real prover and parameters: the first and
// the last member of a registry, from the first sync on.
func TestNothingTellsRealMembersApart(t *testing.T) {
	o := newRegistry(t)
	set := world.Params(t, zkkex.BabyJubjub20)
	o.openVenue(set.Digest(), venue.Options{
		Params: func(zkkex.CircuitID, zkkex.ParamsDigest) (*params.Verifying, error) { return set.Verifying, nil },
	})
	ids := []*identity{o.members[0], o.members[len(o.members)-1]}
	o.journal.take()
	script := func(v *member.Venue) {
		for range 2 {
			ready(t, v)
			s, err := v.Fresh(t.Context())
			o.must(err)
			say(t, s, make([]byte, 700))
			ready(t, v)
			again, err := s.Resume(t.Context())
			o.must(err)
			say(t, again, make([]byte, 700))
		}
	}
	var views []*view
	for _, id := range ids {
		views = append(views, o.realLife(id, set, script))
	}
	if n := len(views[0].tap.sessions()); n != 7 {
		t.Errorf("%d connections for sessions, expected 3 admissions and 4 opens", n)
	}
	if n := len(views[0].tap.conns); n < 9 {
		t.Errorf("%d connections in all: nothing was fetched", n)
	}
	for _, v := range views {
		for _, id := range ids {
			if what := v.names(id); what != "" {
				t.Error(what)
			}
		}
	}
	if what := distinguishes(views[0].unpaced(), views[1].unpaced()); what != "" {
		t.Error(what)
	}
	kept, err := everything(os.DirFS(o.dir))
	o.must(err)
	if !strings.Contains(string(kept), "venue.example") || ids[0].found(append(kept, fmt.Sprint(ids[0].secret.Public().Commitment())...)) == "" {
		t.Error("the search finds nothing")
	}
}
