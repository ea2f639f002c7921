package mirror

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/registry"
)

const testName = "registry.example/members"

var testTime = time.Date(2026, 11, 21, 6, 0, 0, 0, time.UTC)

// testLog is a registry in memory that does what it is told: it can be forked,
// rolled back and made to lie.
type testLog struct {
	signer      note.Signer
	verifierKey string
	start       int // capacity bits
	ops         []registry.Operation
	hashes      []tlog.Hash // as tlog stores them
	tree        *registry.Tree
}

func newTestLog(t testing.TB, capacityBits int) *testLog {
	t.Helper()
	skey, vkey, err := note.GenerateKey(rand.Reader, testName)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := registry.NewTree(capacityBits)
	if err != nil {
		t.Fatal(err)
	}
	return &testLog{signer: signer, verifierKey: vkey, start: capacityBits, tree: tree}
}

// leaf is a commitment that says nothing.
func leaf(n uint64) zkkex.Commitment {
	var b [32]byte
	copy(b[:], fmt.Sprintf("test leaf %d", n))
	return field.Bytes(field.FromHash(b))
}

func (l *testLog) apply(t testing.TB, ops ...registry.Operation) {
	t.Helper()
	if err := l.tree.ApplyAll(ops); err != nil {
		t.Fatal(err)
	}
	for _, op := range ops {
		l.record(t, op)
	}
}

// record puts an operation into the log without applying it.
func (l *testLog) record(t testing.TB, op registry.Operation) {
	t.Helper()
	b, err := op.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	stored, err := tlog.StoredHashes(int64(len(l.ops)), b, l)
	if err != nil {
		t.Fatal(err)
	}
	l.hashes = append(l.hashes, stored...)
	l.ops = append(l.ops, op)
}

// admit admits leaves first to first+n-1 into the same indexes.
func (l *testLog) admit(t testing.TB, first, n uint64) {
	t.Helper()
	var ops []registry.Operation
	for i := first; i < first+n; i++ {
		ops = append(ops, registry.Operation{Kind: registry.Admit, KeyType: zkkex.KeyBabyJubjub, Index: i, Leaf: leaf(i)})
	}
	l.apply(t, ops...)
}

func (l *testLog) revoke(t testing.TB, index uint64) {
	t.Helper()
	l.apply(t, registry.Operation{Kind: registry.Revoke, KeyType: zkkex.KeyBabyJubjub, Index: index, Leaf: l.tree.Leaf(index)})
}

func (l *testLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = l.hashes[index]
	}
	return out, nil
}

// first returns the log with its first n operations alone, under the same key.
func (l *testLog) first(t testing.TB, n int) *testLog {
	t.Helper()
	tree, err := registry.NewTree(l.start)
	if err != nil {
		t.Fatal(err)
	}
	c := &testLog{signer: l.signer, verifierKey: l.verifierKey, start: l.start, tree: tree}
	c.apply(t, l.ops[:n]...)
	return c
}

func (l *testLog) state(t testing.TB, now time.Time) *registry.Checkpoint {
	t.Helper()
	root, err := tlog.TreeHash(int64(len(l.ops)), l)
	if err != nil {
		t.Fatal(err)
	}
	return &registry.Checkpoint{
		Origin: testName, Sequence: uint64(len(l.ops)), LogRoot: root, Root: l.tree.Root(),
		CapacityBits: l.tree.CapacityBits(), Time: now, Members: l.tree.Counts(),
	}
}

func (l *testLog) sign(t testing.TB, c *registry.Checkpoint) []byte {
	t.Helper()
	signed, err := registry.Sign(c, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (l *testLog) tile(path string) ([]byte, bool) {
	tile, err := torchwood.ParseTilePath(path)
	if err != nil {
		return nil, false
	}
	level := max(tile.L, 0)
	if (tile.N*torchwood.TileWidth+int64(tile.W))<<(8*level) > int64(len(l.ops)) {
		return nil, false
	}
	if tile.L >= 0 {
		data, err := tlog.ReadTileData(tile, l)
		return data, err == nil
	}
	var out []byte
	for _, op := range l.ops[tile.N*torchwood.TileWidth:][:tile.W] {
		b, err := op.AppendBinary(nil)
		if err != nil {
			return nil, false
		}
		if out, err = torchwood.AppendTileEntry(out, b); err != nil {
			return nil, false
		}
	}
	return out, true
}

// testServer serves a testLog over a real socket.
type testServer struct {
	*httptest.Server

	mu         sync.Mutex
	log        *testLog
	checkpoint []byte
	requests   []string // as they came, byte by byte
	paths      []string
	// intercept, if set, is called first, without mu; true means that it has
	// answered.
	intercept func(w http.ResponseWriter, r *http.Request) bool
	// change, if set, changes a file before it is sent.
	change func(path string, data []byte) []byte
}

// newTestServer serves the log with its present checkpoint.
func newTestServer(t testing.TB, l *testLog) *testServer {
	t.Helper()
	s := &testServer{}
	s.serve(t, l, testTime)
	s.Server = httptest.NewServer(http.HandlerFunc(s.handle))
	t.Cleanup(s.Close)
	return s
}

// serve makes the server serve a log, signed at a time.
func (s *testServer) serve(t testing.TB, l *testLog, now time.Time) {
	t.Helper()
	s.serveNote(l, l.sign(t, l.state(t, now)))
}

func (s *testServer) serveNote(l *testLog, signed []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log, s.checkpoint = l, signed
}

func (s *testServer) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// forget returns the paths asked for since the last call.
func (s *testServer) forget() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	paths := s.paths
	s.paths, s.requests = nil, nil
	return paths
}

func (s *testServer) handle(w http.ResponseWriter, r *http.Request) {
	raw, err := httputil.DumpRequest(r, true)
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	s.requests = append(s.requests, string(raw))
	s.paths = append(s.paths, r.URL.RequestURI())
	intercept, change := s.intercept, s.change
	s.mu.Unlock()
	if intercept != nil && intercept(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/")
	data, ok := s.checkpoint, true
	if path != "checkpoint" {
		data, ok = s.log.tile(path)
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	if change != nil {
		data = change(path, bytes.Clone(data))
	}
	_, _ = w.Write(data)
}

func (s *testServer) config() Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Config{
		URL:         s.URL,
		VerifierKey: s.log.verifierKey,
		Now:         func() time.Time { return testTime },
		// Not the environment's proxy.
		Dial: new(net.Dialer).DialContext,
	}
}

func mustMirror(t testing.TB, dir string, c Config) *Mirror {
	t.Helper()
	m, err := Open(dir, c)
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

func mustSync(t testing.TB, m *Mirror) *Report {
	t.Helper()
	r, err := m.Sync(context.Background())
	if err != nil {
		t.Fatalf("sync: %v", err)
	}
	return r
}

// checkPath checks that the mirror's path for a leaf leads to the root.
func checkPath(t testing.TB, m *Mirror, leaf zkkex.Commitment, want zkkex.Root) {
	t.Helper()
	path, c, err := m.Path(leaf)
	if err != nil {
		t.Fatal(err)
	}
	root, err := path.Root(leaf)
	if err != nil {
		t.Fatal(err)
	}
	if root != want || c.Root != want {
		t.Fatalf("path leads to %v, checkpoint has %v; want %v", root, c.Root, want)
	}
}

// checkAt checks that the mirror is at the state of a log.
func checkAt(t testing.TB, m *Mirror, l *testLog) {
	t.Helper()
	c := m.Checkpoint()
	want := l.state(t, testTime)
	if c == nil || c.Sequence != want.Sequence || c.Root != want.Root || c.LogRoot != want.LogRoot {
		t.Fatalf("mirror is at %+v; want %+v", c, want)
	}
	b, err := m.operations.read(0, c.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	if ops, err := parseAll(b, 0); err != nil || !slices.Equal(ops, l.ops) {
		t.Fatalf("operations on disk differ from the log's (%v)", err)
	}
	for i := range l.tree.Next() {
		if leaf := l.tree.Leaf(i); !leaf.IsEmpty() {
			checkPath(t, m, leaf, want.Root)
			break
		}
	}
}
