package handshake

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/redact"
)

// Every message counts once, as what became of it.
func TestStats(t *testing.T) {
	s := newScene(t, func(c *ResponderConfig) { c.Load = Load{Rate: 1, Burst: 12, UnderLoad: 2, HalfOpen: 3} })
	c := s.admitted(t)
	_, open := s.first(t, plainSuite, c, InitiatorOptions{Kind: Open})
	_, admit := s.first(t, plainSuite, s.certificate(t), InitiatorOptions{Kind: Admit})
	_, early := s.first(t, earlySuite, c, InitiatorOptions{Kind: Open, Early: []byte("x")})
	_, unknown := s.first(t, plainSuite, s.certificate(t), InitiatorOptions{Kind: Open})
	_, undecided := s.first(t, plainSuite, s.certificate(t), InitiatorOptions{Kind: Open})
	edit := func(b []byte, at int) []byte {
		b = append([]byte(nil), b...)
		b[(at+len(b))%len(b)] ^= 0x40
		return b
	}
	send := func(b []byte) { s.responder.Respond(t.Context(), home, b) }

	send(open[:20])                      // Malformed
	send(edit(open, PrefixSize))         // WrongSuite
	send(edit(open, headerSize-1))       // UnknownDescriptor
	send(edit(open, -macsSize))          // WrongMAC
	send(remac(s.keys, edit(open, 200))) // Unauthentic
	send(open)                           // Opened
	send(open)                           // Replayed
	send(admit)                          // Admitted
	send(early)                          // Opened, Early
	send(unknown)                        // Rejected
	s.gate.set(func(g *testGate) { g.down = true })
	send(undecided) // Undecided
	s.gate.set(func(g *testGate) { g.down = false })
	send(s.handmade(t, c.Key(), make([]byte, sizesOf(suites()[0], s.keys.Padding).payload(2048)))) // WrongPayload
	var done []func()
	for range 2 {
		d, err := s.responder.Progress()
		if err != nil {
			t.Fatal(err)
		}
		done = append(done, d)
	}
	_, fresh := s.first(t, plainSuite, s.certificate(t), InitiatorOptions{Kind: Inline})
	send(fresh) // Cookies
	third, err := s.responder.Progress()
	if err != nil {
		t.Fatal(err)
	}
	send(fresh) // HalfOpen
	third()
	done[0]()
	send(fresh) // Cookies: one in progress beside this one
	done[1]()
	send(fresh) // RateLimit

	got := s.responder.Stats()
	want := Stats{
		Received: 16, Malformed: 1, WrongSuite: 1, UnknownDescriptor: 1, WrongMAC: 1, Unauthentic: 1, Opened: 2, Replayed: 1,
		Admitted: 1, Early: 1, Rejected: map[zkkex.Reason]uint64{NotAdmitted: 1}, Undecided: 1, WrongPayload: 1,
		Cookies: 2, HalfOpen: 1, RateLimit: 1,
	}
	if !maps.Equal(got.Rejected, want.Rejected) {
		t.Errorf("rejected %v, expected %v", got.Rejected, want.Rejected)
	}
	got.Rejected, want.Rejected = nil, nil
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got\n%+v, expected\n%+v", got, want)
	}
}

// Nothing that holds a secret prints it.
func TestSecretsDoNotPrint(t *testing.T) {
	s := newScene(t)
	i, message := s.first(t, earlySuite, s.admitted(t), InitiatorOptions{Kind: Open, Early: []byte("secret order")})
	answer, a, err := s.respond(t, message)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	show := func(values ...any) {
		for _, v := range values {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
				fmt.Fprintf(&out, verb+"\n", v)
			}
			text, _ := json.Marshal(v)
			out.Write(text)
			slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
			fmt.Fprintln(&out, v)
		}
	}
	show(i, *i)
	e, err := i.Finish(answer)
	if err != nil {
		t.Fatal(err)
	}
	show(e, a, struct{ E *Established }{e}, []any{a})
	secret := *a.channel.secret
	for _, form := range []string{"secret order", fmt.Sprint(secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%x", "secret order")} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q is printed", form)
		}
	}
	if !strings.Contains(out.String(), redact.Text) {
		t.Error("nothing was printed at all")
	}
}
