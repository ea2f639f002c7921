package anonymity

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
)

// leak is a fault that is planted. The zero value is none.
type leak struct {
	member func(*someone)                             // changes what the member does
	words  func(*identity) int                        // adds to what the member says
	asks   func(*identity) string                     // a path that the member asks for
	beside bool                                       // admits beside an open
	reason func(*identity, zkkex.Reason) zkkex.Reason // changes why the venue refuses
	longer func(*identity) int                        // adds to the venue's refusals
	venue  func(*office, *identity)                   // has the venue write something down
}

// found runs two members, the first and the last of a registry, and says what
// tells them apart or names them, or returns "".
func (l leak) found(t *testing.T) string {
	t.Helper()
	return l.foundAt(newOffice(t))
}

func (l leak) foundAt(o *office) string {
	o.t.Helper()
	ids := []*identity{o.members[0], o.members[len(o.members)-1]}
	o.journal.take() // of before
	var views []*view
	for _, id := range ids {
		views = append(views, o.someone(id, l).live())
	}
	for _, v := range views {
		requireSomething(o.t, v)
		for _, id := range ids {
			if what := v.names(id); what != "" {
				return what
			}
		}
	}
	return distinguishes(views[0], views[1])
}

// requireSomething checks that there was something to compare.
func requireSomething(t testing.TB, v *view) {
	t.Helper()
	sessions, fetches := len(v.tap.sessions()), len(v.tap.conns)-len(v.tap.sessions())
	refusals := len(v.errors)
	lines := strings.Count(v.log, "\n")
	if sessions < 40 || fetches < 1 || refusals < 35 || lines < 35 || len(v.files) < 1000 {
		t.Fatalf("%d sessions, %d fetches, %d refusals, %d lines of log, %d bytes of files: the comparison compares nothing",
			sessions, fetches, refusals, lines, len(v.files))
	}
}

// Two members who do the same leave the same behind, but for what looks random:
// the first and the last member of a registry, with sessions fresh, resumed,
// inline, in two suites, with admissions ahead, and refused for every reason.
func TestNothingTellsTwoMembersApart(t *testing.T) {
	if what := (leak{}).found(t); what != "" {
		t.Error(what)
	}
}

// Nor under load, when every first message is asked for twice, with a cookie.
func TestNothingTellsTwoMembersApartUnderLoad(t *testing.T) {
	o := newOffice(t)
	o.load.UnderLoad = 1
	var last *someone
	if what := (leak{member: func(m *someone) { last = m }}).foundAt(o); what != "" {
		t.Error(what)
	}
	cookies := 0
	for _, c := range last.tap.sessions() {
		if frames := c.frames(); len(frames) > 2 && len(frames[1].header) == 4 && frames[1].header[3] == typeCookie {
			cookies++
		}
	}
	if cookies < 40 {
		t.Errorf("%d cookies: the venue was not under load", cookies)
	}
}

// The leaks that the comparison must find, or it proves nothing.
func TestPlantedLeaksAreFound(t *testing.T) {
	for _, c := range []struct {
		name string
		leak leak
		want string // how what is found begins
	}{
		{"an index in a length", leak{words: func(id *identity) int { return int(id.index) }}, "connection"},
		{"records padded by the member", leak{member: func(m *someone) {
			if m.index > 0 {
				m.config.Padding = handshake.PadBuckets
			}
		}}, "connection"},
		{"a suite by the member", leak{member: func(m *someone) {
			if m.index > 0 {
				m.suites = append(m.suites[1:2:2], m.suites[0])
			}
		}}, "connection"},
		{"an error text by the member", leak{reason: func(id *identity, r zkkex.Reason) zkkex.Reason {
			if id.index > 0 && r == zkkex.BadProof {
				return zkkex.TooFewMembers
			}
			return r
		}}, "refusal"},
		{"a size of a refusal by the member", leak{longer: func(id *identity) int { return int(id.index) }}, "connection"},
		{"an admission beside an open", leak{beside: true}, "two handshakes"},
		{"a request with the leaf in it", leak{asks: func(id *identity) string { return fmt.Sprint("leaf/", id.index) }}, "connection"},
		{"a request with the commitment in it", leak{asks: func(id *identity) string { return id.secret.Public().Commitment().String() }}, "what is sent"},
		{"a line of the log with the commitment", leak{venue: func(o *office, id *identity) {
			o.log.Debug("session opened", "commitment", id.secret.Public().Commitment())
		}}, "the venue's log"},
		{"a line of the log for one member", leak{venue: func(o *office, id *identity) {
			if id.index > 0 {
				o.log.Debug("session opened")
			}
		}}, "line of the log"},
		{"a file with the key", leak{venue: func(o *office, id *identity) {
			key := id.secret.Public().Bytes()
			o.must(os.WriteFile(filepath.Join(o.dir, "admissions", "notes"), key[:], 0o600))
		}}, "the venue's files"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			what := c.leak.found(t)
			if !strings.HasPrefix(what, c.want) {
				t.Errorf("found %.300q, expected something that begins with %q", what, c.want)
			}
		})
	}
}

// listener makes the venue's refusals longer, if that is the leak.
func (l leak) listener(m *someone, inner net.Listener) net.Listener {
	if l.longer == nil {
		return inner
	}
	return &longerListener{inner, l.longer(m.identity), m.office}
}

type longerListener struct {
	net.Listener
	by     int
	office *office
}

func (l *longerListener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &longerConn{TCPConn: raw.(*net.TCPConn), listener: l}, nil
}

// longerConn makes the first message that is written on it longer, while the
// venue's verdict is no.
type longerConn struct {
	*net.TCPConn
	listener *longerListener
	began    atomic.Bool
}

func (c *longerConn) Write(b []byte) (int, error) {
	o := c.listener.office
	o.mu.Lock()
	no := o.verdict != nil
	o.mu.Unlock()
	if c.began.Swap(true) || !no {
		return c.TCPConn.Write(b)
	}
	longer := append(append([]byte(nil), b...), make([]byte, c.listener.by)...)
	binary.BigEndian.PutUint16(longer, uint16(len(longer)-2))
	_, err := c.TCPConn.Write(longer)
	return len(b), err
}
