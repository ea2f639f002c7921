package anonymity

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/session"
)

// same are the fields of what a venue knows of a session, and of the presentation
// that it was shown, that are the same for all sessions of one epoch.
var same = []string{
	"Role", "Venue", "Descriptor", "Suite", "Statement.Circuit", "Statement.Limit", "Statement.Root", "Statement.Scope",
	"Epoch", "Renewals", "Ends", "SendPhase", "ReceivePhase", "Ratchets",
	"Shown.Params", "Shown.Registry", "Shown.RootSequence", "Shown.Epoch", "Shown.Authorization.Kind",
}

// linking are those that two sessions with one certificate have in common.
var linking = []string{"Statement.Nullifier", "Statement.Binding", "Certificate", "Shown.Authorization.Value", "Shown.Proof"}

// known is all that a venue knows of one session.
type known struct {
	handshake.ConnectionState
	shown *session.Certificate
}

// common lists the fields in which two sessions are the same.
func common(a, b known) (out []string) {
	out = equalFields("", reflect.ValueOf(a.ConnectionState), reflect.ValueOf(b.ConnectionState))
	p, q := *a.shown.Presentation(), *b.shown.Presentation()
	for _, name := range equalFields("", reflect.ValueOf(p), reflect.ValueOf(q)) {
		if len(name) < 10 || name[:10] != "Statement." {
			out = append(out, "Shown."+name)
		}
	}
	return out
}

// equalFields goes into structs that are told apart by their fields.
func equalFields(name string, a, b reflect.Value) (out []string) {
	switch name {
	case "", "Statement", "Authorization":
	default:
		if reflect.DeepEqual(a.Interface(), b.Interface()) {
			out = append(out, name)
		}
		return out
	}
	for i := range a.NumField() {
		field := a.Type().Field(i).Name
		if name != "" {
			field = name + "." + field
		}
		out = append(out, equalFields(field, a.Field(i), b.Field(i))...)
	}
	return out
}

// opened opens a session, and returns what there is of it at the venue and on the
// wire.
func (m *someone) opened(c *session.Certificate) (known, *tapped) {
	m.t.Helper()
	m.sessionsSeen()
	m.open(m.suites[0], c)
	seen := m.sessionsSeen()
	if len(seen) != 1 {
		m.t.Fatalf("the venue saw %d sessions, expected 1", len(seen))
	}
	m.ready() // so that nothing is under way
	var newest *tapped
	for _, conn := range m.tap.sessions() {
		if len(conn.frames()) > 2 {
			newest = conn
		}
	}
	return known{seen[0], c}, newest
}

// sessionsSeen returns what the venue saw since the last call. A session that was
// talked in was seen.
func (m *someone) sessionsSeen() []handshake.ConnectionState { return m.office.sessions() }

// Two fresh sessions of one member have no more in common than two sessions of two
// members, for the venue and on the wire; a resumed one has the certificate in
// common with the first for the venue, and nothing on the wire.
func TestFreshAndResume(t *testing.T) {
	o := newOffice(t)
	a, b := o.someone(o.members[0], leak{}), o.someone(o.members[9], leak{})
	defer o.listen(nil)()
	for _, m := range []*someone{a, b} {
		m.fill()
		defer m.pool.Close()
	}
	take := func(m *someone) *session.Certificate {
		m.ready()
		c, err := m.pool.Take(t.Context())
		m.must(err)
		return c
	}
	first, onWire := a.opened(take(a))
	again, againOnWire := a.opened(first.shown)
	second, secondOnWire := a.opened(take(a))
	other, otherOnWire := b.opened(take(b))

	withOpens := append(slices.Clone(same), "Opens")
	for _, c := range []struct {
		name string
		a, b known
		want []string
	}{
		{"fresh and fresh", first, second, withOpens},
		{"two members", first, other, withOpens},
		{"two members, the other way", second, other, withOpens},
		{"resumed", first, again, append(slices.Clone(same), linking...)},
	} {
		got, want := common(c.a, c.b), slices.Clone(c.want)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: in common are %v, expected %v", c.name, got, want)
		}
	}
	wires := []*tapped{onWire, againOnWire, secondOnWire, otherOnWire}
	for i, x := range wires {
		for _, y := range wires[i+1:] {
			if what := linked(x, y); what != "" {
				t.Error(what)
			}
			if a, b := x.shape(), y.shape(); a != b {
				t.Errorf("the sessions look different:\n%s\n%s", a, b)
			}
		}
	}
	requireLinksAreFound(t, first.shown, wires)
}

// window is how many bytes in common are no accident: of the some hundred
// thousand bytes here, two windows are the same once in a billion runs.
const window = 8

// linked says whether what is sealed on two connections has anything in common,
// but for the zeros of a cookie that is not there.
func linked(a, b *tapped) string {
	seen := make(map[[window]byte]bool)
	for _, f := range a.frames() {
		for i := 0; i+window <= len(f.sealed); i++ {
			seen[[window]byte(f.sealed[i:])] = true
		}
	}
	delete(seen, [window]byte{})
	for at, f := range b.frames() {
		for i := 0; i+window <= len(f.sealed); i++ {
			if w := [window]byte(f.sealed[i:]); seen[w] && !nearZeros(f.sealed, i) {
				return fmt.Sprintf("%x at byte %d of frame %d is on two connections", w, i, at)
			}
		}
	}
	return ""
}

// nearZeros reports whether a window reaches into a cookie of zeros.
func nearZeros(b []byte, i int) bool {
	return bytes.Contains(b[max(0, i-window):min(len(b), i+2*window)], make([]byte, window))
}

// requireLinksAreFound plants what would link sessions on the wire: a digest of
// the certificate in clear, and a ticket that came with one session and goes out
// with the next.
func requireLinksAreFound(t *testing.T, c *session.Certificate, wires []*tapped) {
	t.Helper()
	digest := c.Digest()
	first, second := *wires[0], *wires[1]
	for _, w := range []*tapped{&first, &second} {
		w.chunks = append(slices.Clone(w.chunks), chunk{up: true, bytes: digest[:]})
	}
	if linked(&first, &second) == "" {
		t.Error("a digest in clear is not noticed")
	}
	ticket := wires[0].stream(false)
	second = *wires[2]
	second.chunks = append(slices.Clone(second.chunks), chunk{up: true, bytes: ticket[len(ticket)-32:]})
	if linked(wires[0], &second) == "" {
		t.Error("a ticket is not noticed")
	}
}
