package registrar

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	cryptorand "crypto/rand"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

func TestCheckpoint(t *testing.T) {
	dir, r := newRegistrar(t)
	empty := checkpoint(t, r, testTime)
	if empty.Sequence != 0 || len(empty.Members) != 0 || empty.Origin != testName || !empty.Time.Equal(testTime) {
		t.Errorf("of the empty registry: %+v", empty.Checkpoint)
	}
	if again := checkpoint(t, r, testTime.Add(time.Hour)); again != empty {
		t.Errorf("signed again though nothing changed: %+v", again.Checkpoint)
	}
	fakeAdmit(t, r, 0)
	c := checkpoint(t, r, testTime.Add(time.Hour))
	if c.Sequence != 1 || c.Members[zkkex.KeyBabyJubjub] != 1 || c.Root != r.Root() || c.CapacityBits != 20 {
		t.Errorf("of one member: %+v", c.Checkpoint)
	}
	renewed, err := r.Renew(context.Background(), testTime.Add(2*time.Hour), nil)
	if err != nil || renewed.Sequence != 1 || !renewed.Time.Equal(testTime.Add(2*time.Hour)) {
		t.Errorf("renewed: %+v, %v", renewed, err)
	}
	r = reopen(t, dir, r)
	if !bytes.Equal(r.Published().Note, renewed.Note) {
		t.Error("after opening, another checkpoint is published")
	}
	files := snapshot(t, dir)
	if files[checkpointFile] != string(renewed.Note) {
		t.Error("the file of the newest checkpoint holds another one")
	}
	history, err := registry.ParseRoots([]byte(files[checkpointsFile]))
	if err != nil || !bytes.Equal(history.Latest().Note, renewed.Note) || history.VerifierKey() != r.VerifierKey() {
		t.Errorf("the file of all checkpoints is no history: %v", err)
	}
	if _, err := history.Grace(0, registry.DefaultMaxAge).Accept(0, empty.Root, renewed.Time); !errors.Is(err, zkkex.ErrRejected) {
		t.Errorf("the empty root: %v; want a rejection", err)
	}
}

func TestCosigner(t *testing.T) {
	_, r := newRegistrar(t)
	fakeAdmit(t, r, 0)
	refused := errors.New("too few witnesses")
	_, err := r.Checkpoint(context.Background(), testTime, func(context.Context, []byte, uint64, tlog.HashReader) ([]byte, error) {
		return nil, refused
	})
	if !errors.Is(err, refused) || r.Published() != nil {
		t.Fatalf("refused by the cosigner: %v, published %v", err, r.Published())
	}
	skey, vkey, err := note.GenerateKey(cryptorand.Reader, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	witness, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Checkpoint(context.Background(), testTime, func(_ context.Context, signed []byte, size uint64, hashes tlog.HashReader) ([]byte, error) {
		// The cosigner runs without locks: the registrar goes on meanwhile.
		fakeAdmit(t, r, 1)
		if root, err := tlog.TreeHash(int64(size), hashes); size != 1 || err != nil || !bytes.Contains(signed, []byte(root.String())) {
			t.Errorf("cosigner got %d operations with root %v, %v", size, root, err)
		}
		n, err := note.Open(signed, note.VerifierList(r.config.verifier))
		if err != nil {
			return nil, err
		}
		return note.Sign(n, witness)
	})
	if err != nil || c.Sequence != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	opened, err := registry.Open(r.Published().Note, r.config.verifier, verifier)
	if err != nil || len(opened.Witnesses) != 1 {
		t.Errorf("published with %v, %v", opened.Witnesses, err)
	}
}

// TestCheckpointNotStored makes the file of all checkpoints unwritable: the one
// before stays published.
func TestCheckpointNotStored(t *testing.T) {
	dir, r := newRegistrar(t)
	first := checkpoint(t, r, testTime)
	fakeAdmit(t, r, 0)
	path := filepath.Join(dir, checkpointsFile)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Checkpoint(context.Background(), testTime, nil); !errors.Is(err, ErrNotRecorded) {
		t.Fatalf("%v; want ErrNotRecorded", err)
	}
	if r.Published() != first {
		t.Error("another checkpoint is published")
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if c := checkpoint(t, r, testTime); c.Sequence != 1 {
		t.Errorf("sequence %d, expected 1", c.Sequence)
	}
	reopen(t, dir, r)
}
