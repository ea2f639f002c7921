package threshold

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/threshold/frost"
)

func TestRefusalsAreNamed(t *testing.T) {
	c := newClub(t, 3, 3, 0).generate()
	no := errors.New("not today")
	c.serve(func(context.Context, *Request) error { return no }, 1)
	c.serve(yes, 2)
	_, err := c.open(0).Sign(t.Context(), certificate(1), quiet)
	var fault *Fault
	if !errors.Is(err, ErrTooFew) || !errors.Is(err, ErrRefused) || !errors.As(err, &fault) || fault.Name != "bob" || fault.ID != 2 {
		t.Errorf("got %v", err)
	}
}

func TestGoesOnWithoutRefuser(t *testing.T) {
	c := newClub(t, 2, 3, 0).generate()
	c.serve(func(context.Context, *Request) error { return errors.New("no") }, 1)
	c.serve(yes, 2)
	if signed := c.mustSign(0, certificate(1)); strings.Join(signed.Signers, " ") != "alice carol" {
		t.Errorf("%v signed, %v", signed.Signers, signed.Faults)
	}
}

// A signer is shown what it signs, from whom, and signs nothing else.
func TestSignersSeeWhatTheySign(t *testing.T) {
	c := newClub(t, 2, 2, 1).generate()
	m := &envelope.Message{
		Purpose: envelope.Delegation, Registry: zkkex.RegistryID{1}, NullifierKeyHash: [32]byte{2}, Delegate: zkkex.Commitment{3},
		Until: 1_700_000_000, Nonce: [32]byte{4}, Expiry: 1_600_000_000,
	}
	var mu sync.Mutex
	var seen []*Request
	c.serve(func(_ context.Context, r *Request) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r)
		return nil
	}, 0, 1)
	c.mustSign(2, m)
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != 2 {
		t.Fatalf("%d signers were asked", len(seen))
	}
	for _, r := range seen {
		if r.Message != *m || r.From != "desk-0" {
			t.Errorf("shown %+v", r)
		}
		for _, want := range []string{"desk-0 asks", "another key acts for it", "until: 2023-11-14T22:13:20Z", "registry: 01", "leaf: 03", "hash of the nullifier key: 02"} {
			if !strings.Contains(r.String(), want) {
				t.Errorf("%q is not in:\n%s", want, r)
			}
		}
	}
}

func TestBadMessageIsNotAsked(t *testing.T) {
	c := newClub(t, 2, 2, 0).generate()
	if _, err := c.open(0).Sign(t.Context(), &envelope.Message{Purpose: 9}, quiet); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("got %v", err)
	}
	board, err := NewFolder(c.via)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := board.names(requestsTopic(c.setup)); err != nil || len(names) != 0 {
		t.Errorf("%d requests, %v", len(names), err)
	}
}

func TestSignEndsWithContext(t *testing.T) {
	c := newClub(t, 2, 2, 0).generate()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := c.open(0).Sign(ctx, certificate(1), func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The same over a relay, by members who share no folder; key generation, signing,
// refresh, signing.
func TestRelay(t *testing.T) {
	c := newClub(t, 2, 3, 1).relay().generate()
	for i, err := range c.all(func(d *Dir) error { _, err := d.Refresh(t.Context(), quiet); return err }) {
		if err != nil {
			t.Fatalf("member %d: %v", i, err)
		}
	}
	c.serve(yes, 1, 2)
	c.mustSign(0, certificate(1))
	c.mustSign(3, certificate(2))
}

// What the board's keeper sees holds neither what is signed nor the signature.
func TestBoardSeesNothing(t *testing.T) {
	c := newClub(t, 2, 2, 0).generate()
	c.serve(yes, 1)
	m := certificate(7)
	m.Binding = zkkex.Binding(bytes.Repeat([]byte{7}, 32))
	signed := c.mustSign(0, m)
	key := mustStatus(t, c.open(0)).Group.Key()
	var all []byte
	err := filepath.WalkDir(c.via, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, b...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5_000 {
		t.Fatalf("only %d bytes on the board", len(all))
	}
	for what, secret := range map[string][]byte{"binding": m.Binding[:], "R": signed.Signature[:32], "s": signed.Signature[32:], "key": key[:]} {
		if bytes.Contains(all, secret) {
			t.Errorf("the board sees the %s", what)
		}
	}
	if !bytes.Contains(all, []byte(messageMagic)) {
		t.Error("the check looks at other bytes")
	}
}

// Commitments that no one has seen before come with each answer, and no share is sent
// twice for one: what a signer's messages show when its coordinator repeats itself.
func TestReplayedPackageIsNotSigned(t *testing.T) {
	c := newClub(t, 2, 2, 0).generate()
	d := c.open(1)
	group, own, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	s, request, err := c.open(0).request(t.Context(), group, certificate(1))
	if err != nil {
		t.Fatal(err)
	}
	board, err := d.board()
	if err != nil {
		t.Fatal(err)
	}
	signer := &signing{dir: d, board: board, request: request, approve: yes, own: own}
	if err := signer.understand(); err != nil {
		t.Fatal(err)
	}
	if err := signer.draw(); err != nil {
		t.Fatal(err)
	}
	other, err := group.public.Commit(mustHold(t, c.open(0)).share)
	if err != nil {
		t.Fatal(err)
	}
	pack := func(text []byte) *message {
		body, err := s.seal(kindPackage, request.from, text)
		if err != nil {
			t.Fatal(err)
		}
		return c.open(0).identity.seal(kindPackage, request.from, s.context, body)
	}
	text := encodePackage([]frost.Commitment{other.Commitment(), signer.nonces.Commitment()})
	for range 3 {
		if err := signer.answer(t.Context(), pack(text)); err != nil {
			t.Fatal(err)
		}
	}
	if signer.answered != 1 {
		t.Errorf("answered %d times", signer.answered)
	}
	for name, list := range map[string]func(mine frost.Commitment) []byte{
		"no list":      func(frost.Commitment) []byte { return nil },
		"too many":     func(frost.Commitment) []byte { return []byte{255} },
		"too short":    func(mine frost.Commitment) []byte { return encodePackage([]frost.Commitment{mine})[:40] },
		"only myself":  func(mine frost.Commitment) []byte { return encodePackage([]frost.Commitment{mine}) },
		"myself twice": func(mine frost.Commitment) []byte { return encodePackage([]frost.Commitment{mine, mine}) },
	} {
		if err := signer.draw(); err != nil {
			t.Fatal(err)
		}
		signer.answered = 0
		if err := signer.answer(t.Context(), pack(list(signer.nonces.Commitment()))); !errors.Is(err, ErrBadMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	signer.answered = patience(2)
	if err := signer.draw(); err != nil {
		t.Fatal(err)
	}
	text = encodePackage([]frost.Commitment{other.Commitment(), signer.nonces.Commitment()})
	if err := signer.answer(t.Context(), pack(text)); !errors.Is(err, ErrTooMany) {
		t.Errorf("without an end: %v", err)
	}
}

func mustHold(t *testing.T, d *Dir) *holding {
	t.Helper()
	_, h, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// A request that was changed, or moved into another session, is refused.
func TestBadRequests(t *testing.T) {
	c := newClub(t, 2, 2, 0).generate()
	alice, bob := c.open(0), c.open(1)
	group, _, err := alice.load()
	if err != nil {
		t.Fatal(err)
	}
	_, good, err := alice.request(t.Context(), group, certificate(1))
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int) *message {
		body := bytes.Clone(good.body)
		body[at] ^= 1
		return alice.identity.seal(kindRequest, good.from, good.context, body)
	}
	for name, test := range map[string]struct {
		request *message
		want    error
	}{
		"another group":   {change(0), ErrStale},
		"another session": {change(32), ErrBadMessage},
		"another key":     {change(64 + sealedSize), ErrBadMessage},
		"another text":    {change(len(good.body) - 1), ErrBadMessage},
		"too short":       {alice.identity.seal(kindRequest, good.from, good.context, good.body[:70]), ErrBadMessage},
		"another's":       {bob.identity.seal(kindRequest, bob.self, good.context, good.body), ErrBadMessage},
	} {
		if err := (&signing{dir: bob, request: test.request}).understand(); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	past, cancel := context.WithDeadline(t.Context(), certificateTime)
	defer cancel()
	_, expired, err := alice.request(past, group, certificate(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := (&signing{dir: bob, request: expired}).understand(); !errors.Is(err, ErrExpired) {
		t.Errorf("expired: %v", err)
	}
	if err := (&signing{dir: bob, request: good}).understand(); err != nil {
		t.Errorf("the good one: %v", err)
	}
}
