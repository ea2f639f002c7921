package venue

import (
	"encoding/json"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

// message returns a first message, framed, by what the client knows of the venue.
func (a *admitting) message(d *descriptor.Signed, c *session.Certificate, change func(*handshake.Venue)) []byte {
	a.t.Helper()
	knows, err := venueclient.Handshake(d, d.Suites[0])
	a.must(err)
	change(knows)
	i, err := handshake.NewInitiator(knows, c, handshake.InitiatorOptions{Kind: handshake.Open})
	a.must(err)
	message, err := i.Message()
	a.must(err)
	return message
}

// throw sends bytes, and reads until the venue is done with them.
func (a *admitting) throw(l net.Listener, message []byte) {
	a.t.Helper()
	raw, err := net.Dial("tcp", l.Addr().String())
	a.must(err)
	defer raw.Close()
	_, err = raw.Write(message)
	a.must(err)
	_ = raw.(*net.TCPConn).CloseWrite() // the venue may have closed it before
	_, _ = io.Copy(io.Discard, raw)     // an answer, or a reset
}

// settled waits until no handshake is under way and no channel open.
func (a *admitting) settled(connections uint64) *HandshakeStatus {
	a.t.Helper()
	const pause = 5 * time.Millisecond
	for tries := 0; ; tries++ {
		s := a.venue.Status().Handshakes
		if s.Accepted == connections && s.UnderWay == 0 && s.Channels == 0 && s.Messages.Received == connections {
			return s
		}
		if tries == 2000 {
			a.t.Fatalf("%+v, expected %d connections that are over", s, connections)
		}
		time.Sleep(pause)
	}
}

// What strangers and members do at two listeners is in the status, under its cause,
// also when the listeners are closed.
func TestHandshakeCounters(t *testing.T) {
	a := newAdmitting(t)
	d := a.turn()
	if s := a.venue.Status().Handshakes; s == nil || s.Messages.Rejected == nil {
		t.Fatalf("before the first listener: %+v, expected zeros", s)
	}
	one, two := a.listen(), a.listen()
	c := a.certificate(d)
	if err := a.dial(one.Addr().String(), d, d.Suites[0], c, handshake.Open); !rejected(err, handshake.NotAdmitted) {
		t.Errorf("%v, expected %s", err, handshake.NotAdmitted)
	}
	a.must(a.dial(one.Addr().String(), d, d.Suites[0], c, handshake.Inline))
	a.must(a.dial(two.Addr().String(), d, d.Suites[0], c, handshake.Open))

	same := func(*handshake.Venue) {}
	forged := a.message(d, c, same)
	forged[len(forged)-20] ^= 1 // in the first MAC, which the second one follows
	a.throw(two, forged)
	versioned := a.message(d, c, same)
	versioned[2] ^= 0x80
	a.throw(two, versioned)
	short := a.message(d, c, same)
	short[0], short[1] = 0, 1
	a.throw(two, short)
	typed := a.message(d, c, same)
	typed[3] ^= 0x80
	a.throw(two, typed)
	a.throw(two, a.message(d, c, func(v *handshake.Venue) { v.Number += 5 }))
	again := a.message(d, c, same)
	a.throw(one, again)
	a.throw(two, again)
	const connections = 10

	check := func(s *HandshakeStatus) {
		t.Helper()
		if got := s.Refused + s.TimedOut + s.Failed + s.Admitted + s.Opened; got != connections {
			t.Errorf("%+v: %d of %d connections came to something", s, got, connections)
		}
		want := MessageStatus{
			Received: connections, Malformed: 3, WrongMAC: 1, UnknownDescriptor: 1, Replayed: 1,
			Rejected: map[zkkex.Reason]uint64{handshake.NotAdmitted: 1}, Opened: 3,
		}
		if !reflect.DeepEqual(s.Messages, want) {
			t.Errorf("messages\n%+v, expected\n%+v", s.Messages, want)
		}
	}
	check(a.settled(connections))
	a.must(one.Close())
	a.must(two.Close())
	check(a.settled(connections))

	text, err := json.Marshal(a.venue.Status())
	a.must(err)
	for _, part := range []string{`"handshakes":{"accepted":10,`, `"wrong_mac":1,`, `"rejected":{"not_admitted":1}`, `"verifications":{"waiting":0,`} {
		if !strings.Contains(string(text), part) {
			t.Errorf("the status holds no %s:\n%s", part, text)
		}
	}
}

// A venue that admits nobody has no such counters.
func TestNoCountersWithoutParameters(t *testing.T) {
	if s := newScene(t).venue.Status(); s.Handshakes != nil || s.Verifications != nil {
		t.Errorf("%+v, %+v", s.Handshakes, s.Verifications)
	}
}

// Every counter of a listener is in the sum: one that is added there, and not here,
// is found out.
func TestSumOfListeners(t *testing.T) {
	names := map[string]string{"Handshakes": "UnderWay"}
	var l handshake.ListenerStats
	in := reflect.ValueOf(&l).Elem()
	for i := range in.NumField() {
		switch field := in.Field(i); field.Kind() {
		case reflect.Uint64:
			field.SetUint(uint64(i) + 1)
		case reflect.Int:
			field.SetInt(int64(i) + 1)
		}
	}
	var sum HandshakeStatus
	sum.add(l)
	sum.add(l)
	for i := range in.NumField() {
		name := in.Type().Field(i).Name
		if name == "Responder" { // one for all listeners
			continue
		}
		if other, ok := names[name]; ok {
			name = other
		}
		field := reflect.ValueOf(sum).FieldByName(name)
		if !field.IsValid() || field.Convert(reflect.TypeFor[uint64]()).Uint() != 2*(uint64(i)+1) {
			t.Errorf("the sum of two has %s %v, expected %d", name, field, 2*(i+1))
		}
	}
}

// The pool's counters are of the proofs that were shown.
func (s *scene) checkVerified(shown uint64) {
	s.t.Helper()
	if got := s.venue.Status().Verifications; got == nil || got.Queued != shown || got.Refused != 0 || got.Busy != 0 || got.Waiting != 0 {
		s.t.Errorf("verifications %+v, expected %d good ones", got, shown)
	}
}
