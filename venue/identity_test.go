package venue

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/slots"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

func postQuantum(c *Config) { c.PostQuantum = true }

// newMember returns a member of the scene's registry.
func (s *scene) newMember() *member.Member {
	s.t.Helper()
	dir, secret := filepath.Join(s.t.TempDir(), "home"), s.admit()
	defer secret.Wipe()
	s.must(member.CreateWithUnencryptedKey(dir, secret, slots.Range{}, s.clock.now()))
	m, err := member.Open(dir, member.Options{Now: s.clock.now})
	s.must(err)
	s.t.Cleanup(func() { s.must(m.Close()) })
	_, err = m.Trust(member.Registry{URL: "file://" + s.folder, VerifierKey: s.registrar.VerifierKey()})
	s.must(err)
	return m
}

// trust has a member pin an identity, and fetch from a URL.
func (s *scene) trust(m *member.Member, url, identity string) error {
	s.t.Helper()
	id, err := m.TrustVenue(member.VenueConfig{URL: url, Identity: identity})
	s.must(err)
	v, err := m.OpenVenue(id, member.VenueOptions{Ahead: session.NoneAhead})
	s.must(err)
	defer v.Close()
	return v.Sync(context.Background())
}

// A venue with two keys, from its making to a member that pins both and syncs, from
// the server and from an exported folder. The Ed25519 key alone is another venue.
func TestPostQuantumVenue(t *testing.T) {
	s := newSceneAt(t, testTime, postQuantum)
	identity := s.venue.Identity().String()
	first, second, ok := strings.Cut(identity, "\n")
	if !ok || strings.Contains(second, "\n") {
		t.Fatalf("the identity is\n%s\nexpected two lines", identity)
	}
	if status := s.venue.Status(); status.Identity != identity || strings.ReplaceAll(status.Fingerprint, " ", "") != status.ID {
		t.Errorf("status says %s, %s, %s", status.Identity, status.ID, status.Fingerprint)
	}
	m := s.newMember()
	s.turn()
	server := s.serve()
	if err := s.trust(m, server.URL, identity); err != nil {
		t.Errorf("a member that pins both keys: %v", err)
	}
	if err := s.trust(m, server.URL, first); !errors.Is(err, venueclient.ErrOtherVenue) {
		t.Errorf("a member that pins the first alone: %v, expected %v", err, venueclient.ErrOtherVenue)
	}
	venues, err := m.Venues()
	s.must(err)
	if len(venues) != 2 || venues[0].Identity != identity && venues[1].Identity != identity {
		t.Errorf("recorded %+v, expected both lines of an identity", venues)
	}
	shown, err := s.client(server.URL).Identity(context.Background())
	if err != nil || shown.String() != identity {
		t.Errorf("the server shows %v (%v)", shown, err)
	}

	s.reopen()
	folder := filepath.Join(t.TempDir(), "export")
	_, err = s.venue.Export(folder)
	s.must(err)
	if err := s.trust(s.newMember(), "file://"+folder, identity); err != nil {
		t.Errorf("from an exported folder: %v", err)
	}
	for _, key := range []string{identityFile, mldsaFile} {
		info, err := os.Stat(filepath.Join(s.dir, key))
		s.must(err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %04o, expected 0600", key, info.Mode().Perm())
		}
	}
}

// A server that leaves the ML-DSA signature out, of a descriptor or of the log's
// checkpoint, gets nothing taken in.
func TestStrippedSignature(t *testing.T) {
	s := newSceneAt(t, testTime, postQuantum)
	s.turn()
	for _, prefix := range []string{"/descriptor/", "/proof/"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := httptest.NewRecorder()
			s.venue.Handler().ServeHTTP(answer, r)
			body := answer.Body.Bytes()
			if strings.HasPrefix(r.URL.Path, prefix) {
				body = body[:bytes.LastIndex(body, []byte("\n— "))+1]
			}
			_, _ = w.Write(body) // the client notices what is missing
		}))
		defer server.Close()
		chain := s.chain()
		if _, err := s.client(server.URL).Update(context.Background(), chain); !errors.Is(err, descriptor.ErrSignature) || chain.Latest() != nil {
			t.Errorf("%s: %v, expected %v and nothing taken in", prefix, err, descriptor.ErrSignature)
		}
	}
}

// A folder with one key too few, or of another kind, is not opened.
func TestKeysOfTheIdentity(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(s *scene) error
		want  error
		says  string
	}{
		{"the ML-DSA key is missing", func(s *scene) error { return os.Remove(filepath.Join(s.dir, mldsaFile)) }, fs.ErrNotExist, "the ML-DSA-65 key of the venue's identity is missing"},
		{"the Ed25519 key is missing", func(s *scene) error { return os.Remove(filepath.Join(s.dir, identityFile)) }, fs.ErrNotExist, "the Ed25519 key of the venue's identity is missing"},
		{"the Ed25519 key in both places", func(s *scene) error {
			text, err := os.ReadFile(filepath.Join(s.dir, identityFile))
			return errors.Join(err, os.WriteFile(filepath.Join(s.dir, mldsaFile), text, 0o600))
		}, zkkex.ErrMalformed, "identity-mldsa65 holds a key of Ed25519, expected one of ML-DSA-65"},
		{"another venue's ML-DSA key", func(s *scene) error {
			path := filepath.Join(s.dir, mldsaFile)
			_, err := descriptor.CreateSigner(path+"2", s.config().Name, descriptor.MLDSA65)
			return errors.Join(err, os.Rename(path+"2", path))
		}, descriptor.ErrDamaged, "identity of another venue"},
		{"a key that others can read", func(s *scene) error { return os.Chmod(filepath.Join(s.dir, mldsaFile), 0o640) }, nil, "chmod 600"},
		{"the configuration forgets it", func(s *scene) error {
			s.configure(func(c *Config) { c.PostQuantum = false })
			return nil
		}, descriptor.ErrDamaged, "identity of another venue"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			s.dir = filepath.Join(t.TempDir(), "another")
			c := s.config()
			c.PostQuantum = true
			_, err := Init(s.dir, c)
			s.must(err)
			v, err := Open(s.dir, s.options)
			s.must(err)
			s.must(v.Close())
			s.must(test.spoil(s))
			v, err = Open(s.dir, s.options)
			if err == nil {
				s.must(v.Close())
			}
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, expected %v that says %q", err, test.want, test.says)
			}
		})
	}
}

// Witnesses cosign what the Ed25519 key signed, and the quorum counts for clients
// as it does without a second key.
func TestWitnessesOfTwoKeys(t *testing.T) {
	s := newSceneAt(t, testTime, postQuantum)
	s.must(s.venue.Close())
	first, _, _ := strings.Cut(s.venue.Identity().String(), "\n")
	log, err := note.NewVerifier(first)
	s.must(err)
	_, private, err := ed25519.GenerateKey(nil)
	s.must(err)
	witness, err := torchwood.NewCosignatureSigner("witness.example", private)
	s.must(err)
	s.options.Cosign = func(_ context.Context, signed []byte, _ uint64, _ tlog.HashReader) ([]byte, error) {
		n, err := note.Open(signed, note.VerifierList(log))
		if err != nil || len(n.UnverifiedSigs) > 0 {
			return nil, errors.Join(err, errors.New("expected the signature of the log's key alone"))
		}
		return note.Sign(n, witness)
	}
	s.open()
	s.turn()
	chain, err := descriptor.NewChain(descriptor.ChainConfig{Identity: s.venue.Identity(), Witnesses: []string{witness.Verifier().String()}, Quorum: 1})
	s.must(err)
	if _, err := s.client(s.serve().URL).Update(context.Background(), chain); err != nil {
		t.Error(err)
	}
}
