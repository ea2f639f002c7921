package anonymity

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission/admissiontest"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/provertest"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/registrar"
	"github.com/zkkex/zkkex/venue"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/verifier"
)

const (
	venueFiles    = "venue.example:80"
	venueSessions = "venue.example:9440"
	registryFiles = "registry.example:80"
)

// office is a registry of ten and a venue, with all that the venue writes down.
type office struct {
	t         testing.TB
	begin     time.Time
	registrar *registrar.Registrar
	folder    string // of the registry's files
	members   []*identity
	places    map[string]string

	venue      *venue.Venue
	dir        string
	journal    journal
	log        *slog.Logger
	descriptor *descriptor.Signed
	provers    *provertest.Registry // whose proofs the venue takes for real ones, if it is not nil

	mu      sync.Mutex
	load    handshake.Load
	verdict error // of the next proofs, in place of the verifier's
	seen    []handshake.ConnectionState
}

// now is half past nine and goes on: far from the end of the epoch, which is a
// day.
func (o *office) now() time.Time {
	return time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC).Add(time.Since(o.begin))
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// newRegistry makes the registry. Who comes first and who comes last are compared.
func newRegistry(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, begin: time.Now(), folder: filepath.Join(t.TempDir(), "published"), places: make(map[string]string), load: handshake.Load{Rate: 1e6, Burst: 1e6}}
	dir := filepath.Join(t.TempDir(), "registry")
	o.must(registrar.Init(dir, "registry.example/members", registry.SmallCapacityBits))
	var err error
	o.registrar, err = registrar.Open(dir)
	o.must(err)
	t.Cleanup(func() { o.must(o.registrar.Close()) })
	for index := range uint64(10) {
		secret, err := keys.Generate()
		o.must(err)
		_, err = o.registrar.Admit(secret.Public(), o.now())
		o.must(err)
		o.members = append(o.members, &identity{secret, index})
	}
	_, err = o.registrar.Checkpoint(t.Context(), o.now(), nil)
	o.must(err)
	_, err = o.registrar.Export(o.folder)
	o.must(err)
	o.serveFiles(registryFiles, http.FileServer(http.Dir(o.folder)))
	return o
}

func (o *office) serveFiles(name string, h http.Handler) {
	server := httptest.NewServer(h)
	o.t.Cleanup(server.Close)
	o.places[name] = server.Listener.Addr().String()
}

// openVenue makes a venue that writes everything into its log, and issues its
// first descriptor.
func (o *office) openVenue(params zkkex.ParamsDigest, options venue.Options) {
	o.t.Helper()
	o.dir = filepath.Join(o.t.TempDir(), "venue")
	_, err := venue.Init(o.dir, venue.Config{
		Name: "venue.example", Limit: 1024, MaxChannels: 2, MaxOpens: 8,
		Registry:  venue.Registry{URL: "file://" + o.folder, VerifierKey: o.registrar.VerifierKey()},
		Schedule:  zkkex.DefaultSchedule(),
		Circuits:  []descriptor.Circuit{{ID: zkkex.BabyJubjub20, Params: params}},
		Addresses: []descriptor.Address{{Network: "tcp", Place: venueSessions}},
	})
	o.must(err)
	o.log = slog.New(slog.NewTextHandler(&o.journal, &slog.HandlerOptions{Level: slog.LevelDebug}))
	options.Now, options.Log = o.now, o.log
	o.venue, err = venue.Open(o.dir, options)
	o.must(err)
	o.t.Cleanup(func() { o.must(o.venue.Close()) })
	_, err = o.venue.Sync(o.t.Context())
	o.must(err)
	o.descriptor, err = o.venue.Rotate(o.t.Context())
	o.must(err)
	o.serveFiles(venueFiles, o.venue.Handler())
}

// newOffice is an office whose venue takes the proofs of a test registry.
func newOffice(t testing.TB) *office {
	t.Helper()
	o := newRegistry(t)
	o.provers = provertest.New("anonymity")
	o.provers.ID = o.registrar.ID()
	o.openVenue(o.provers.Params, venue.Options{NewVerifier: o.newVerifier})
	terms := o.descriptor.Epochs[0]
	o.provers.Root, o.provers.Sequence = terms.Root, terms.Sequence
	return o
}

// judge is a verifier whose verdicts can be replaced.
type judge struct {
	zkkex.Verifier
	office *office
}

func (o *office) newVerifier(c verifier.Config) (zkkex.Verifier, error) {
	v, err := admissiontest.NewVerifier(o.provers)(c)
	return judge{v, o}, err
}

func (j judge) Verify(ctx context.Context, p *zkkex.Presentation, a zkkex.Authorization) (*zkkex.Decision, error) {
	j.office.mu.Lock()
	err := j.office.verdict
	j.office.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return j.Verifier.Verify(ctx, p, a)
}

func (o *office) decide(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.verdict = err
}

// listen takes sessions for one member after the other. What it returns waits
// until everything is written down.
func (o *office) listen(wrap func(net.Listener) net.Listener) (end func()) {
	o.t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	o.must(err)
	o.places[venueSessions] = inner.Addr().String()
	if wrap != nil {
		inner = wrap(inner)
	}
	l, err := o.venue.NewListener(inner, venue.ListenConfig{Load: o.load})
	o.must(err)
	var echoing sync.WaitGroup
	echoing.Go(func() {
		for {
			c, err := l.AcceptConn()
			if err != nil {
				return
			}
			o.mu.Lock()
			o.seen = append(o.seen, c.ConnectionState())
			o.mu.Unlock()
			echoing.Go(func() {
				_, _ = io.Copy(c, c)
				c.Close()
				<-c.Done()
			})
		}
	})
	return func() {
		for l.Stats().Handshakes > 0 { // the member has its answer, and may be ahead
			time.Sleep(time.Millisecond)
		}
		l.Close()
		echoing.Wait()
	}
}

// sessions returns what the venue knows of the sessions since the last call.
func (o *office) sessions() []handshake.ConnectionState {
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := o.seen
	o.seen = nil
	return seen
}

// kept returns all files of the venue that are about sessions.
func (o *office) kept() []byte {
	o.t.Helper()
	b, err := everything(os.DirFS(filepath.Join(o.dir, "admissions")))
	o.must(err)
	return b
}
