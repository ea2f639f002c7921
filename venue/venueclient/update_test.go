package venueclient

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// What is asked for follows from the log and from what is known: nothing more,
// nothing in another order.
func TestRequests(t *testing.T) {
	i, ctx := newIssuer(t, "zkkex test venue"), context.Background()
	server := i.serve()
	for range 3 {
		i.issue()
	}
	chain := i.chain()
	check := func(added int, want ...string) {
		t.Helper()
		report, err := i.client(server.URL).Update(ctx, chain)
		must(t, err)
		if _, paths := server.take(); !slices.Equal(paths, want) {
			t.Errorf("asked for %v, expected %v", paths, want)
		}
		if report.Added != added || report.Newest.Number != i.store.Latest().Number {
			t.Errorf("added %d up to %d, expected %d up to %d", report.Added, report.Newest.Number, added, i.store.Latest().Number)
		}
	}
	check(2, "/identity", "/descriptor/latest", "/descriptor/2", "/proof/2", "/proof/3")
	check(0, "/descriptor/latest", "/proof/3")
	i.issue()
	i.raise()
	i.issue()
	check(3, "/descriptor/latest", "/descriptor/4", "/proof/4", "/descriptor/5", "/proof/5", "/proof/6")
	current, err := chain.Current(i.now)
	must(t, err)
	if current.Generation != 1 {
		t.Errorf("generation %d, expected the raised one", current.Generation)
	}
}

// Two clients in one state send the same bytes, whatever they are and demand, and
// send back nothing that a server gave them.
func TestClientsLookAlike(t *testing.T) {
	i, ctx := newIssuer(t, "zkkex test venue"), context.Background()
	witness, key := testWitness(t, i.store.Identity())
	i.cosign = witness
	server := i.serve()
	i.issue()
	i.issue()
	plain := i.chain()
	strict, err := descriptor.NewChain(descriptor.ChainConfig{Identity: i.store.Identity(), Witnesses: []string{key}, Quorum: 1})
	must(t, err)
	kept := i.client(server.URL)
	for round := range 3 {
		_, err := kept.Update(ctx, plain)
		must(t, err)
		first, _ := server.take()
		_, err = i.client(server.URL).Update(ctx, strict)
		must(t, err)
		second, _ := server.take()
		if len(first) == 0 || !slices.Equal(first, second) {
			t.Errorf("round %d: one sent\n%s\nthe other\n%s", round, strings.Join(first, ""), strings.Join(second, ""))
		}
		for _, request := range append(first, second...) {
			for _, tag := range []string{"Cookie", "If-None-Match", "If-Modified-Since", "Accept-Encoding", "Go-http-client"} {
				if strings.Contains(request, tag) {
					t.Errorf("round %d: %s in\n%s", round, tag, request)
				}
			}
		}
		i.issue()
	}
}

// testWitness cosigns whatever a venue signed.
func testWitness(t *testing.T, venue *descriptor.Identity) (cosigner, string) {
	t.Helper()
	seed := sha256.Sum256([]byte("zkkex test witness"))
	s, err := torchwood.NewCosignatureSigner("witness.example", ed25519.NewKeyFromSeed(seed[:]))
	must(t, err)
	log, err := note.NewVerifier(venue.String())
	must(t, err)
	return func(_ context.Context, signed []byte, _ uint64, _ tlog.HashReader) ([]byte, error) {
		n, err := note.Open(signed, note.VerifierList(log))
		if err != nil {
			return nil, err
		}
		return note.Sign(n, s)
	}, s.Verifier().String()
}

// Whatever a server does, the chain stays as it was, and the error says what is
// wrong.
func TestServersThatAreRefused(t *testing.T) {
	swap := func(text []byte, old, new string) []byte { return []byte(strings.Replace(string(text), old, new, 1)) }
	for name, c := range map[string]struct {
		change func(i *issuer)
		want   error
	}{
		"a changed text": {func(i *issuer) {
			i.files["descriptor/latest"] = swap(i.files["descriptor/latest"], "opens: 4", "opens: 5")
		}, descriptor.ErrSignature},
		"a changed text in between": {func(i *issuer) { i.files["descriptor/3"] = swap(i.files["descriptor/3"], "opens: 4", "opens: 5") }, descriptor.ErrSignature},
		"no descriptor at all":      {func(i *issuer) { i.files["descriptor/latest"] = []byte("hello\n") }, zkkex.ErrMalformed},
		"one missing in between":    {func(i *issuer) { delete(i.files, "descriptor/3") }, fs.ErrNotExist},
		"a missing proof":           {func(i *issuer) { delete(i.files, "proof/3") }, fs.ErrNotExist},
		"the newest missing":        {func(i *issuer) { delete(i.files, "descriptor/latest") }, fs.ErrNotExist},
		"the proof of another":      {func(i *issuer) { i.files["proof/3"] = i.files["proof/4"] }, descriptor.ErrNotLogged},
		"a proof of nothing":        {func(i *issuer) { i.files["proof/3"] = []byte("c2sp.org/tlog-proof@v1\n") }, descriptor.ErrNotLogged},
		"another under the number":  {func(i *issuer) { i.files["descriptor/3"] = i.files["descriptor/2"] }, descriptor.ErrNotLogged},
		"one of later under a number": {func(i *issuer) {
			i.files["descriptor/3"], i.files["proof/3"] = i.files["descriptor/4"], i.files["proof/4"]
		}, descriptor.ErrGap},
		"a known one under a number": {func(i *issuer) {
			i.files["descriptor/3"], i.files["proof/3"] = i.files["descriptor/2"], i.files["proof/2"]
		}, ErrServer},
		"too large a descriptor": {func(i *issuer) { i.files["descriptor/latest"] = make([]byte, descriptor.MaxSigned+1) }, zkkex.ErrMalformed},
		"too large a proof":      {func(i *issuer) { i.files["proof/3"] = make([]byte, descriptor.MaxProof+1) }, zkkex.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t, "zkkex test venue")
			i.issue()
			i.issue()
			chain := i.chain()
			_, err := i.update(chain)
			must(t, err)
			before, err := chain.MarshalText()
			must(t, err)
			i.issue()
			i.issue()
			good := i.files
			i.files = make(map[string][]byte)
			for name, text := range good {
				i.files[name] = text
			}
			c.change(i)
			if _, err := i.update(chain); !errors.Is(err, c.want) {
				t.Errorf("%v, expected %v", err, c.want)
			}
			if after, err := chain.MarshalText(); err != nil || string(after) != string(before) {
				t.Errorf("the chain changed (%v)", err)
			}
			i.files = good
			if _, err := i.update(chain); err != nil || chain.Latest().Number != 4 {
				t.Errorf("from an honest server: %v", err)
			}
		})
	}
}

// A server that shows an older state is behind, and no longer than the chain is
// valid does it matter.
func TestRolledBack(t *testing.T) {
	i := newIssuer(t, "zkkex test venue")
	i.issue()
	i.issue()
	second := i.files["descriptor/latest"]
	i.issue()
	chain := i.chain()
	_, err := i.update(chain)
	must(t, err)
	i.files["descriptor/latest"] = second
	if _, err := i.update(chain); !errors.Is(err, ErrBehind) {
		t.Errorf("%v, expected %v", err, ErrBehind)
	}
	if chain.Latest().Number != 3 || chain.Fork() != nil {
		t.Error("the chain went back, or took it for a fork")
	}
}

// Two descriptors under one number, in whatever order they are seen: evidence is
// kept, in the file too, and the venue is not used any more.
func TestFork(t *testing.T) {
	const label = "zkkex test venue"
	for _, known := range []bool{true, false} {
		i := newIssuer(t, label)
		i.issue()
		i.issue()
		chain := i.chain()
		_, err := i.update(chain)
		must(t, err)
		other := i.fork(label)
		i.issue()
		shown := other.issue() // with other prekeys, so another text
		if known {
			_, err := i.update(chain) // the third itself
			must(t, err)
		} else {
			_, err := other.update(chain)
			must(t, err)
			i, other = other, i
			other.issue() // on the other branch, the fourth names another third
			shown = other.store.Latest()
		}
		_, err = other.update(chain)
		var fork *descriptor.ForkError
		if !errors.As(err, &fork) || !errors.Is(err, descriptor.ErrFork) {
			t.Fatalf("%v, expected %v", err, descriptor.ErrFork)
		}
		if len(fork.Older) == 0 || string(fork.Newer) != string(shown.Note()) && fork.Rule != descriptor.OneLog {
			t.Errorf("the evidence of rule %s is not the two notes", fork.Rule)
		}
		path := filepath.Join(t.TempDir(), "chain")
		must(t, descriptor.SaveChain(path, chain))
		again, err := descriptor.LoadChain(path, descriptor.ChainConfig{Identity: i.store.Identity()})
		must(t, err)
		for _, c := range []*descriptor.Chain{chain, again} {
			if _, err := c.Current(i.now); !errors.Is(err, descriptor.ErrFork) || c.Fork() == nil {
				t.Errorf("the venue is used still: %v", err)
			}
		}
	}
}

// Another venue's server is not the pinned one's, whatever its name.
func TestOtherVenue(t *testing.T) {
	one, other := newIssuer(t, "zkkex test venue"), newIssuer(t, "zkkex another test venue")
	one.issue()
	other.issue()
	other.issue()
	if _, err := other.update(one.chain()); !errors.Is(err, ErrOtherVenue) {
		t.Errorf("an empty chain: %v, expected %v", err, ErrOtherVenue)
	}
	chain := one.chain()
	_, err := one.update(chain)
	must(t, err)
	if _, err := other.update(chain); !errors.Is(err, descriptor.ErrSignature) {
		t.Errorf("a chain: %v, expected %v", err, descriptor.ErrSignature)
	}
	other.files["identity"] = one.files["identity"]
	if _, err := other.update(one.chain()); !errors.Is(err, descriptor.ErrSignature) {
		t.Errorf("with the identity of the other: %v, expected %v", err, descriptor.ErrSignature)
	}
	shown, err := one.client(one.serve().URL).Identity(context.Background())
	must(t, err)
	if shown.Fingerprint() != one.store.Identity().Fingerprint() {
		t.Errorf("shown %s", shown)
	}
}

func TestWitnessesAreDemanded(t *testing.T) {
	i := newIssuer(t, "zkkex test venue")
	witness, key := testWitness(t, i.store.Identity())
	strict, err := descriptor.NewChain(descriptor.ChainConfig{Identity: i.store.Identity(), Witnesses: []string{key}, Quorum: 1})
	must(t, err)
	i.issue()
	if _, err := i.update(strict); !errors.Is(err, descriptor.ErrWitnesses) {
		t.Errorf("no cosignature: %v, expected %v", err, descriptor.ErrWitnesses)
	}
	i.cosign = witness
	i.publish()
	_, err = i.update(strict)
	must(t, err)
}

// A client that comes back after the last one known has ended goes on; one that
// missed too many begins anew.
func TestAway(t *testing.T) {
	i := newIssuer(t, "zkkex test venue")
	i.issue()
	chain := i.chain()
	_, err := i.update(chain)
	must(t, err)
	for range 5 {
		i.issue()
	}
	if _, err := chain.Current(i.now); !errors.Is(err, descriptor.ErrExpired) {
		t.Fatalf("%v, expected %v", err, descriptor.ErrExpired)
	}
	report, err := i.update(chain)
	must(t, err)
	if _, err := chain.Current(i.now); err != nil || report.Added != 5 {
		t.Errorf("added %d: %v", report.Added, err)
	}
	far := i.store.Latest().Descriptor
	far.Number += MaxMissing + 1
	signed, err := descriptor.Sign(&far, testSigner(t, "zkkex test venue"))
	must(t, err)
	i.files["descriptor/latest"] = signed.Note()
	if _, err := i.update(chain); !errors.Is(err, ErrAway) {
		t.Errorf("%v, expected %v", err, ErrAway)
	}
}

// An empty chain does not begin with what has ended.
func TestBeginsWithWhatIsValid(t *testing.T) {
	i := newIssuer(t, "zkkex test venue")
	i.issue()
	i.issue()
	chain := i.chain()
	i.now = i.now.Add(30 * time.Minute) // the first has ended
	report, err := i.update(chain)
	must(t, err)
	if report.Added != 1 || chain.ByNumber(1) != nil {
		t.Errorf("added %d, expected the newest alone", report.Added)
	}
	empty := i.chain()
	i.now = i.now.Add(24 * time.Hour)
	if _, err := i.update(empty); !errors.Is(err, descriptor.ErrExpired) {
		t.Errorf("all have ended: %v, expected %v", err, descriptor.ErrExpired)
	}
}

func TestHTTP(t *testing.T) {
	i := newIssuer(t, "zkkex test venue")
	i.issue()
	server := i.serve()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere/"+r.URL.Path, http.StatusFound)
		}, ErrRedirect},
		"failing": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, ErrServer},
		"partial": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPartialContent) }, ErrServer},
		"missing": {http.NotFound, fs.ErrNotExist},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for range 200 {
				_, _ = w.Write(make([]byte, 1<<10))
			}
		}, zkkex.ErrMalformed},
		"announced": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1000000") }, zkkex.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			server.answer = c.answer
			if _, err := i.client(server.URL).Update(context.Background(), i.chain()); !errors.Is(err, c.want) {
				t.Errorf("%v, expected %v", err, c.want)
			}
			if _, paths := server.take(); len(paths) != 1 {
				t.Errorf("asked for %v after that", paths)
			}
		})
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := i.client(server.URL).Update(cancelled, i.chain()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, expected %v", err, context.Canceled)
	}
	for _, url := range []string{"", "ftp://venue.example", "https://", "https://venue.example?who=me", "https://me@venue.example", "file://host/folder", "venue.example"} {
		if _, err := New(Config{URL: url}); err == nil {
			t.Errorf("a client of %q was made", url)
		}
	}
}

func TestHandshake(t *testing.T) {
	i := newIssuer(t, "zkkex test venue")
	d := i.issue()
	quick, err := Handshake(d, d.Suites[0])
	must(t, err)
	if string(quick.Static.Bytes()) != string(d.Prekeys.X25519[:]) || quick.Prekey != nil || quick.ID != d.Venue || quick.Number != 1 ||
		quick.Digest != d.Digest() || quick.Suite != string(d.Suites[0]) || quick.Padding != d.Padding || quick.MaxOpens != d.MaxOpens {
		t.Errorf("%+v", quick)
	}
	prekey, err := Handshake(d, d.Suites[1])
	must(t, err)
	if string(prekey.Prekey.Bytes()) != string(d.Prekeys.MLKEM768) {
		t.Error("another KEM prekey")
	}
	var rejected *zkkex.RejectError
	if _, err := Handshake(d, descriptor.Suites()[2]); !errors.As(err, &rejected) || rejected.Reason != descriptor.WeakSuite {
		t.Errorf("a suite that is not offered: %v, expected %s", err, descriptor.WeakSuite)
	}
	if _, err := Handshake(d, d.Suites[2]); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a suite that nobody knows: %v, expected %v", err, zkkex.ErrUnsupported)
	}
}

// The specification shows what a client with descriptor 5 of a log of 7 asks for.
func TestRequestsAreThoseOfTheSpecification(t *testing.T) {
	i := newIssuer(t, "zkkex test venue")
	chain := i.chain()
	for range 5 {
		i.issue()
	}
	_, err := i.update(chain)
	must(t, err)
	i.issue()
	i.issue()
	server := i.serve()
	_, err = i.client(server.URL).Update(context.Background(), chain)
	must(t, err)
	_, paths := server.take()
	sample := "```\nGET " + strings.Join(paths, "\nGET ") + "\n```\n"
	spec, err := os.ReadFile("../../docs/spec/venue-log.md")
	must(t, err)
	if !strings.Contains(string(spec), sample) {
		t.Errorf("docs/spec/venue-log.md does not show\n%s", sample)
	}
}
