package member

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment/enrolclient"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/registry/registrar"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/slots"
)

// registrarOf is a registry that is served over a loopback socket.
type registrarOf struct {
	t         testing.TB
	registrar *registrar.Registrar
	queue     *registrar.Queue
	server    *registrar.Server
	url       string
}

func serveRegistry(t testing.TB, approve registrar.ApprovalPolicy) *registrarOf {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "registry")
	if err := registrar.Init(dir, "registry.example/members", 20); err != nil {
		t.Fatal(err)
	}
	r, err := registrar.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	queue, err := registrar.OpenQueue(filepath.Join(dir, "queue"), r.ID())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := registrar.NewServer(r, queue, registrar.ServerConfig{Approve: approve})
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-served, r.Close()); err != nil {
			t.Error(err)
		}
	})
	return &registrarOf{t, r, queue, server, "http://" + l.Addr().String()}
}

func (r *registrarOf) publish() {
	r.t.Helper()
	if _, err := r.server.Publish(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *registrarOf) trustedBy(m *Member) zkkex.RegistryID {
	r.t.Helper()
	id, err := m.Trust(Registry{URL: r.url, VerifierKey: r.registrar.VerifierKey()})
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

func devParams(id zkkex.CircuitID) (*params.Proving, error) {
	fsys, err := dev.FS(id)
	if err != nil {
		return nil, err
	}
	return params.OpenProving(fsys, params.Accept{Dev: true})
}

func newHome(t testing.TB) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "home")
	s, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Wipe()
	if err := CreateWithUnencryptedKey(dir, s, slots.Range{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func openHome(t testing.TB, dir string) *Member {
	t.Helper()
	m, err := Open(dir, Options{Params: devParams})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func claim(t testing.TB, m *Member, id zkkex.RegistryID, limit uint32) zkkex.Claim {
	t.Helper()
	c, err := m.NamedClaim(id, "test", zkkex.DefaultSchedule(), limit, zkkex.SessionKey([32]byte{9}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFromEnrolmentToProof(t *testing.T) {
	r := serveRegistry(t, nil)
	m := openHome(t, newHome(t))
	id := r.trustedBy(m)
	ctx := t.Context()

	if _, err := m.EnrolmentStatus(ctx, id); !errors.Is(err, ErrNoRequest) {
		t.Fatalf("before a request: %v; want ErrNoRequest", err)
	}
	if _, err := m.Prove(ctx, id, claim(t, m, id, 1)); !errors.Is(err, mirror.ErrNotSynced) {
		t.Fatalf("before a sync: %v; want ErrNotSynced", err)
	}
	first, err := m.Enrol(ctx, id)
	if err != nil || first.State != enrolclient.Pending {
		t.Fatalf("Enrol: %+v, %v; want pending", first, err)
	}
	again, err := m.Enrol(ctx, id)
	if err != nil || again.ID != first.ID {
		t.Fatalf("Enrol again: %+v, %v; want the same request", again, err)
	}
	status(t, m, id, func(s *Status) bool { return s.Pending() && !s.Admitted && s.Checkpoint == nil })

	request, err := registrar.ParseRequestID(first.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.queue.Approve(request); err != nil {
		t.Fatal(err)
	}
	r.publish()
	if now, err := m.EnrolmentStatus(ctx, id); err != nil || now.State != enrolclient.Admitted {
		t.Fatalf("after approval: %+v, %v; want admitted", now, err)
	}
	if _, err := m.Sync(ctx, id); err != nil {
		t.Fatal(err)
	}
	status(t, m, id, func(s *Status) bool {
		return s.Admitted && !s.Pending() && s.Request == nil && s.Index == 0 && s.Members == 1 && s.Checkpoint.Sequence == 1
	})

	c := claim(t, m, id, 2)
	p, err := m.Prove(ctx, id, c)
	if err != nil {
		t.Fatal(err)
	}
	if p.Statement.Scope != c.Scope || p.Registry != id || p.RootSequence != 1 || p.Authorization != c.Authorization {
		t.Errorf("the presentation is not for the claim: %+v", p)
	}
	if left, err := m.SlotsLeft(c); err != nil || left != 1 {
		t.Errorf("SlotsLeft: %d, %v; want 1", left, err)
	}
}

func status(t *testing.T, m *Member, id zkkex.RegistryID, want func(*Status) bool) {
	t.Helper()
	s, err := m.Status(id)
	if err != nil || !want(s) {
		t.Fatalf("Status: %+v, %v", s, err)
	}
}

// Several members of one directory, at once, never use a slot twice.
func TestConcurrentProofsUseDifferentSlots(t *testing.T) {
	r := serveRegistry(t, registrar.ApproveAll)
	dir := newHome(t)
	one, two := openHome(t, dir), openHome(t, dir)
	id := r.trustedBy(one)
	if _, err := one.Enrol(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r.publish()
	if err := two.Reload(); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seen := make(map[zkkex.Nullifier]bool)
	var wg sync.WaitGroup
	for _, m := range []*Member{one, two, one, two} {
		wg.Go(func() {
			if _, err := m.Sync(t.Context(), id); err != nil {
				t.Error(err)
				return
			}
			p, err := m.Prove(t.Context(), id, claim(t, m, id, 4))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if seen[p.Statement.Nullifier] {
				t.Errorf("nullifier %v twice", p.Statement.Nullifier)
			}
			seen[p.Statement.Nullifier] = true
		})
	}
	wg.Wait()
	if _, err := one.Prove(t.Context(), id, claim(t, one, id, 4)); !errors.Is(err, slots.ErrNoSlot) {
		t.Errorf("beyond the limit: %v; want ErrNoSlot", err)
	}
	if _, err := one.Trust(Registry{URL: r.url, VerifierKey: r.registrar.VerifierKey(), MinMembers: 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Prove(t.Context(), id, claim(t, one, id, 9)); !errors.Is(err, prover.ErrFewMembers) {
		t.Errorf("with one of two members: %v; want ErrFewMembers", err)
	}
}

func TestEnrolAtAnotherRegistrysServer(t *testing.T) {
	r, other := serveRegistry(t, nil), serveRegistry(t, nil)
	m := openHome(t, newHome(t))
	id, err := m.Trust(Registry{URL: other.url, VerifierKey: r.registrar.VerifierKey()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Enrol(t.Context(), id); err == nil {
		t.Fatal("the request went to a server that challenges for another registry")
	}
	status(t, m, id, func(s *Status) bool { return s.Request == nil })
}

func TestEnrolNeedsAServer(t *testing.T) {
	m := openHome(t, newHome(t))
	r := serveRegistry(t, nil)
	id, err := m.Trust(Registry{URL: "file:///nowhere", VerifierKey: r.registrar.VerifierKey()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Enrol(t.Context(), id); !errors.Is(err, ErrOffline) {
		t.Errorf("Enrol in a folder: %v; want ErrOffline", err)
	}
	challenge, err := r.queue.Challenge(time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	request, err := m.EnrolOffline(challenge)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := request.MarshalText()
	if _, err := r.queue.Add(text, time.Now()); err != nil {
		t.Errorf("the registrar refuses the request: %v", err)
	}
	challenge.Registry[0] ^= 1
	if _, err := m.EnrolOffline(challenge); !errors.Is(err, ErrNoRegistry) {
		t.Errorf("a challenge of an unknown registry: %v; want ErrNoRegistry", err)
	}
}
