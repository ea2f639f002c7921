package handshake

import (
	"crypto/ecdh"
	"crypto/rand"
	"io"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/session"
)

// nextCertificate returns a certificate of the epoch after the scene's.
func (s *scene) nextCertificate(t *testing.T) *session.Certificate {
	t.Helper()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	epoch, err := zkkex.DefaultSchedule().At(noon)
	if err != nil {
		t.Fatal(err)
	}
	epoch.Number++
	p, err := s.member.Prove(t.Context(), zkkex.Claim{
		Scope: zkkex.Scope{31: 2}, Epoch: epoch, Limit: 1 << 20, Authorization: zkkex.SessionKey([32]byte(key.PublicKey().Bytes())),
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := session.New(p, key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A program that stands still in the middle of an answer, such as a pager, while
// the epoch changes: the venue's yes is stuck behind the data, and nothing is lost.
func TestRenewalIsAnsweredBehindDataThatIsNotRead(t *testing.T) {
	const total = 32 << 20 // more than the sockets hold
	s := listen(t, newScene(t))
	member, venue := s.pair(s.certificate(t))
	before := member.ConnectionState().Ends
	written := make(chan error, 1)
	go func() {
		_, err := venue.Write(make([]byte, total))
		if err == nil {
			err = venue.CloseWrite()
		}
		written <- err
	}()
	if _, err := io.ReadFull(member, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	s.gate.set(func(g *testGate) { g.until = before.Add(24 * time.Hour) })
	renewed := make(chan error, 1)
	go func() { renewed <- member.Renew(t.Context(), s.venue(plainSuite), s.nextCertificate(t)) }()
	eventually(t, "the venue renews", func() bool { return venue.ConnectionState().Renewals == 1 })
	s.clock.advance(before.Add(time.Second).Sub(s.clock.Now()))
	if n, err := io.Copy(io.Discard, member); err != nil || n != total-1 {
		t.Errorf("read %d bytes, %v, expected %d", n, err, total-1)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	if err := <-renewed; err != nil {
		t.Error(err)
	}
	if ends := member.ConnectionState().Ends; !ends.After(before) {
		t.Errorf("the channel ends at %v, as before", ends)
	}
}

// While the answer is awaited, the channel lives on; with a no, until its old end.
func TestRefusedRenewalEndsWhereItWould(t *testing.T) {
	s := listen(t, newScene(t))
	member, _ := s.pair(s.certificate(t))
	s.gate.set(func(g *testGate) { g.admitErr = zkkex.Reject(zkkex.SlotUsed, "x") })
	if err := member.Renew(t.Context(), s.venue(plainSuite), s.nextCertificate(t)); !isReason(err, zkkex.SlotUsed) {
		t.Fatal(err)
	}
	s.clock.advance(member.ConnectionState().Ends.Sub(s.clock.Now()))
	if _, err := member.Write([]byte("late")); err == nil {
		t.Error("written after the channel's end")
	}
}
