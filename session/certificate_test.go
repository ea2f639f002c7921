package session_test

import (
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/session"
)

// sample is the presentation in docs/spec/presentation.md.
func sample(t *testing.T) *zkkex.Presentation {
	t.Helper()
	text, err := os.ReadFile("../docs/spec/presentation.md")
	if err != nil {
		t.Fatal(err)
	}
	_, armor, _ := strings.Cut(string(text), "```\n")
	armor, _, _ = strings.Cut(armor, "```")
	p, err := zkkex.ParsePresentationText([]byte(armor))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The digest in docs/spec/session-certificate.md is what the code computes, and
// what the text says is hashed, framed here by hand.
func TestSpecification(t *testing.T) {
	const file = "../docs/spec/session-certificate.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := sample(t)
	p.Authorization.Kind = zkkex.AuthorizeSession
	digest, err := session.DigestOf(p)
	if err != nil {
		t.Fatal(err)
	}
	statement, _ := p.Statement.AppendBinary(nil)
	framed := []byte("\x00\x00\x00\x1czkkex/v1 session certificate\x00\x00\x00\x86" + string(statement) +
		"\x00\x00\x00\x20" + string(p.Authorization.Value[:]))
	if byHand := sha256.Sum256(framed); digest != byHand {
		t.Errorf("digest %v, by hand %x", digest, byHand)
	}
	for what, want := range map[string]string{
		"digest": digest.String(), "session key": hex.EncodeToString(p.Authorization.Value[:]),
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s does not show the %s %s", file, what, want)
		}
	}
}

// A proof that was re-randomised makes the same certificate; another statement or
// key does not.
func TestDigestCoversTheCertificate(t *testing.T) {
	digest := func(change func(*zkkex.Presentation)) session.Digest {
		p := sample(t)
		p.Authorization.Kind = zkkex.AuthorizeSession
		change(p)
		d, err := session.DigestOf(p)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	want := digest(func(*zkkex.Presentation) {})
	if digest(func(p *zkkex.Presentation) { p.Proof[5] ^= 1 }) != want {
		t.Error("the proof's bytes are part of the digest")
	}
	for name, change := range map[string]func(*zkkex.Presentation){
		"circuit":   func(p *zkkex.Presentation) { p.Statement.Circuit++ },
		"limit":     func(p *zkkex.Presentation) { p.Statement.Limit++ },
		"root":      func(p *zkkex.Presentation) { p.Statement.Root[31] ^= 1 },
		"scope":     func(p *zkkex.Presentation) { p.Statement.Scope[0] ^= 1 },
		"nullifier": func(p *zkkex.Presentation) { p.Statement.Nullifier[31] ^= 1 },
		"binding":   func(p *zkkex.Presentation) { p.Statement.Binding[0] ^= 1 },
		"key":       func(p *zkkex.Presentation) { p.Authorization.Value[0] ^= 1 },
	} {
		if digest(change) == want {
			t.Errorf("the %s is no part of the digest", name)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := ecdh.X25519().GenerateKey(rand.Reader)
	curve, _ := ecdh.P256().GenerateKey(rand.Reader)
	good := func() *zkkex.Presentation {
		p := sample(t)
		p.Authorization = zkkex.SessionKey([32]byte(key.PublicKey().Bytes()))
		return p
	}
	message := good()
	message.Authorization.Kind = zkkex.AuthorizeMessage
	never := good()
	never.Epoch.Number = math.MaxUint64
	for _, c := range []struct {
		name   string
		p      *zkkex.Presentation
		key    *ecdh.PrivateKey
		want   error
		reason string
	}{
		{"message", message, key, zkkex.ErrMalformed, "authorises a message"},
		{"epoch", never, key, zkkex.ErrMalformed, "out of range"},
		{"another key", good(), other, session.ErrKey, "not the session key"},
		{"another curve", good(), curve, session.ErrKey, "not the session key"},
	} {
		if _, err := session.New(c.p, c.key); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v, want %v with %q", c.name, err, c.want, c.reason)
		}
	}
	c, err := session.New(good(), key)
	if err != nil {
		t.Fatal(err)
	}
	if end, _ := good().Epoch.End(); !c.Ends().Equal(end) {
		t.Errorf("ends at %v, want %v", c.Ends(), end)
	}
	if c.Key() != key {
		t.Error("another key")
	}
	if c.Wipe(); c.Key() != nil {
		t.Error("the key is there after Wipe")
	}
}

// Each open counter is handed out once, and none from the cap on.
func TestOpenCounters(t *testing.T) {
	v := newVenue()
	c := take(t, open(t, session.PoolConfig{Prover: v.prover(), Terms: v}))
	const limit = 100
	var mu sync.Mutex
	seen := map[uint32]bool{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				n, err := c.TakeOpen(limit)
				if err != nil {
					if !errors.Is(err, session.ErrOpensUsed) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				if seen[n] || n >= limit {
					t.Errorf("counter %d", n)
				}
				seen[n] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != limit || c.Opens() != limit {
		t.Errorf("%d counters, %d opens; want %d", len(seen), c.Opens(), limit)
	}
}

// What a venue sees of a certificate has no time but the epoch's: two made at
// different times of it have the same.
func TestValidityIsTheEpochs(t *testing.T) {
	v := newVenue()
	p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v})
	a := take(t, p)
	time.Sleep(time.Millisecond)
	b := take(t, p)
	pa, pb := *a.Presentation(), *b.Presentation()
	if !a.Ends().Equal(b.Ends()) {
		t.Errorf("one ends at %v, one at %v", a.Ends(), b.Ends())
	}
	for _, q := range []*zkkex.Presentation{&pa, &pb} { // what must differ
		q.Statement.Nullifier, q.Statement.Binding = zkkex.Nullifier{}, zkkex.Binding{}
		q.Authorization.Value, q.Proof = [32]byte{}, nil
	}
	ea, _ := pa.AppendBinary(nil)
	eb, _ := pb.AppendBinary(nil)
	if string(ea) != string(eb) {
		t.Error("two certificates of one epoch differ in more than nullifier, binding, key and proof")
	}
}
