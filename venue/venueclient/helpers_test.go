package venueclient

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// testRegistry is the verifier key of the samples in docs/spec/checkpoint.md.
const testRegistry = "registry.example/members+7a37ce2d+ATXBG5/ap5hSj+4JJEZPU0N9o9Jkgad/q4P66wt7iL6Z"

// testTime is half past nine; the epochs are days.
var testTime = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// cosigner is what [descriptor.Store.Publish] asks.
type cosigner = func(context.Context, []byte, uint64, tlog.HashReader) ([]byte, error)

// issuer is a venue that issues a descriptor an hour, and the files it serves.
type issuer struct {
	t      *testing.T
	dir    string
	store  *descriptor.Store
	now    time.Time
	root   byte // of the epochs that are named next
	cosign cosigner
	files  map[string][]byte
}

func testSigner(t *testing.T, label string) *descriptor.Signer {
	t.Helper()
	seed := sha256.Sum256([]byte(label))
	s, err := descriptor.NewSigner("venue.example", ed25519.NewKeyFromSeed(seed[:]))
	must(t, err)
	return s
}

func newIssuer(t *testing.T, label string) *issuer {
	t.Helper()
	return openIssuer(t, t.TempDir(), label)
}

func openIssuer(t *testing.T, dir, label string) *issuer {
	t.Helper()
	store, err := descriptor.OpenStore(dir, testSigner(t, label))
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	return &issuer{t: t, dir: dir, store: store, now: testTime, files: make(map[string][]byte)}
}

// fork returns an issuer with the same identity and the same past.
func (i *issuer) fork(label string) *issuer {
	i.t.Helper()
	dir := i.t.TempDir()
	must(i.t, os.CopyFS(dir, os.DirFS(i.dir)))
	must(i.t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chmod(path, 0o600)
	}))
	other := openIssuer(i.t, dir, label)
	other.now, other.files = i.now, maps.Clone(i.files)
	return other
}

func (i *issuer) terms() descriptor.Terms {
	t := descriptor.Terms{
		Timing: descriptor.DefaultTiming(), Schedule: zkkex.DefaultSchedule(), Registry: testRegistry,
		Limit: 8, Sequence: 100 + uint64(i.root), MaxOpens: 4, MaxChannels: 2, Padding: [2]uint16{1408, 1856},
		Circuits: []descriptor.Circuit{{ID: zkkex.BabyJubjub20, Params: zkkex.ParamsDigest{0xaa}}},
		Suites:   []descriptor.Suite{"Noise_IKhfs_25519+MLKEM768_AESGCM_SHA256", "Noise_IKhfs+skem1_25519+MLKEM768_AESGCM_SHA256", "Noise_NewThing_1"},
	}
	t.Root[31] = i.root + 1
	return t
}

// issue issues the next descriptor, an hour later, and publishes it.
func (i *issuer) issue() *descriptor.Signed {
	i.t.Helper()
	if latest := i.store.Latest(); latest != nil {
		i.now = latest.NotBefore.Add(time.Hour)
	}
	d, err := i.store.Rotate(i.now, i.terms())
	must(i.t, err)
	i.publish()
	return d
}

func (i *issuer) raise() *descriptor.Signed {
	i.t.Helper()
	i.now = i.now.Add(10 * time.Minute)
	d, err := i.store.Raise(i.now, i.terms())
	must(i.t, err)
	i.publish()
	return d
}

// publish writes what clients fetch.
func (i *issuer) publish() {
	i.t.Helper()
	_, err := i.store.Publish(context.Background(), i.cosign)
	must(i.t, err)
	newest := i.store.Latest()
	number := strconv.FormatUint(newest.Number, 10)
	i.files["identity"] = []byte(i.store.Identity().String() + "\n")
	i.files["descriptor/"+number], i.files["descriptor/latest"] = newest.Note(), newest.Note()
	for n := range newest.Number {
		proof, err := i.store.Proof(n + 1)
		must(i.t, err)
		i.files["proof/"+strconv.FormatUint(n+1, 10)] = proof
	}
}

func (i *issuer) chain() *descriptor.Chain {
	i.t.Helper()
	c, err := descriptor.NewChain(descriptor.ChainConfig{Identity: i.store.Identity()})
	must(i.t, err)
	return c
}

// update brings a chain up to date from the files, without a socket.
func (i *issuer) update(chain *descriptor.Chain) (*Report, error) {
	i.t.Helper()
	folder := make(fstest.MapFS)
	for name, text := range i.files {
		folder[name] = &fstest.MapFile{Data: text}
	}
	c, err := New(Config{Folder: folder, Now: func() time.Time { return i.now }})
	must(i.t, err)
	return c.Update(context.Background(), chain)
}

// recorder serves an issuer's files and writes down what it is asked.
type recorder struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
	paths    []string
	answer   http.HandlerFunc // in place of the files, if set
}

func (i *issuer) serve() *recorder {
	r := new(recorder)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		dump, err := httputil.DumpRequest(req, true)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil {
			i.t.Error(err)
		}
		r.requests, r.paths = append(r.requests, string(dump)), append(r.paths, req.URL.Path)
		if r.answer != nil {
			r.answer(w, req)
			return
		}
		text, ok := i.files[req.URL.Path[1:]]
		if !ok {
			http.NotFound(w, req)
			return
		}
		w.Header().Set("ETag", `"client-1"`) // which nobody may send back
		http.SetCookie(w, &http.Cookie{Name: "client", Value: "1"})
		_, _ = w.Write(text)
	}))
	i.t.Cleanup(r.Close)
	return r
}

// take returns what was asked since the last time.
func (r *recorder) take() (requests, paths []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	requests, paths = r.requests, r.paths
	r.requests, r.paths = nil, nil
	return requests, paths
}

func (i *issuer) client(url string) *Client {
	i.t.Helper()
	c, err := New(Config{URL: url, Now: func() time.Time { return i.now }})
	must(i.t, err)
	return c
}
