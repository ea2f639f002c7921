package member

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/registrar"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/slots"
	"github.com/zkkex/zkkex/venue"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// halfPastNine is when scenes begin; the epochs are days.
var halfPastNine = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

// clock is the time of a scene.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) { c.set(c.now().Add(d)) }

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = t
}

// scene is a registrar and a network without names: every host in it is known to
// the dial hook alone, so whatever does not dial through that fails.
type scene struct {
	t         *testing.T
	clock     *clock
	registrar *registrar.Registrar
	folder    string // of the registry's files

	mu     sync.Mutex
	places map[string]string // addresses behind the names
	down   map[string]error
	dialed map[string]int
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{
		t: t, clock: &clock{at: halfPastNine}, folder: filepath.Join(t.TempDir(), "published"),
		places: make(map[string]string), down: make(map[string]error), dialed: make(map[string]int),
	}
	dir := filepath.Join(t.TempDir(), "registry")
	s.must(registrar.Init(dir, "registry.example/members", registry.SmallCapacityBits))
	var err error
	s.registrar, err = registrar.Open(dir)
	s.must(err)
	t.Cleanup(func() { s.must(s.registrar.Close()) })
	s.publish()
	files := httptest.NewServer(http.FileServer(http.Dir(s.folder)))
	t.Cleanup(files.Close)
	s.place("registry.invalid:80", files.Listener.Addr())
	return s
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) place(name string, a net.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.places[name] = a.String()
}

// out makes a place unreachable, or reachable again for a nil error.
func (s *scene) out(name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down[name] = err
}

func (s *scene) dial(ctx context.Context, network, address string) (net.Conn, error) {
	s.mu.Lock()
	place, err := s.places[address], s.down[address]
	s.dialed[address]++
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if place == "" {
		return nil, errors.New("no such host: " + address)
	}
	return new(net.Dialer).DialContext(ctx, network, place)
}

func (s *scene) publish() {
	s.t.Helper()
	c, err := s.registrar.Checkpoint(s.t.Context(), s.clock.now(), nil)
	s.must(err)
	if c.Time.Before(s.clock.now()) {
		_, err = s.registrar.Renew(s.t.Context(), s.clock.now(), nil)
		s.must(err)
	}
	_, err = s.registrar.Export(s.folder)
	s.must(err)
}

// home makes a state directory.
func (s *scene) home() string {
	s.t.Helper()
	dir := filepath.Join(s.t.TempDir(), "home")
	secret, err := keys.Generate()
	s.must(err)
	defer secret.Wipe()
	s.must(CreateWithUnencryptedKey(dir, secret, slots.Range{}, s.clock.now()))
	return dir
}

func (s *scene) open(home string) *Member {
	s.t.Helper()
	m, err := Open(home, Options{Params: devParamsOnce, Now: s.clock.now, Dial: s.dial})
	s.must(err)
	s.t.Cleanup(func() { s.must(m.Close()) })
	return m
}

func (s *scene) trusted() Registry {
	return Registry{URL: "http://registry.invalid", VerifierKey: s.registrar.VerifierKey()}
}

// stranger returns a member that trusts the registry and is not in it.
func (s *scene) stranger() *Member {
	s.t.Helper()
	m := s.open(s.home())
	_, err := m.Trust(s.trusted())
	s.must(err)
	return m
}

// admit admits a member, and publishes that.
func (s *scene) admit(m *Member) {
	s.t.Helper()
	_, err := s.registrar.Admit(m.Public(), s.clock.now())
	s.must(err)
	s.publish()
}

// member returns a member that is admitted.
func (s *scene) member() *Member {
	s.t.Helper()
	m := s.stranger()
	s.admit(m)
	return m
}

// devParamsOnce opens the development parameters once for all tests.
var devParamsOnce = func() func(zkkex.CircuitID) (*params.Proving, error) {
	open := sync.OnceValues(func() (*params.Proving, error) { return devParams(zkkex.BabyJubjub20) })
	return func(zkkex.CircuitID) (*params.Proving, error) { return open() }
}()

// venueOf is a venue that echoes what it is sent, early data first.
type venueOf struct {
	*scene
	name  string
	dir   string
	venue *venue.Venue

	serving sync.Mutex
	shown   http.Handler
}

// venue makes a venue, which is reached by its name at port 80, and for sessions at
// port 9440. Its first descriptor is issued.
func (s *scene) venue(name string, change ...func(*venue.Config)) *venueOf {
	s.t.Helper()
	return s.venueWith(name, verifying, change...)
}

// venueWith makes a venue that opens its parameters by a function.
func (s *scene) venueWith(name string, open func(zkkex.CircuitID, zkkex.ParamsDigest) (*params.Verifying, error), change ...func(*venue.Config)) *venueOf {
	s.t.Helper()
	v := s.initVenue(name, change)
	v.start(venue.Options{Now: s.clock.now, Params: open})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	s.place(name+":9440", l.Addr())
	sessions, err := v.venue.NewListener(l, venue.ListenConfig{EarlyData: true})
	s.must(err)
	s.t.Cleanup(func() { s.must(sessions.Close()) })
	go echo(sessions)
	return v
}

// silentVenue is a venue that takes no sessions.
func (s *scene) silentVenue(name string, change ...func(*venue.Config)) *venueOf {
	s.t.Helper()
	v := s.initVenue(name, change)
	v.start(venue.Options{Now: s.clock.now})
	return v
}

func (s *scene) initVenue(name string, change []func(*venue.Config)) *venueOf {
	s.t.Helper()
	v := &venueOf{scene: s, name: name, dir: filepath.Join(s.t.TempDir(), "venue")}
	set, err := devParamsOnce(zkkex.BabyJubjub20)
	s.must(err)
	c := venue.Config{
		Name: name, Registry: venue.Registry{URL: "file://" + s.folder, VerifierKey: s.registrar.VerifierKey()},
		Schedule:  zkkex.DefaultSchedule(),
		Circuits:  []descriptor.Circuit{{ID: zkkex.BabyJubjub20, Params: set.Digest()}},
		Addresses: []descriptor.Address{{Network: "tcp", Place: name + ":9440"}},
	}
	for _, change := range change {
		change(&c)
	}
	_, err = venue.Init(v.dir, c)
	s.must(err)
	s.must(copyFolder(v.forkDir(), v.dir))
	return v
}

// copyFolder copies a venue's folder.
func copyFolder(to, from string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		place := to + strings.TrimPrefix(path, from)
		if d.IsDir() {
			return os.Mkdir(place, 0o700)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(place, b, 0o600)
	})
}

// start issues the first descriptor, and serves it.
func (v *venueOf) start(o venue.Options) {
	v.t.Helper()
	v.venue = v.openAt(v.dir, o)
	v.turn()
	v.show(v.venue.Handler())
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.serving.Lock()
		shown := v.shown
		v.serving.Unlock()
		shown.ServeHTTP(w, r)
	}))
	v.t.Cleanup(files.Close)
	v.place(v.name+":80", files.Listener.Addr())
}

// openAt opens the venue's folder, or the copy of it.
func (v *venueOf) openAt(dir string, o venue.Options) *venue.Venue {
	v.t.Helper()
	opened, err := venue.Open(dir, o)
	v.must(err)
	v.t.Cleanup(func() { v.must(opened.Close()) })
	return opened
}

// forkDir is a copy of the folder as it was made.
func (v *venueOf) forkDir() string { return v.dir + "-copy" }

// fork returns the same venue with another history.
func (v *venueOf) fork() *venue.Venue {
	v.t.Helper()
	other := v.openAt(v.forkDir(), venue.Options{Now: v.clock.now})
	_, err := other.Sync(v.t.Context())
	v.must(err)
	_, err = other.Rotate(v.t.Context())
	v.must(err)
	return other
}

// verifying opens whatever parameters a venue accepts.
func verifying(id zkkex.CircuitID, _ zkkex.ParamsDigest) (*params.Verifying, error) {
	fsys, err := dev.FS(id)
	if err != nil {
		return nil, err
	}
	return params.OpenVerifying(fsys, params.Accept{Dev: true})
}

// show has the venue's server show the files of a venue.
func (v *venueOf) show(h http.Handler) {
	v.serving.Lock()
	defer v.serving.Unlock()
	v.shown = h
}

// turn has the venue sync and issue what is due.
func (v *venueOf) turn() {
	v.t.Helper()
	v.publish()
	_, err := v.venue.Sync(v.t.Context())
	v.must(err)
	_, err = v.venue.Rotate(v.t.Context())
	v.must(err)
}

func (v *venueOf) config() VenueConfig {
	return VenueConfig{URL: "http://" + v.name, Identity: v.venue.Identity().String()}
}

// trustedBy has a member trust and open the venue. It makes no certificate ahead.
func (v *venueOf) trustedBy(m *Member, change ...func(*VenueConfig)) *Venue {
	v.t.Helper()
	c := v.config()
	for _, change := range change {
		change(&c)
	}
	id, err := m.TrustVenue(c)
	v.must(err)
	return v.openedBy(m, id)
}

func (v *venueOf) openedBy(m *Member, id descriptor.VenueID) *Venue {
	v.t.Helper()
	opened, err := m.OpenVenue(id, VenueOptions{Ahead: -1})
	v.must(err)
	v.t.Cleanup(func() { v.must(opened.Close()) })
	opened.nap = 10 * time.Millisecond
	return opened
}

func echo(l *handshake.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			if _, err := c.Write(c.(*handshake.Conn).Early()); err == nil {
				_, _ = io.Copy(c, c)
			}
		}()
	}
}

// works has a session echo something.
func works(t *testing.T, c io.ReadWriter) {
	t.Helper()
	if _, err := c.Write([]byte("order")); err != nil {
		t.Fatal(err)
	}
	expect(t, c, "order")
}

func expect(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

// fresh opens a session that works.
func fresh(t *testing.T, v *Venue) *Session {
	t.Helper()
	s, err := v.Fresh(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	works(t, s)
	return s
}

func rejected(err error, reason zkkex.Reason) bool {
	var no *zkkex.RejectError
	return errors.As(err, &no) && no.Reason == reason
}
