package venue

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/registrar"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

// testTime is half past nine; the epochs are days.
var testTime = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

// clock is the time of a test.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// scene is a registrar, who exports into a folder, and a venue that follows it.
type scene struct {
	t         testing.TB
	clock     *clock
	registrar *registrar.Registrar
	folder    string // of the registry's files
	dir       string // of the venue
	options   Options
	venue     *Venue
}

// newScene makes a registry of three members and a venue, which is not synced.
func newScene(t testing.TB) *scene { return newSceneAt(t, testTime) }

func newSceneAt(t testing.TB, at time.Time, change ...func(*Config)) *scene {
	t.Helper()
	s := &scene{t: t, clock: &clock{at: at}, folder: filepath.Join(t.TempDir(), "published"), dir: filepath.Join(t.TempDir(), "venue")}
	s.options.Now = s.clock.now
	dir := filepath.Join(t.TempDir(), "registry")
	s.must(registrar.Init(dir, "registry.example/members", registry.SmallCapacityBits))
	var err error
	s.registrar, err = registrar.Open(dir)
	s.must(err)
	t.Cleanup(func() { s.must(s.registrar.Close()) })
	for range 3 {
		s.admit()
	}
	s.publish()
	c := s.config()
	for _, change := range change {
		change(&c)
	}
	_, err = Init(s.dir, c)
	s.must(err)
	s.open()
	t.Cleanup(func() { s.must(s.venue.Close()) })
	return s
}

func (s *scene) config() Config {
	return Config{
		Name:      "venue.example",
		Registry:  Registry{URL: "file://" + s.folder, VerifierKey: s.registrar.VerifierKey()},
		Schedule:  zkkex.DefaultSchedule(),
		Circuits:  []descriptor.Circuit{{ID: zkkex.BabyJubjub20, Params: zkkex.ParamsDigest{0xaa}}},
		Addresses: []descriptor.Address{{Network: "tcp", Place: "venue.example:9440"}},
	}
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) open() {
	s.t.Helper()
	var err error
	s.venue, err = Open(s.dir, s.options)
	s.must(err)
}

// configure changes the configuration of a venue that is closed.
func (s *scene) configure(change func(*Config)) {
	s.t.Helper()
	path := filepath.Join(s.dir, configFile)
	c, err := loadConfig(path)
	s.must(err)
	change(c)
	text, err := c.MarshalText()
	s.must(err)
	s.must(os.WriteFile(path, text, 0o600))
}

// forgetRegistry removes the copy of the registry of a venue that is closed.
func (s *scene) forgetRegistry() {
	s.t.Helper()
	s.must(os.RemoveAll(filepath.Join(s.dir, registryFolder)))
}

// reopen is a restart.
func (s *scene) reopen() {
	s.t.Helper()
	s.must(s.venue.Close())
	s.open()
}

func (s *scene) admit() *keys.Secret {
	s.t.Helper()
	secret, err := keys.Generate()
	s.must(err)
	_, err = s.registrar.Admit(secret.Public(), s.clock.now())
	s.must(err)
	return secret
}

// publish signs the registry's state, new or not, and exports it.
func (s *scene) publish() *registry.SignedCheckpoint {
	s.t.Helper()
	ctx := context.Background()
	c, err := s.registrar.Checkpoint(ctx, s.clock.now(), nil)
	s.must(err)
	if c.Time.Before(s.clock.now()) {
		c, err = s.registrar.Renew(ctx, s.clock.now(), nil)
		s.must(err)
	}
	_, err = s.registrar.Export(s.folder)
	s.must(err)
	return c
}

// turn publishes the registry, syncs the venue and rotates.
func (s *scene) turn() *descriptor.Signed {
	s.t.Helper()
	s.publish()
	_, err := s.venue.Sync(context.Background())
	s.must(err)
	return s.rotate()
}

func (s *scene) rotate() *descriptor.Signed {
	s.t.Helper()
	d, err := s.venue.Rotate(context.Background())
	s.must(err)
	return d
}

// chain returns an empty chain of the venue's.
func (s *scene) chain() *descriptor.Chain {
	s.t.Helper()
	c, err := descriptor.NewChain(descriptor.ChainConfig{Identity: s.venue.Identity()})
	s.must(err)
	return c
}

// serve serves the venue that is open at the moment.
func (s *scene) serve() *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.venue.Handler().ServeHTTP(w, r) }))
	s.t.Cleanup(server.Close)
	return server
}

// client returns a client of a URL, with the clock of the scene.
func (s *scene) client(url string) *venueclient.Client {
	s.t.Helper()
	c, err := venueclient.New(venueclient.Config{URL: url, Now: s.clock.now})
	s.must(err)
	return c
}
