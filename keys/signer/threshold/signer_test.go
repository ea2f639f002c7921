package threshold

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
	"github.com/zkkex/zkkex/threshold"
)

// newGroup makes a group of 2 of 2 in folders, whose second member serves.
func newGroup(t *testing.T, approve func(context.Context, *threshold.Request) error) (dirs []string) {
	t.Helper()
	setup, via := &threshold.Setup{Threshold: 2}, t.TempDir()
	for _, name := range []string{"alice", "bob"} {
		dir := filepath.Join(t.TempDir(), name)
		m, err := threshold.Init(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		setup.Participants, dirs = append(setup.Participants, m), append(dirs, dir)
	}
	var wg sync.WaitGroup
	for _, dir := range dirs {
		if err := threshold.Join(dir, setup, via); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			if _, err := mustOpen(t, dir).Generate(t.Context(), func(string) {}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithCancel(context.Background())
	bob := mustOpen(t, dirs[1])
	wg.Go(func() {
		if err := bob.Serve(ctx, approve, func(string) {}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return dirs
}

func mustOpen(t *testing.T, dir string) *threshold.Dir {
	d, err := threshold.Open(dir)
	if err != nil {
		t.Error(err)
	}
	return d
}

func certificate() *envelope.Message {
	return &envelope.Message{Purpose: envelope.Certificate, Binding: zkkex.Binding{1}}
}

func TestSigner(t *testing.T) {
	dirs := newGroup(t, func(context.Context, *threshold.Request) error { return nil })
	var told []string
	s, err := signer.Open(t.Context(), "threshold:"+dirs[0], signer.Options{Notify: func(text string) { told = append(told, text) }})
	if err != nil {
		t.Fatal(err)
	}
	if s.KeyType() != zkkex.KeyEdDSA || s.Envelope() != envelope.EdDSA || !strings.Contains(s.Name(), "2 of 2") {
		t.Errorf("%v %v %s", s.KeyType(), s.Envelope(), s.Name())
	}
	sig, err := s.Sign(t.Context(), certificate())
	if err != nil {
		t.Fatal(err)
	}
	if err := envelope.EdDSA.Verify(zkkex.KeyEdDSA, s.PublicKey(), certificate(), sig.Bytes); err != nil {
		t.Error(err)
	}
	if len(told) == 0 {
		t.Error("nobody is told that participants are asked")
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Sign(t.Context(), certificate()); !errors.Is(err, signer.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestSignerRefused(t *testing.T) {
	dirs := newGroup(t, func(context.Context, *threshold.Request) error { return errors.New("no") })
	s, err := signer.Open(t.Context(), "threshold:"+dirs[0], signer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var fault *threshold.Fault
	if _, err := s.Sign(t.Context(), certificate()); !errors.Is(err, signer.ErrRefused) || !errors.As(err, &fault) || fault.Name != "bob" {
		t.Errorf("got %v", err)
	}
}

func TestSignerNotThere(t *testing.T) {
	if _, err := signer.Open(t.Context(), "threshold:"+t.TempDir(), signer.Options{}); !errors.Is(err, signer.ErrNoDevice) {
		t.Errorf("an empty folder: %v", err)
	}
	dir := filepath.Join(t.TempDir(), "alice")
	m, err := threshold.Init(dir, "alice")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Open(t.Context(), "threshold:"+dir, signer.Options{}); !errors.Is(err, threshold.ErrNoSetup) {
		t.Errorf("without a setup: %v", err)
	}
	other, err := threshold.Init(filepath.Join(t.TempDir(), "bob"), "bob")
	if err != nil {
		t.Fatal(err)
	}
	if err := threshold.Join(dir, &threshold.Setup{Threshold: 2, Participants: []threshold.Member{m, other}}, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Open(t.Context(), "threshold:"+dir, signer.Options{}); !errors.Is(err, signer.ErrNoKey) || !errors.Is(err, threshold.ErrNoGroup) {
		t.Errorf("without a group: %v", err)
	}
}
