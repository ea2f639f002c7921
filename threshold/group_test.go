package threshold

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/envelope"
)

// names are those of participants, by place.
var names = []string{"alice", "bob", "carol", "dave", "eve", "frank", "grace", "heidi", "ivan", "judy"}

// club is a group's members in folders of a test, who meet in via.
type club struct {
	t     *testing.T
	setup *Setup
	via   string
	dirs  []string // of participants, by place, then of requesters
}

// newClub makes folders with keys and a setup, and no group.
func newClub(t *testing.T, threshold, participants, requesters int) *club {
	t.Helper()
	c := &club{t: t, setup: &Setup{Threshold: threshold}, via: t.TempDir()}
	for i := range participants + requesters {
		dir := filepath.Join(t.TempDir(), "member")
		name := fmt.Sprintf("desk-%d", i-participants)
		if i < participants {
			name = names[i]
		}
		m, err := Init(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		if i < participants {
			c.setup.Participants = append(c.setup.Participants, m)
		} else {
			c.setup.Requesters = append(c.setup.Requesters, m)
		}
		c.dirs = append(c.dirs, dir)
	}
	for _, dir := range c.dirs {
		if err := Join(dir, c.setup, c.via); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *club) open(place int) *Dir {
	c.t.Helper()
	d, err := Open(c.dirs[place])
	if err != nil {
		c.t.Fatal(err)
	}
	return d
}

// relay has the members meet at a relay before their folder, which keeps requests.
func (c *club) relay() *club {
	c.t.Helper()
	folder, err := NewFolder(c.via)
	if err != nil {
		c.t.Fatal(err)
	}
	server := httptest.NewServer(NewRelay(c.setup, folder))
	c.t.Cleanup(server.Close)
	for _, dir := range c.dirs {
		if err := Move(dir, server.URL); err != nil {
			c.t.Fatal(err)
		}
	}
	return c
}

// all calls do for every member at the same time.
func (c *club) all(do func(d *Dir) error) []error {
	c.t.Helper()
	errs := make([]error, len(c.dirs))
	var wg sync.WaitGroup
	for i := range c.dirs {
		d := c.open(i)
		wg.Go(func() { errs[i] = do(d) })
	}
	wg.Wait()
	return errs
}

// generate makes the group.
func (c *club) generate() *club {
	c.t.Helper()
	for i, err := range c.all(func(d *Dir) error { _, err := d.Generate(c.t.Context(), quiet); return err }) {
		if err != nil {
			c.t.Fatalf("member %d: %v", i, err)
		}
	}
	return c
}

// serve has some participants answer until the test ends.
func (c *club) serve(approve func(context.Context, *Request) error, places ...int) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, place := range places {
		d := c.open(place)
		wg.Go(func() {
			if err := d.Serve(ctx, approve, quiet); !errors.Is(err, context.Canceled) {
				c.t.Errorf("%s stopped serving: %v", d.identity.name, err)
			}
		})
	}
	c.t.Cleanup(func() { cancel(); wg.Wait() })
}

func quiet(string) {}

func yes(context.Context, *Request) error { return nil }

func certificate(label byte) *envelope.Message {
	return &envelope.Message{Purpose: envelope.Certificate, Binding: zkkex.Binding{label, 0xff}}
}

// mustSign has a member bring about a signature, and verifies it.
func (c *club) mustSign(place int, m *envelope.Message) *Signed {
	c.t.Helper()
	d := c.open(place)
	signed, err := d.Sign(c.t.Context(), m, quiet)
	if err != nil {
		c.t.Fatal(err)
	}
	status, err := d.Status()
	if err != nil {
		c.t.Fatal(err)
	}
	key := status.Group.Key()
	if err := envelope.EdDSA.Verify(zkkex.KeyEdDSA, key[:], m, signed.Signature); err != nil {
		c.t.Fatal(err)
	}
	return signed
}

func TestGenerateAndSign(t *testing.T) {
	c := newClub(t, 2, 3, 1).generate()
	var keys [][32]byte
	for i := range c.dirs {
		s, err := c.open(i).Status()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, s.Group.Key())
		if keys[i] != keys[0] || s.Group.Digest() != mustStatus(t, c.open(0)).Group.Digest() {
			t.Errorf("member %d has another group", i)
		}
	}
	c.serve(yes, 1, 2)
	if signed := c.mustSign(0, certificate(1)); len(signed.Signers) != 2 || len(signed.Faults) != 0 {
		t.Errorf("%+v", signed)
	}
	// A requester without a share.
	c.mustSign(3, certificate(2))
}

func mustStatus(t *testing.T, d *Dir) *Status {
	t.Helper()
	s, err := d.Status()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRefresh(t *testing.T) {
	c := newClub(t, 2, 2, 1).generate()
	key := mustStatus(t, c.open(0)).Group.Key()
	old, err := os.ReadFile(filepath.Join(c.dirs[1], shareFile))
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range c.all(func(d *Dir) error { _, err := d.Refresh(t.Context(), quiet); return err }) {
		if err != nil {
			t.Fatalf("member %d: %v", i, err)
		}
	}
	if s := mustStatus(t, c.open(2)); s.Group.Key() != key || s.Group.Generation != 2 {
		t.Errorf("after the refresh: generation %d, key %x, was %x", s.Group.Generation, s.Group.Key(), key)
	}
	c.serve(yes, 1)
	c.mustSign(0, certificate(1))
	// A folder restored from a backup of before is told, and does no harm.
	if err := os.WriteFile(filepath.Join(c.dirs[1], shareFile), old, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = c.open(0).Sign(t.Context(), certificate(2), quiet)
	var fault *Fault
	if !errors.Is(err, ErrTooFew) || !errors.Is(err, ErrStale) || !errors.As(err, &fault) || fault.Name != "bob" {
		t.Errorf("with an old share: %v", err)
	}
}

// certificateTime is long ago.
var certificateTime = time.Unix(1_000_000_000, 0)
