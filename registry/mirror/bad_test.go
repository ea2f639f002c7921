package mirror

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// dropPartialTiles answers "not found" for partial tiles whose full ones are
// there, in a log of 600 operations.
func dropPartialTiles(w http.ResponseWriter, r *http.Request) bool {
	if !strings.Contains(r.URL.Path, "/001.p/") {
		return false
	}
	http.NotFound(w, r)
	return true
}

func flip(data []byte, bit int) []byte {
	data[bit/8] ^= 1 << (bit % 8)
	return data
}

// TestBadFiles serves files with a single fault each. Every one is refused with
// its own reason, changes nothing, and is forgotten when the server is mended.
func TestBadFiles(t *testing.T) {
	of := func(path string, f func([]byte) []byte) func(string, []byte) []byte {
		return func(p string, data []byte) []byte {
			if p != path {
				return data
			}
			return f(data)
		}
	}
	other := newTestLog(t, registry.SmallCapacityBits)
	for name, test := range map[string]struct {
		change    func(path string, data []byte) []byte
		intercept func(http.ResponseWriter, *http.Request) bool
		config    func(*Config)
		want      error
		text      string // in the message
	}{
		"checkpoint empty": {
			change: of("checkpoint", func([]byte) []byte { return nil }),
			want:   zkkex.ErrMalformed, text: "checkpoint"},
		"checkpoint truncated": {
			change: of("checkpoint", func(b []byte) []byte { return b[:len(b)-1] }),
			want:   zkkex.ErrMalformed, text: "checkpoint"},
		"checkpoint oversized": {
			change: of("checkpoint", func(b []byte) []byte { return append(b, make([]byte, registry.MaxCheckpoint)...) }),
			want:   zkkex.ErrMalformed, text: "bytes"},
		"checkpoint bit flipped": {
			change: of("checkpoint", func(b []byte) []byte { return flip(b, 8*(len(testName)+1)) }), // the size
			want:   registry.ErrSignature, text: "signature"},
		"checkpoint of another key": {
			change: of("checkpoint", func([]byte) []byte { return other.sign(t, other.state(t, testTime)) }),
			want:   registry.ErrSignature, text: "signature"},
		"wrong registry key": {
			config: func(c *Config) { c.VerifierKey = other.verifierKey },
			want:   registry.ErrSignature, text: "signature"},
		"checkpoint from the future": {
			config: func(c *Config) {
				c.Now = func() time.Time { return testTime.Add(-registry.MaxClockSkew - time.Second) }
			},
			want: ErrClock, text: "clock"},
		"too few witnesses": {
			config: func(c *Config) { c.Witnesses, c.Quorum = []string{newWitness(t, "w.example").VerifierKey()}, 1 },
			want:   ErrWitnesses, text: "0 of 1"},
		"hash tile truncated": {
			change: of("tile/0/002.p/88", func(b []byte) []byte { return b[:len(b)-1] }),
			want:   zkkex.ErrMalformed, text: "tile/0/002.p/88"},
		"hash tile oversized": {
			change: of("tile/0/002.p/88", func(b []byte) []byte { return append(b, 0) }),
			want:   zkkex.ErrMalformed, text: "tile/0/002.p/88"},
		"hash tile bit flipped": {
			change: of("tile/0/002.p/88", func(b []byte) []byte { return flip(b, 5) }),
			want:   ErrCorrupt, text: "hash tiles"},
		"upper hash tile bit flipped": {
			change: of("tile/1/000.p/2", func(b []byte) []byte { return flip(b, 300) }),
			want:   ErrCorrupt, text: "hash tiles"},
		"bundle truncated": {
			change: of("tile/entries/001", func(b []byte) []byte { return b[:len(b)-1] }),
			want:   zkkex.ErrMalformed, text: "tile/entries/001"},
		"bundle oversized": {
			change: of("tile/entries/001", func(b []byte) []byte { return append(b, 0) }),
			want:   zkkex.ErrMalformed, text: "tile/entries/001"},
		"bundle bit flipped": {
			change: of("tile/entries/001", func(b []byte) []byte { return flip(b, 8*entrySize+400) }),
			want:   ErrCorrupt, text: "tile/entries/001"},
		"partial bundle bit flipped": {
			change: of("tile/entries/002.p/88", func(b []byte) []byte { return flip(b, 8*entrySize+400) }),
			want:   ErrCorrupt, text: "tile/entries/002.p/88"},
		"bundle with a wrong length": {
			change: of("tile/entries/001", func(b []byte) []byte { return flip(b, 8*entrySize+8) }),
			want:   zkkex.ErrMalformed, text: "entry 1"},
		"bundle of another place": {
			change: of("tile/entries/001", func([]byte) []byte {
				b, _ := other.tile("tile/entries/000")
				return b
			}),
			want: ErrCorrupt, text: "tile/entries/001"},
		"tile missing": {
			intercept: func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/tile/entries/000" {
					return false
				}
				http.NotFound(w, r)
				return true
			},
			want: fs.ErrNotExist, text: "tile/entries/000"},
		"server error": {
			intercept: func(w http.ResponseWriter, r *http.Request) bool {
				http.Error(w, "no", http.StatusInternalServerError)
				return true
			},
			want: ErrServer, text: "500"},
		"slow server": {
			intercept: func(w http.ResponseWriter, r *http.Request) bool {
				w.WriteHeader(http.StatusOK)
				w.(http.Flusher).Flush()
				<-r.Context().Done() // drip nothing, for ever
				return true
			},
			config: func(c *Config) { c.RequestTimeout = 50 * time.Millisecond },
			want:   context.DeadlineExceeded, text: "50ms"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newTestLog(t, registry.SmallCapacityBits)
			if other.tree.Next() == 0 {
				other.admit(t, 5000, 0)
				for i := range uint64(256) {
					other.apply(t, registry.Operation{Kind: registry.Admit, KeyType: zkkex.KeyBabyJubjub, Index: i, Leaf: leaf(5000 + i)})
				}
			}
			l.admit(t, 0, 200)
			before := l.first(t, 200)
			s := newTestServer(t, l)
			dir := t.TempDir()
			synced := mustMirror(t, dir, s.config())
			mustSync(t, synced)
			l.admit(t, 200, 400)
			s.serve(t, l, testTime)
			s.set(func() { s.change, s.intercept = test.change, test.intercept })

			c := s.config()
			victim := synced
			fresh := c
			if test.config != nil {
				test.config(&fresh)
			}
			if fresh.VerifierKey != c.VerifierKey {
				victim = mustMirror(t, t.TempDir(), fresh)
			} else if test.config != nil {
				victim = mustMirror(t, dir, fresh)
			}
			_, err := victim.Sync(t.Context())
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("got %v; want %v with %q", err, test.want, test.text)
			}
			if only := map[error]bool{zkkex.ErrMalformed: true, registry.ErrSignature: true, ErrCorrupt: true, ErrClock: true,
				ErrWitnesses: true, ErrServer: true, fs.ErrNotExist: true, context.DeadlineExceeded: true}; !only[test.want] {
				t.Fatal("add the reason to the list")
			} else {
				for reason := range only {
					if reason != test.want && errors.Is(err, reason) {
						t.Fatalf("%v is also %v; want a single reason", err, reason)
					}
				}
			}
			checkAt(t, synced, before)

			s.set(func() { s.change, s.intercept = nil, nil })
			mustSync(t, synced)
			checkAt(t, synced, l)
		})
	}
}

func TestRedirectsAreRefused(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	s := newTestServer(t, l)
	elsewhere := newTestServer(t, l)
	for name, target := range map[string]string{
		"another host": elsewhere.URL + "/checkpoint",
		"the same one": "/clients/4711/checkpoint", // an address of the client's own
	} {
		t.Run(name, func(t *testing.T) {
			s.set(func() {
				s.intercept = func(w http.ResponseWriter, r *http.Request) bool {
					http.Redirect(w, r, target, http.StatusFound)
					return true
				}
			})
			s.forget()
			_, err := mustMirror(t, t.TempDir(), s.config()).Sync(t.Context())
			if !errors.Is(err, ErrRedirect) || !strings.Contains(err.Error(), "configure") {
				t.Fatalf("got %v; want ErrRedirect", err)
			}
			if got := s.forget(); len(got) != 1 || len(elsewhere.forget()) != 0 {
				t.Fatalf("a redirect was followed: %q", got)
			}
		})
	}
}

func TestCancelledSync(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	s := newTestServer(t, l)
	ctx, cancel := context.WithCancel(t.Context())
	s.intercept = func(_ http.ResponseWriter, r *http.Request) bool {
		cancel()
		<-r.Context().Done()
		return true
	}
	if _, err := mustMirror(t, t.TempDir(), s.config()).Sync(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v; want context.Canceled", err)
	}
}

func TestBadConfig(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	w := newWitness(t, "w.example").VerifierKey()
	for name, test := range map[string]struct {
		change func(*Config)
		text   string
	}{
		"no key":               {func(c *Config) { c.VerifierKey = "" }, "verifier key"},
		"no URL":               {func(c *Config) { c.URL = "" }, "https://"},
		"scheme":               {func(c *Config) { c.URL = "ftp://registry.example" }, "https://"},
		"query":                {func(c *Config) { c.URL = "https://registry.example/?client=1" }, "alone"},
		"user":                 {func(c *Config) { c.URL = "https://me@registry.example/" }, "alone"},
		"file without a path":  {func(c *Config) { c.URL = "file://folder" }, "file:///"},
		"witness key":          {func(c *Config) { c.Witnesses = []string{l.verifierKey} }, "cosignature key"},
		"one witness twice":    {func(c *Config) { c.Witnesses = []string{w, w} }, "twice"},
		"one key, two names":   {func(c *Config) { c.Witnesses = oneKeyTwoNames(t) }, "twice"},
		"quorum above witness": {func(c *Config) { c.Witnesses, c.Quorum = []string{w}, 2 }, "0 to 1"},
	} {
		t.Run(name, func(t *testing.T) {
			c := Config{URL: "https://registry.example/", VerifierKey: l.verifierKey}
			test.change(&c)
			if strings.Contains(test.text, "twice") && c.Check() == nil {
				t.Error("Check has no objection")
			}
			if _, err := Open(t.TempDir(), c); err == nil || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("got %v; want an error with %q", err, test.text)
			}
		})
	}
}

// oneKeyTwoNames returns the keys of one witness that goes by two names.
func oneKeyTwoNames(t *testing.T) (keys []string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"one.example", "two.example"} {
		signer, err := torchwood.NewCosignatureSigner(name, key)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, signer.Verifier().String())
	}
	return keys
}

func TestFolderOfAnotherRegistry(t *testing.T) {
	l := newTestLog(t, registry.SmallCapacityBits)
	s := newTestServer(t, l)
	dir := t.TempDir()
	mustSync(t, mustMirror(t, dir, s.config()))
	c := s.config()
	c.VerifierKey = newTestLog(t, registry.SmallCapacityBits).verifierKey
	_, err := Open(dir, c)
	if reject := (*zkkex.RejectError)(nil); !errors.As(err, &reject) || reject.Reason != zkkex.WrongRegistry {
		t.Fatalf("got %v; want wrong_registry", err)
	}
}

func TestServerDown(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	c := Config{URL: s.URL, VerifierKey: newTestLog(t, registry.SmallCapacityBits).verifierKey}
	s.Close()
	if _, err := mustMirror(t, t.TempDir(), c).Sync(t.Context()); err == nil || errors.Is(err, zkkex.ErrRejected) {
		t.Fatalf("got %v; want a network's error", err)
	}
}
