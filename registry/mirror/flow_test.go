package mirror

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/net/proxy"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/enrolment/enrolclient"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/internal/witnesstest"
	"github.com/zkkex/zkkex/registry/registrar"
)

// realRegistry is a registrar with its server on a real socket, which can be
// stopped and started again.
type realRegistry struct {
	t       *testing.T
	dir     string
	config  registrar.ServerConfig
	address string

	registrar *registrar.Registrar
	queue     *registrar.Queue
	server    *registrar.Server
	stop      func()
}

func newRealRegistry(t *testing.T, c registrar.ServerConfig) *realRegistry {
	t.Helper()
	r := &realRegistry{t: t, dir: t.TempDir(), config: c, address: "127.0.0.1:0"}
	if err := registrar.Init(filepath.Join(r.dir, "registry"), testName, registry.SmallCapacityBits); err != nil {
		t.Fatal(err)
	}
	r.open()
	return r
}

// open opens the registry's folder, without serving it.
func (r *realRegistry) open() {
	r.t.Helper()
	var err error
	if r.registrar, err = registrar.Open(filepath.Join(r.dir, "registry")); err != nil {
		r.t.Fatal(err)
	}
	if r.queue, err = registrar.OpenQueue(filepath.Join(r.dir, "queue"), r.registrar.ID()); err != nil {
		r.t.Fatal(err)
	}
	r.server = registrar.NewServer(r.registrar, r.queue, r.config)
	r.stop = func() {}
	r.t.Cleanup(r.end)
}

// start serves on the address of before.
func (r *realRegistry) start() {
	r.t.Helper()
	l, err := net.Listen("tcp", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	r.address = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.server.Serve(ctx, l) }()
	r.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("serving: %v", err)
		}
		r.stop = func() {}
	}
}

// end stops everything, in order.
func (r *realRegistry) end() {
	r.stop()
	if err := r.registrar.Close(); err != nil {
		r.t.Error(err)
	}
}

func (r *realRegistry) url() string { return "http://" + r.address }

func (r *realRegistry) mirrorConfig() Config {
	return Config{URL: r.url(), VerifierKey: r.registrar.VerifierKey(), Dial: new(net.Dialer).DialContext}
}

// enrol asks for admission over the network.
func (r *realRegistry) enrol(secret *keys.Secret) enrolclient.Status {
	r.t.Helper()
	c, err := enrolclient.New(r.url(), new(net.Dialer).DialContext)
	if err != nil {
		r.t.Fatal(err)
	}
	challenge, err := c.Challenge(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	request, err := enrolment.New(secret, challenge)
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := c.Submit(r.t.Context(), request)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *realRegistry) state(id string) string {
	r.t.Helper()
	c, err := enrolclient.New(r.url(), new(net.Dialer).DialContext)
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := c.Status(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return s.State
}

func (r *realRegistry) publish() *registry.SignedCheckpoint {
	r.t.Helper()
	c, err := r.server.Publish(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func newSecret(t *testing.T) *keys.Secret {
	t.Helper()
	s, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFlow is the whole way: challenge, request, queue, approval, checkpoint,
// sync, path; with a restart of the server between each of them.
func TestFlow(t *testing.T) {
	r := newRealRegistry(t, registrar.ServerConfig{})
	r.start()
	waitFor(t, func() bool { return r.registrar.Published() != nil })
	secret := newSecret(t)
	status := r.enrol(secret)
	if status.State != enrolclient.Pending {
		t.Fatalf("state %q; want pending", status.State)
	}
	r.end()
	r.open()
	r.start()
	waiting, err := r.queue.List()
	if err != nil || len(waiting) != 1 || waiting[0].Leaf != secret.Commitment() || waiting[0].ID.String() != status.ID {
		t.Fatalf("queue %+v (%v); want the request", waiting, err)
	}
	dir := t.TempDir()
	m := mustMirror(t, dir, r.mirrorConfig())
	mustSync(t, m)
	if _, _, err := m.Path(secret.Commitment()); !errors.Is(err, ErrNotMember) {
		t.Fatalf("before the admission: %v; want ErrNotMember", err)
	}
	// A server admits what is approved as it begins to serve, whenever that is: so
	// the decision falls while none serves.
	r.end()
	r.open()
	if err := r.queue.Approve(waiting[0].ID); err != nil {
		t.Fatal(err)
	}
	if o, err := r.queue.Status(waiting[0].ID); err != nil || o.State != registrar.Approved {
		t.Fatalf("%+v (%v); want approved", o, err)
	}
	r.start() // admits, and publishes
	waitFor(t, func() bool { return r.state(status.ID) == enrolclient.Admitted })
	waitFor(t, func() bool { return r.registrar.Published().Sequence == 1 })
	mustSync(t, m)
	checkPath(t, m, secret.Commitment(), r.registrar.Root())

	if _, err := r.registrar.RevokeLeaf(secret.Commitment(), time.Now()); err != nil {
		t.Fatal(err)
	}
	r.publish()
	mustSync(t, m)
	if _, _, err := m.Path(secret.Commitment()); !errors.Is(err, ErrNotMember) {
		t.Fatalf("after the revocation: %v; want ErrNotMember", err)
	}
	path, c, err := m.PathAt(secret.Commitment(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if root, err := path.Root(secret.Commitment()); err != nil || root != c.Root {
		t.Fatalf("path of before leads to %v (%v); want %v", root, err, c.Root)
	}
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatal("waited for 10 s")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestFlowOfMany has members enrol, sync and look for themselves at once.
func TestFlowOfMany(t *testing.T) {
	r := newRealRegistry(t, registrar.ServerConfig{Approve: registrar.ApproveAll, CheckpointInterval: 20 * time.Millisecond})
	r.publish() // whoever is quick syncs before the server's first one
	r.start()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			secret := newSecret(t)
			r.enrol(secret)
			m := mustMirror(t, t.TempDir(), r.mirrorConfig())
			waitFor(t, func() bool {
				mustSync(t, m)
				_, _, err := m.Path(secret.Commitment())
				return err == nil
			})
			checkPath(t, m, secret.Commitment(), m.Checkpoint().Root)
		})
	}
	wg.Wait()
	if got := r.registrar.Members(zkkex.KeyBabyJubjub); got != 10 {
		t.Fatalf("%d members; want 10", got)
	}
}

// TestFolder syncs without a network, from what the registrar exported.
func TestFolder(t *testing.T) {
	r := newRealRegistry(t, registrar.ServerConfig{})
	dir := filepath.Join(t.TempDir(), "exported")
	if _, err := r.registrar.Export(dir); err == nil {
		t.Fatal("exported without a checkpoint")
	}
	var members []*keys.Public
	for range 300 {
		members = append(members, newSecret(t).Public())
	}
	admit := func(members []*keys.Public) {
		t.Helper()
		if _, err := r.registrar.AdmitAll(members, time.Now()); err != nil {
			t.Fatal(err)
		}
		r.publish()
		if _, err := r.registrar.Export(dir); err != nil {
			t.Fatal(err)
		}
	}
	admit(members[:100])
	c := r.mirrorConfig()
	c.URL = (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}).String()
	c.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network here") }
	m := mustMirror(t, t.TempDir(), c)
	mustSync(t, m)
	checkPath(t, m, members[99].Commitment(), r.registrar.Root())
	admit(members[100:])
	mustSync(t, m)
	checkPath(t, m, members[299].Commitment(), r.registrar.Root())

	c.URL, c.Folder = "", fstest.MapFS{}
	if _, err := mustMirror(t, t.TempDir(), c).Sync(t.Context()); err == nil || !strings.Contains(err.Error(), "checkpoint") {
		t.Fatalf("empty folder: %v; want an error that names the missing file", err)
	}
}

// TestTLS syncs over https, and starts every sync as a stranger: a resumed TLS
// session would tie one to the next.
func TestTLS(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 300)
	s := newTestServer(t, l)
	var handshakes, resumed atomic.Int32
	tlsServer := httptest.NewUnstartedServer(http.HandlerFunc(s.handle))
	tlsServer.EnableHTTP2 = true
	tlsServer.TLS = &tls.Config{VerifyConnection: func(state tls.ConnectionState) error {
		handshakes.Add(1)
		if state.DidResume {
			resumed.Add(1)
		}
		return nil
	}}
	tlsServer.StartTLS()
	t.Cleanup(tlsServer.Close)
	c := s.config()
	c.URL = tlsServer.URL
	if _, err := mustMirror(t, t.TempDir(), c).Sync(t.Context()); !errors.As(err, new(x509.UnknownAuthorityError)) {
		t.Fatalf("certificate of a stranger: %v; want it refused", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(tlsServer.Certificate())
	c.TLS = &tls.Config{RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	m := mustMirror(t, t.TempDir(), c)
	handshakes.Store(0)
	for range 3 {
		mustSync(t, m)
	}
	checkAt(t, m, l)
	if handshakes.Load() != 3 || resumed.Load() != 0 {
		t.Fatalf("%d handshakes, %d resumed; want 3 for 3 syncs, none resumed", handshakes.Load(), resumed.Load())
	}
}

// TestProxy syncs through a SOCKS5 proxy, by the dial hook.
func TestProxy(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	l.admit(t, 0, 300)
	s := newTestServer(t, l)
	address, carried := socks5(t)
	dialer, err := proxy.SOCKS5("tcp", address, nil, proxy.Direct)
	if err != nil {
		t.Fatal(err)
	}
	c := s.config()
	c.Dial = dialer.(proxy.ContextDialer).DialContext
	m := mustMirror(t, t.TempDir(), c)
	mustSync(t, m)
	checkAt(t, m, l)
	first := carried()
	if first == 0 {
		t.Fatal("nothing went through the proxy")
	}
	mustSync(t, m)
	if carried() == first {
		t.Fatal("the connection was kept from one sync to the next, which ties them together")
	}
}

// socks5 runs a proxy that knows CONNECT without authentication, to an IPv4
// address or a name. It returns its address and a count of connections.
func socks5(t *testing.T) (address string, count func() int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var n atomic.Int32
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			n.Add(1)
			go carry(conn)
		}
	}()
	return l.Addr().String(), n.Load
}

func carry(conn net.Conn) {
	defer conn.Close()
	head := make([]byte, 3) // version 5, one method, none
	if _, err := io.ReadFull(conn, head); err != nil {
		return
	}
	if _, err := conn.Write([]byte{5, 0}); err != nil {
		return
	}
	request := make([]byte, 4+4+2) // version, connect, reserved, IPv4, port
	if _, err := io.ReadFull(conn, request); err != nil || request[3] != 1 {
		return
	}
	target, err := net.DialTCP("tcp", nil, &net.TCPAddr{IP: request[4:8], Port: int(request[8])<<8 | int(request[9])})
	if err != nil {
		return
	}
	defer target.Close()
	if _, err := conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
		return
	}
	go func() { _, _ = io.Copy(target, conn) }()
	_, _ = io.Copy(conn, target)
}

// TestWitnesses has real witnesses cosign, and shows them a fork.
func TestWitnesses(t *testing.T) {
	one, two, three := newWitness(t, "one.example"), newWitness(t, "two.example"), newWitness(t, "three.example")
	trusted := []string{one.VerifierKey(), two.VerifierKey(), three.VerifierKey()}
	r := newRealRegistry(t, registrar.ServerConfig{})
	key := r.registrar.VerifierKey()
	var asked []registrar.Witness
	for _, w := range []*witnesstest.Witness{one, two, three} {
		server := httptest.NewServer(w)
		t.Cleanup(server.Close)
		asked = append(asked, registrar.Witness{URL: server.URL + "/", VerifierKey: w.VerifierKey()})
	}
	for _, w := range []*witnesstest.Witness{one, two} { // three does not know us
		if err := w.AddLog(testName, key); err != nil {
			t.Fatal(err)
		}
	}
	cosign := func(quorum int) registrar.Cosigner {
		t.Helper()
		c, err := registrar.NewCosigner(key, asked, quorum)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	admit := func(r *registrar.Registrar, n int) {
		t.Helper()
		var members []*keys.Public
		for range n {
			members = append(members, newSecret(t).Public())
		}
		if _, err := r.AdmitAll(members, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()

	admit(r.registrar, 5)
	if _, err := r.registrar.Checkpoint(ctx, time.Now(), cosign(3)); !errors.Is(err, registrar.ErrQuorum) || !strings.Contains(err.Error(), "three.example") {
		t.Fatalf("one witness of three does not know the log: %v; want ErrQuorum that names it", err)
	}
	if r.registrar.Published() != nil {
		t.Fatal("published without the quorum")
	}
	if _, err := r.registrar.Checkpoint(ctx, time.Now(), cosign(2)); err != nil {
		t.Fatal(err)
	}
	backup := copyFolder(t, filepath.Join(r.dir, "registry"))

	r.start()
	c := r.mirrorConfig()
	c.Witnesses, c.Quorum = trusted, 2
	m := mustMirror(t, t.TempDir(), c)
	if report := mustSync(t, m); !slices.Equal(slices.Sorted(slices.Values(report.Checkpoint.Witnesses)), []string{"one.example", "two.example"}) {
		t.Fatalf("cosigned by %v; want one and two", report.Checkpoint.Witnesses)
	}
	for range 3 { // with consistency proofs
		admit(r.registrar, 3)
		if _, err := r.registrar.Checkpoint(ctx, time.Now(), cosign(2)); err != nil {
			t.Fatal(err)
		}
		mustSync(t, m)
	}
	if reopened := mustMirror(t, m.dir, c); reopened.Checkpoint() == nil {
		t.Fatal("a cosigned checkpoint on disk is not used")
	}
	if _, err := c.OpenCheckpoint(m.Checkpoint().Note); err != nil {
		t.Fatalf("a checkpoint with two cosignatures of two, by itself: %v", err)
	}
	c.Quorum = 3
	if _, err := c.OpenCheckpoint(m.Checkpoint().Note); !errors.Is(err, ErrWitnesses) {
		t.Fatalf("with two of three: %v; want ErrWitnesses", err)
	}
	if _, _, err := mustMirror(t, m.dir, c).Path(leaf(1)); !errors.Is(err, ErrNotSynced) || !errors.Is(err, ErrWitnesses) {
		t.Fatalf("a checkpoint on disk that lacks a cosignature: %v; want ErrNotSynced and ErrWitnesses", err)
	}
	if _, err := mustMirror(t, t.TempDir(), c).Sync(ctx); !errors.Is(err, ErrWitnesses) {
		t.Fatalf("two cosigned where three are demanded: %v; want ErrWitnesses", err)
	}

	// The planted fork: the registrar goes on from a backup.
	forked, err := registrar.Open(backup)
	if err != nil {
		t.Fatal(err)
	}
	defer forked.Close()
	if _, err := forked.Renew(ctx, time.Now(), cosign(1)); !errors.Is(err, registrar.ErrQuorum) || !strings.Contains(err.Error(), "rolled back") {
		t.Fatalf("rolled back: %v; want every witness to refuse", err)
	}
	admit(forked, 20)
	if _, err := forked.Checkpoint(ctx, time.Now(), cosign(1)); !errors.Is(err, registrar.ErrQuorum) || !strings.Contains(err.Error(), "not the one it cosigned") {
		t.Fatalf("forked: %v; want every witness to refuse", err)
	}
	// Without witnesses it is signed, and a mirror that knows the other branch
	// refuses it: for want of cosignatures, or else as a fork.
	evil, err := forked.Checkpoint(ctx, time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "evil")
	if _, err := forked.Export(folder); err != nil {
		t.Fatal(err)
	}
	for want, quorum := range map[error]int{ErrWitnesses: 2, registry.ErrFork: 0} {
		c.Quorum, c.URL = quorum, "file://"+filepath.ToSlash(folder)
		if _, err := mustMirror(t, m.dir, c).Sync(ctx); !errors.Is(err, want) {
			t.Fatalf("fork of %d operations, quorum %d: %v; want %v", evil.Sequence, quorum, err, want)
		}
	}
}
