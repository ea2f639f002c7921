package fixedge

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order/journal"
)

// raw is a client without an engine.
type raw struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dialRaw(t *testing.T, v *venue) *raw {
	t.Helper()
	ours, theirs := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- v.edge.ServeConn(t.Context(), theirs) }()
	t.Cleanup(func() {
		ours.Close()
		<-done
	})
	if err := ours.SetDeadline(time.Now().Add(patient)); err != nil {
		t.Fatal(err)
	}
	return &raw{t, ours, bufio.NewReaderSize(ours, 2*MaxMessage)}
}

func (r *raw) send(m *message) {
	r.t.Helper()
	if _, err := r.conn.Write(m.append(nil)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *raw) read() (*message, error) {
	b, err := readMessage(r.in)
	if err != nil {
		return nil, err
	}
	return parseMessage(b)
}

func testLogon(comp string, change ...field) *message {
	m := &message{kind: kindLogon, fields: []field{
		{tagSenderCompID, comp}, {tagTargetCompID, DefaultCompID}, {tagMsgSeqNum, "1"}, {tagSendingTime, now()},
		{tagEncryptMethod, "0"}, {tagHeartBtInt, "30"}, {tagPassword, testPassword},
	}}
	for _, f := range change {
		i := slices.IndexFunc(m.fields, func(g field) bool { return g.tag == f.tag })
		if i < 0 {
			m.fields = append(m.fields, f)
		} else {
			m.fields[i] = f
		}
	}
	return m
}

// A Logon that is refused is answered with a Logout that says what was expected.
func TestRefusedLogons(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	for text, change := range map[string]field{
		"SenderCompID (49): expected 1 to 32":      {tagSenderCompID, "alice smith"},
		"TargetCompID (56): expected VENUE":        {tagTargetCompID, "OTHER"},
		"EncryptMethod (98): expected 0":           {tagEncryptMethod, "1"},
		"HeartBtInt (108): expected 1 to 60":       {tagHeartBtInt, "61"},
		"Password (554): expected 16 to 128":       {tagPassword, "short"},
		"tag 50 is not taken in a Logon":           {tagSenderSubID, "alice"},
		"there is no session of this SenderCompID": {tagMsgSeqNum, "2"},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			r := dialRaw(t, v)
			r.send(testLogon(unique(t, "x"), change))
			m, err := r.read()
			if err != nil {
				t.Fatal(err)
			}
			if m.kind != kindLogout || !strings.HasPrefix(m.get(tagText), text) {
				t.Errorf("got %v, want a Logout with %q", m, text)
			}
			if m.has(tagSenderSubID) {
				t.Error("the client sees what connections are told apart by")
			}
			if m, err := r.read(); err != io.EOF {
				t.Errorf("after it: %v, %v; want the end", m, err)
			}
		})
	}
}

// What is no FIX ends the connection, and never gets to quickfix.
func TestMalformedConnections(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	for name, bytes := range map[string]string{
		"another protocol": "GET / HTTP/1.1\r\n\r\n",
		"another version":  strings.ReplaceAll(string(testLogon("x").append(nil)), "FIX.4.4", "FIX.4.2"),
		"too long":         beginField + "9=9999\x01",
		"no logon":         string((&message{kind: kindNewOrderSingle}).append(nil)),
		"wrong checksum":   strings.Replace(string(testLogon("x").append(nil)), "98=0", "98=1", 1),
		"raw data":         string(testLogon("x", field{212, "9999"}, field{213, "x"}).append(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := net.Pipe()
			go func() {
				_, _ = ours.Write([]byte(bytes))
				_, _ = io.Copy(io.Discard, ours)
			}()
			if err := v.edge.ServeConn(t.Context(), theirs); !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("got %v, want an error wrapping ErrMalformed", err)
			}
		})
	}
}

// A client that breaks the framing after its Logon is told what was wrong.
func TestMalformedMessage(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	r := dialRaw(t, v)
	r.send(testLogon(unique(t, "x")))
	if m, err := r.read(); err != nil || m.kind != kindLogon {
		t.Fatalf("got %v, %v, want a Logon", m, err)
	}
	r.send(testLogon("x"))
	if m, err := r.read(); err != nil || m.kind != kindLogout || !strings.Contains(m.get(tagText), "a second Logon") {
		t.Errorf("got %v, %v, want a Logout that tells of a second Logon", m, err)
	}
}

// Session rejects and business rejects name the tag, and have FIX's codes.
func TestRejects(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	r := dialRaw(t, v)
	comp := unique(t, "x")
	r.send(testLogon(comp))
	if m, err := r.read(); err != nil || m.kind != kindLogon {
		t.Fatalf("got %v, %v, want a Logon", m, err)
	}
	number := 1
	for _, x := range rejects {
		number++
		m := &message{kind: x.kind, fields: []field{
			{tagSenderCompID, comp}, {tagTargetCompID, DefaultCompID}, {tagMsgSeqNum, itoa(number)}, {tagSendingTime, now()},
		}}
		m.fields = append(m.fields, x.fields...)
		r.send(m)
		got, err := r.read()
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		if got.kind != x.answer || got.get(x.code.tag) != x.code.value || got.get(371) != x.tag {
			t.Errorf("%s: got %v, want %s with %v about tag %s", x.name, got, x.answer, x.code, x.tag)
		}
	}
}

// The private port takes nobody else, not even one who speaks TLS.
func TestPrivatePort(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	other, err := newIdentity()
	if err != nil {
		t.Fatal(err)
	}
	other.VerifyConnection = nil
	for name, config := range map[string]*tls.Config{
		"no certificate":      {InsecureSkipVerify: true},
		"another certificate": other,
	} {
		c, err := tls.Dial("tcp", v.edge.private.address, config)
		if err == nil {
			_ = c.SetDeadline(time.Now().Add(patient))
			_, _ = c.Write(testLogon("x", field{tagTargetSubID, "x"}).append(nil))
			_, err = c.Read(make([]byte, 1))
			c.Close()
		}
		if err == nil || err == io.EOF {
			t.Errorf("%s: %v, want a refused handshake", name, err)
		}
	}
	c, err := net.Dial("tcp", v.edge.private.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patient))
	_, _ = c.Write(testLogon("x").append(nil))
	if b, _ := io.ReadAll(c); strings.Contains(string(b), "FIX") {
		t.Errorf("plain FIX was answered: %q", b)
	}
}

var _ quickfix.MessageStore = (*store)(nil)
