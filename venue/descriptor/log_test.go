package descriptor

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry/registrar"
)

func testWitness(t *testing.T, name string) *torchwood.CosignatureSigner {
	t.Helper()
	seed := sha256.Sum256([]byte("zkkex test witness " + name))
	w, err := torchwood.NewCosignatureSigner(name, ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// cosignBy adds the cosignatures of witnesses.
func cosignBy(log note.Verifier, witnesses ...*torchwood.CosignatureSigner) func(context.Context, []byte, uint64, tlog.HashReader) ([]byte, error) {
	return func(_ context.Context, signed []byte, _ uint64, _ tlog.HashReader) ([]byte, error) {
		n, err := note.Open(signed, note.VerifierList(log))
		if err != nil {
			return nil, err
		}
		signers := make([]note.Signer, len(witnesses))
		for i, w := range witnesses {
			signers[i] = w
		}
		return note.Sign(n, signers...)
	}
}

// published returns a store with descriptors that two witnesses cosigned.
func published(t *testing.T, descriptors int) (*Store, []string) {
	t.Helper()
	_, s := newStore(t)
	for i := range descriptors {
		mustRotate(t, s, testTime.Add(time.Duration(i)*time.Hour), testTerms())
	}
	a, b := testWitness(t, "a.example"), testWitness(t, "b.example")
	if _, err := s.Publish(t.Context(), cosignBy(s.identity.keys[0], a, b)); err != nil {
		t.Fatal(err)
	}
	return s, []string{a.Verifier().String(), b.Verifier().String()}
}

func mustProve(t *testing.T, s *Store, n uint64) []byte {
	t.Helper()
	proof, err := s.Proof(n)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

func TestWitnessedChain(t *testing.T) {
	s, witnesses := published(t, 9)
	chain, err := NewChain(ChainConfig{Identity: s.Identity(), Witnesses: witnesses, Quorum: 2})
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 9; n++ {
		d, err := s.ByNumber(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := chain.Add(d.Note(), mustProve(t, s, n), testTime); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProofRefused(t *testing.T) {
	s, witnesses := published(t, 9)
	third := testWitness(t, "c.example").Verifier().String()
	d, err := s.ByNumber(5)
	if err != nil {
		t.Fatal(err)
	}
	good := mustProve(t, s, 5)
	head, checkpoint, _ := bytes.Cut(good, []byte("\n\n"))
	_, other := newStore(t)
	foreign := testIdentity(t, testSigner(t, "zkkex test other venue"))
	mustRotate(t, other, testTime, testTerms())
	otherCheckpoint, err := other.Publish(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, []byte("\n\n")) }
	resign := func(text string) []byte {
		signed, err := note.Sign(&note.Note{Text: text}, s.signers[0])
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	text, _, _ := strings.Cut(string(checkpoint), "\n\n")
	for _, test := range []struct {
		name      string
		proof     []byte
		witnesses []string
		quorum    int
		class     error
		reason    string
	}{
		{"none", nil, witnesses, 1, ErrWitnesses, "came without a proof"},
		{"one witness too few", good, append(witnesses, third), 3, ErrWitnesses, "2 of 3"},
		{"of another number", mustProve(t, s, 4), witnesses, 2, ErrNotLogged, "index 4"},
		{"of another number, renamed", bytes.Replace(mustProve(t, s, 4), []byte("index 3"), []byte("index 4"), 1), witnesses, 2, ErrNotLogged, "verification failed"},
		{"extra data", bytes.Replace(good, []byte("index"), []byte("extra AAAA\nindex"), 1), witnesses, 2, ErrNotLogged, "that begins"},
		{"a hash is missing", join(head[:bytes.LastIndexByte(head, '\n')], checkpoint), witnesses, 2, ErrNotLogged, "verification failed"},
		{"no checkpoint", head, witnesses, 2, zkkex.ErrMalformed, "expected a checkpoint"},
		{"another log's checkpoint", join(head, otherCheckpoint), nil, 0, ErrNotLogged, "verification failed"},
		{"extension line", join(head, resign(text+"\nmore\n")), nil, 0, zkkex.ErrMalformed, "size and root"},
		{"another origin", join(head, resign(strings.Replace(text, testVenue, "venue.elsewhere", 1)+"\n")), nil, 0, zkkex.ErrMalformed, "size and root"},
		{"cosignature is wrong", bytes.Replace(good, []byte("— a.example "), []byte("— a.example B"), 1), witnesses, 2, zkkex.ErrMalformed, "malformed"},
		{"too long", append(bytes.Clone(good), make([]byte, MaxProof)...), witnesses, 2, zkkex.ErrMalformed, "expected at most"},
	} {
		chain, err := NewChain(ChainConfig{Identity: s.Identity(), Witnesses: test.witnesses, Quorum: test.quorum})
		if err != nil {
			t.Fatal(err)
		}
		_, err = chain.Add(d.Note(), test.proof, testTime)
		if !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v; want %v with %q", test.name, err, test.class, test.reason)
		}
		if chain.Latest() != nil {
			t.Errorf("%s: taken in", test.name)
		}
	}
	if _, err := (&witnessPolicy{identity: foreign}).open(checkpoint); !errors.Is(err, ErrSignature) {
		t.Errorf("a checkpoint of another venue: %v; want ErrSignature", err)
	}
}

// Two logs of one size, both signed, are evidence.
func TestTwoLogsOfOneSize(t *testing.T) {
	c := newTestChain(t)
	first := c.next()
	chain, err := NewChain(ChainConfig{Identity: c.identity()})
	if err != nil {
		t.Fatal(err)
	}
	prove := func(second []byte) []byte {
		var log logHashes
		for _, text := range [][]byte{first.text, second} {
			if err := log.append(text); err != nil {
				t.Fatal(err)
			}
		}
		root, err := tlog.TreeHash(2, &log)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := tlog.ProveRecord(2, 0, &log)
		if err != nil {
			t.Fatal(err)
		}
		text := torchwood.Checkpoint{Origin: testVenue, Tree: tlog.Tree{N: 2, Hash: root}}.String()
		signed, err := note.Sign(&note.Note{Text: text}, c.signers[0])
		if err != nil {
			t.Fatal(err)
		}
		return torchwood.FormatProof(0, proof, signed)
	}
	one, two := prove([]byte("one")), prove([]byte("two"))
	for range 2 {
		if _, err := chain.Add(first.Note(), one, testTime); err != nil {
			t.Fatal(err)
		}
	}
	var fork *ForkError
	if _, err := chain.Add(first.Note(), two, testTime); !errors.As(err, &fork) || fork.Rule != OneLog {
		t.Fatalf("%v; want a fork by one log", err)
	}
	if !bytes.HasSuffix(one, fork.Older) || !bytes.HasSuffix(two, fork.Newer) || bytes.Equal(fork.Older, fork.Newer) {
		t.Error("the evidence is not the two checkpoints")
	}
}

func TestBadWitnessConfigurations(t *testing.T) {
	id := testIdentity(t, testSigner(t, "zkkex test venue"))
	key := testWitness(t, "a.example").Verifier().String()
	for _, test := range []struct {
		keys   []string
		quorum int
		reason string
	}{
		{[]string{id.String()}, 1, "expected a cosignature key"},
		{[]string{key, key}, 1, "must not count twice"},
		{[]string{key}, 2, "expected 0 to 1"},
		{nil, -1, "expected 0 to 0"},
	} {
		if _, err := NewChain(ChainConfig{Identity: id, Witnesses: test.keys, Quorum: test.quorum}); err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%v; want an error with %q", err, test.reason)
		}
	}
}

func TestPublish(t *testing.T) {
	dir, s := newStore(t)
	if _, err := s.Publish(t.Context(), nil); !errors.Is(err, ErrUnknownNumber) {
		t.Errorf("an empty log: %v; want ErrUnknownNumber", err)
	}
	if _, err := s.Checkpoint(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before the first: %v; want ErrNotExist", err)
	}
	mustRotate(t, s, testTime, testTerms())
	if _, err := s.Proof(1); !errors.Is(err, ErrUnknownNumber) {
		t.Errorf("not published: %v; want ErrUnknownNumber", err)
	}
	signed, err := s.Publish(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	down := errors.New("the witness is down")
	mustRotate(t, s, testTime.Add(time.Hour), testTerms())
	if _, err := s.Publish(t.Context(), func(context.Context, []byte, uint64, tlog.HashReader) ([]byte, error) { return nil, down }); !errors.Is(err, down) {
		t.Errorf("%v; want the witness's error", err)
	}
	if _, err := s.Publish(t.Context(), func(context.Context, []byte, uint64, tlog.HashReader) ([]byte, error) { return signed, nil }); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("answered with an old checkpoint: %v; want ErrMalformed", err)
	}
	if kept, err := s.Checkpoint(); err != nil || !bytes.Equal(kept, signed) {
		t.Errorf("the published checkpoint changed: %v", err)
	}
	if _, err := s.Proof(2); !errors.Is(err, ErrUnknownNumber) {
		t.Errorf("beyond what is published: %v; want ErrUnknownNumber", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustProve(t, reopen(t, dir), 1)
}

// A client of package tlog reads the whole log from the tiles.
func TestTiles(t *testing.T) {
	const n = 258 // more than one tile
	_, s := newStore(t)
	terms := testTerms()
	terms.Suites = Suites()[4:5]
	for i := range n {
		mustRotate(t, s, testTime.Add(time.Duration(i)*time.Hour), terms)
	}
	if _, err := s.Tile("tile/0/000.p/1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing is published: %v; want ErrNotExist", err)
	}
	signed, err := s.Publish(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := torchwood.VerifyCheckpoint(signed, originAndKey(s.identity.keys[0]))
	if err != nil {
		t.Fatal(err)
	}
	hashes := tlog.TileHashReader(c.Tree, storeTiles{s})
	for _, index := range []int64{0, 255, 256, n - 1} {
		proof, err := tlog.ProveRecord(c.N, index, hashes)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := s.Tile(torchwood.TilePath(tlog.Tile{H: 8, L: -1, N: index / 256, W: int(min(256, n-index/256*256))}))
		if err != nil {
			t.Fatal(err)
		}
		var entry []byte
		for range index%256 + 1 {
			if entry, entries, err = torchwood.ReadTileEntry(entries); err != nil {
				t.Fatal(err)
			}
		}
		if err := tlog.CheckRecord(proof, c.N, c.Hash, index, tlog.RecordHash(entry)); err != nil {
			t.Error(err)
		}
		if d, err := Parse(entry); err != nil || d.Number != uint64(index)+1 {
			t.Errorf("record %d is descriptor %v, %v", index, d, err)
		}
	}
	for _, path := range []string{"", "tile", "tile/0/001.p/3", "tile/0/002", "tile/1/000", "tile/9/000", "tile/0/0", "tile/entries/001", "tile/0/x999/x999/x999/999"} {
		if _, err := s.Tile(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("tile %q: %v; want ErrNotExist", path, err)
		}
	}
}

type storeTiles struct{ store *Store }

func (storeTiles) Height() int { return torchwood.TileHeight }

func (r storeTiles) ReadTiles(tiles []tlog.Tile) (out [][]byte, err error) {
	for _, tile := range tiles {
		data, err := r.store.Tile(torchwood.TilePath(tile))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func (storeTiles) SaveTiles([]tlog.Tile, [][]byte) {}

// The registrar's cosigner asks witnesses for the venue's log as it is: the
// witness here speaks c2sp.org/tlog-witness, and checks consistency.
func TestRegistrarsCosigner(t *testing.T) {
	_, s := newStore(t)
	w := &witnessServer{log: s.identity.keys[0], signer: testWitness(t, "w.example")}
	server := httptest.NewServer(w)
	defer server.Close()
	key := w.signer.Verifier().String()
	cosign, err := registrar.NewCosigner(s.identity.String(), []registrar.Witness{{URL: server.URL, VerifierKey: key}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := NewChain(ChainConfig{Identity: s.Identity(), Witnesses: []string{key}, Quorum: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		d := mustRotate(t, s, testTime.Add(time.Duration(i)*time.Hour), testTerms())
		if _, err := s.Publish(t.Context(), cosign); err != nil {
			t.Fatal(err)
		}
		if _, err := chain.Add(d.Note(), mustProve(t, s, d.Number), testTime); err != nil {
			t.Fatal(err)
		}
	}
	if w.tree.N != 6 {
		t.Errorf("the witness saw %d descriptors", w.tree.N)
	}
}

type witnessServer struct {
	log    note.Verifier
	signer *torchwood.CosignatureSigner
	tree   tlog.Tree
}

func (w *witnessServer) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	answer, err := w.add(req.Body)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	_, _ = rw.Write(answer) // the client notices what is missing
}

func (w *witnessServer) add(body io.Reader) ([]byte, error) {
	request, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	head, signed, _ := bytes.Cut(request, []byte("\n\n"))
	fields := strings.Fields(string(head))
	if len(fields) < 2 || fields[1] != fmt.Sprint(w.tree.N) {
		return nil, fmt.Errorf("old size of %q, expected %d", head, w.tree.N)
	}
	var proof tlog.TreeProof
	for _, line := range fields[2:] {
		h, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return nil, err
		}
		proof = append(proof, tlog.Hash(h))
	}
	c, n, err := torchwood.VerifyCheckpoint(signed, originAndKey(w.log))
	if err != nil {
		return nil, err
	}
	if w.tree.N > 0 {
		if err := tlog.CheckTree(proof, c.N, c.Hash, w.tree.N, w.tree.Hash); err != nil {
			return nil, err
		}
	}
	w.tree = c.Tree
	cosigned, err := note.Sign(&note.Note{Text: n.Text}, w.signer)
	if err != nil {
		return nil, err
	}
	_, lines, _ := bytes.Cut(cosigned, []byte("\n\n"))
	return lines, nil
}
