package handshake

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/record"
)

func TestRenew(t *testing.T) {
	s := listen(t, newScene(t))
	first, next := s.certificate(t), s.certificate(t)
	member, venue := s.pair(first)
	s.gate.set(func(g *testGate) { g.until = noon.Add(25 * time.Hour) })
	if err := member.Renew(t.Context(), s.venue(plainSuite), next); err != nil {
		t.Fatal(err)
	}
	m := member.ConnectionState()
	if m.Certificate != next.Digest() || m.Renewals != 1 || !m.Ends.Equal(noon.Add(25*time.Hour)) {
		t.Errorf("%+v", m)
	}
	eventually(t, "the venue renews", func() bool { return venue.ConnectionState().Renewals == 1 })
	v := venue.ConnectionState()
	if v.Certificate != next.Digest() || v.Statement != next.Presentation().Statement || !v.Ends.Equal(m.Ends) {
		t.Errorf("%+v", v)
	}
	s.gate.mu.Lock()
	one, other := s.gate.channels[first.Digest()], s.gate.channels[next.Digest()]
	s.gate.mu.Unlock()
	if one != 0 || other != 1 {
		t.Errorf("%d channels of the old certificate and %d of the new one", one, other)
	}
	if err := venue.Renew(t.Context(), s.venue(plainSuite), first); !errors.Is(err, errNotMember) {
		t.Errorf("a venue renews: %v", err)
	}
}

// A renewal that is refused leaves the channel as it was.
func TestRefusedRenewal(t *testing.T) {
	s := listen(t, newScene(t))
	member, venue := s.pair(s.certificate(t))
	before := member.ConnectionState()
	s.gate.set(func(g *testGate) { g.admitErr = zkkex.Reject(zkkex.SlotUsed, "x") })
	if err := member.Renew(t.Context(), s.venue(plainSuite), s.certificate(t)); !isReason(err, zkkex.SlotUsed) {
		t.Fatalf("got %v", err)
	}
	if member.ConnectionState().Certificate != before.Certificate {
		t.Error("the certificate changed")
	}
	exchangeWords(t, member, venue)
	s.gate.set(func(g *testGate) { g.admitErr = nil })
	if err := member.Renew(t.Context(), s.venue(plainSuite), s.certificate(t)); !isReason(err, zkkex.Busy) {
		t.Errorf("a renewal right after another one: %v", err)
	}
}

// Whoever shows a certificate whose key it does not hold is cut off, whatever
// else is right.
func TestRenewalNeedsTheKey(t *testing.T) {
	for name, forge := range map[string]func(*scene, *Conn, []byte){
		"proof":      func(_ *scene, _ *Conn, b []byte) { b[len(b)-1] ^= 1 },
		"descriptor": func(_ *scene, _ *Conn, b []byte) { copy(b[len(b)-renewProofSize:], make([]byte, renewProofSize)) },
		"cut":        func(_ *scene, _ *Conn, b []byte) { b[10]++ },
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, newScene(t))
			member, venue := s.pair(s.certificate(t))
			<-member.renewal.keyed
			b, err := member.renewal.request(s.venue(plainSuite), s.certificate(t))
			if err != nil {
				t.Fatal(err)
			}
			pairings := s.gate.pairings
			forge(s.scene, member, b)
			if err := member.channel.Send(b); err != nil {
				t.Fatal(err)
			}
			requireEnd(t, venue)
			if s.gate.pairings != pairings {
				t.Error("the certificate was looked at")
			}
		})
	}
}

// Whoever has stolen the venue's prekey, and has a channel of its own, cannot make
// it one of somebody else's certificate.
func TestRenewalWithStolenPrekey(t *testing.T) {
	for name, second := range map[string]func(thief *Conn, static []byte) ([]byte, error){
		"a key of its own": func(thief *Conn, _ []byte) ([]byte, error) {
			key, err := ecdh.X25519().GenerateKey(rand.Reader)
			if err != nil {
				return nil, err
			}
			return key.ECDH(thief.renewal.theirs)
		},
		"what it has, twice": func(_ *Conn, static []byte) ([]byte, error) { return static, nil },
		"nothing":            func(*Conn, []byte) ([]byte, error) { return nil, nil },
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, newScene(t))
			thief, venue := s.pair(s.certificate(t))
			<-thief.renewal.keyed
			victim := s.certificate(t)
			static, err := s.keys.Static.ECDH(victim.Key().PublicKey())
			if err != nil {
				t.Fatal(err)
			}
			fresh, err := second(thief, static)
			if err != nil {
				t.Fatal(err)
			}
			proof, err := thief.renewal.proof(slices.Concat(static, fresh), s.keys.Digest, victim.Digest())
			if err != nil {
				t.Fatal(err)
			}
			b, err := thief.renewal.request(s.venue(plainSuite), victim)
			if err != nil {
				t.Fatal(err)
			}
			copy(b[len(b)-renewProofSize:], proof)
			if err := thief.channel.Send(b); err != nil {
				t.Fatal(err)
			}
			requireEnd(t, venue)
			if venue.ConnectionState().Renewals != 0 {
				t.Error("the thief's channel is the victim's now")
			}
		})
	}
}

// A venue offers one key on a channel. A second one, or none, ends it.
func TestRenewalKeys(t *testing.T) {
	for name, b := range map[string][]byte{
		"second": append([]byte{renewKey}, make([]byte, renewKeySize-1)...),
		"short":  {renewKey},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, newScene(t))
			member, venue := s.pair(s.certificate(t))
			<-member.renewal.keyed
			if err := venue.channel.Send(b); err != nil {
				t.Fatal(err)
			}
			<-member.Done()
		})
	}
}

// A peer that begins with a renewal meets a channel that is there.
func TestFirstRecordIsAMessage(t *testing.T) {
	for range 20 {
		s := listen(t, newScene(t))
		i, message := s.first(t, plainSuite, s.admitted(t), InitiatorOptions{Kind: Open})
		raw, err := net.Dial("tcp", s.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		if _, err := raw.Write(message); err != nil {
			t.Fatal(err)
		}
		answer, err := readMessage(raw)
		if err != nil {
			t.Fatal(err)
		}
		e, err := i.Finish(answer)
		if err != nil {
			t.Fatal(err)
		}
		records, err := e.Session(ChannelOptions{Now: s.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		b, err := records.Seal(nil, record.Channel, []byte{renewAsk})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := raw.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(raw); err != nil {
			t.Fatal(err)
		}
	}
}

// The proof of one channel is worth nothing in another one.
func TestRenewalIsBoundToItsChannel(t *testing.T) {
	s := listen(t, newScene(t))
	one, _ := s.pair(s.certificate(t))
	other, venue := s.pair(s.certificate(t))
	<-one.renewal.keyed
	b, err := one.renewal.request(s.venue(plainSuite), s.certificate(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.channel.Send(b); err != nil {
		t.Fatal(err)
	}
	requireEnd(t, venue)
}

func FuzzParseRenewal(f *testing.F) {
	s := newScene(f)
	p, _ := s.certificate(f).Presentation().AppendBinary(nil)
	ask := append([]byte{renewAsk, 0, 0, 0, 0, 0, 0, 0, 5, byte(len(p) >> 8), byte(len(p))}, p...)
	f.Add(append(ask, make([]byte, renewProofSize)...))
	f.Add(appendRenewAnswer(nil, 0, noon))
	f.Add(appendRenewAnswer(nil, 9, noon))
	f.Add(append([]byte{renewKey}, make([]byte, renewKeySize-1)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if ask, err := parseRenewAsk(b); err == nil {
			p, _ := ask.certificate.AppendBinary(nil)
			if !bytes.Equal(b[11:11+len(p)], p) {
				t.Error("decoded, then encoded otherwise")
			}
		} else if !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%v", err)
		}
		if key, err := parseRenewKey(b); err == nil && !bytes.Equal(key.Bytes(), b[1:]) {
			t.Error("decoded, then encoded otherwise")
		}
		if code, ends, err := parseRenewAnswer(b); err == nil && !bytes.Equal(appendRenewAnswer(nil, code, ends), b) {
			t.Error("decoded, then encoded otherwise")
		}
	})
}

// A renewal that takes effect in the moment of a shutdown does not undo it.
func TestRenewalDoesNotUndoAnEnd(t *testing.T) {
	s := listen(t, newScene(t))
	_, venue := s.pair(s.certificate(t))
	state := venue.ConnectionState()
	venue.end(AlertShutdown)
	venue.renewed(&Admission{Certificate: state.Certificate, Statement: state.Statement, Epoch: state.Epoch}, state.Ends.Add(time.Hour))
	requireEnd(t, venue)
}
