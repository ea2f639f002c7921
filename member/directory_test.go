package member

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/slots"
)

const passphrase = "a long passphrase"

func ask() (string, error) { return passphrase, nil }

func TestNothingIsOverwritten(t *testing.T) {
	dir := newHome(t)
	before, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if err := CreateWithUnencryptedKey(dir, s, slots.Range{}, time.Now()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over a key: %v; want fs.ErrExist", err)
	}
	// A count of slots without its key belongs to a key that was moved.
	if err := os.Remove(filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	if err := CreateWithUnencryptedKey(dir, s, slots.Range{}, time.Now()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create over slots: %v; want fs.ErrExist", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "key"), before, 0o600); err != nil {
		t.Fatal(err)
	}
	openHome(t, dir)
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // it keeps no such modes
	}
	dir := newHome(t)
	for name, want := range map[string]fs.FileMode{".": 0o700, "key": 0o600, "config.json": 0o600, "slots": 0o700} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrDirectoryMode) {
		t.Errorf("a directory that others can write to: %v; want ErrDirectoryMode", err)
	}
}

func TestOpenWithoutAKey(t *testing.T) {
	for name, dir := range map[string]string{"nothing": filepath.Join(t.TempDir(), "none"), "empty": t.TempDir()} {
		if err := os.Chmod(filepath.Dir(dir), 0o700); err != nil {
			t.Fatal(err)
		}
		if name == "empty" {
			if err := os.Chmod(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Open(dir, Options{}); !errors.Is(err, ErrNoKey) {
			t.Errorf("%s: %v; want ErrNoKey", name, err)
		}
	}
}

func TestBackupAndRestore(t *testing.T) {
	dir, saved := newHome(t), filepath.Join(t.TempDir(), "backup")
	m := openHome(t, dir)
	r := serveRegistry(t, nil)
	id := r.trustedBy(m)
	if err := m.Backup(saved, passphrase); err != nil {
		t.Fatal(err)
	}
	if err := m.Backup(saved, passphrase); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Backup over a file: %v; want fs.ErrExist", err)
	}
	if err := Restore(dir, saved, ask, slots.Range{}, time.Now()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Restore over a key: %v; want fs.ErrExist", err)
	}

	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	wrong := func() (string, error) { return "another", nil }
	if err := Restore(elsewhere, saved, wrong, slots.Range{}, time.Now()); !errors.Is(err, keys.ErrPassphrase) {
		t.Errorf("Restore with a wrong passphrase: %v; want ErrPassphrase", err)
	}
	if _, err := os.Stat(filepath.Join(elsewhere, "key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a wrong passphrase left a key: %v", err)
	}
	if err := Restore(elsewhere, saved, ask, slots.Range{First: 4, Count: 4}, time.Now()); err != nil {
		t.Fatal(err)
	}
	restored := openHome(t, elsewhere)
	if *restored.Public() != *m.Public() || !restored.Encrypted() {
		t.Error("another key came back")
	}
	if _, err := restored.SlotsLeft(claim(t, restored, id, 8)); !errors.Is(err, slots.ErrRestored) {
		t.Errorf("slots of today after a restore: %v; want ErrRestored", err)
	}
	info, err := restored.Slots()
	if err != nil || info.Range != (slots.Range{First: 4, Count: 4}) || info.Recovered.IsZero() {
		t.Errorf("Slots: %+v, %v", info, err)
	}
}

// A directory that is put together from a key and old slots is refused.
func TestCopiedDirectory(t *testing.T) {
	dir := newHome(t)
	copied := filepath.Join(t.TempDir(), "copied")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Chmod(copied, 0o700), os.Chmod(filepath.Join(copied, "key"), 0o600)); err != nil {
		t.Fatal(err)
	}
	m := openHome(t, copied)
	if _, err := m.Slots(); !errors.Is(err, slots.ErrCopied) {
		t.Fatalf("copied slots: %v; want ErrCopied", err)
	}
	if err := Recover(copied, slots.Range{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if info, err := m.Slots(); err != nil || info.Recovered.IsZero() {
		t.Errorf("after Recover: %+v, %v", info, err)
	}
}

func TestFindRegistry(t *testing.T) {
	m := openHome(t, newHome(t))
	if _, err := m.Find(""); !errors.Is(err, ErrNoRegistry) {
		t.Errorf("none: %v; want ErrNoRegistry", err)
	}
	first, second := serveRegistry(t, nil), serveRegistry(t, nil)
	id := first.trustedBy(m)
	for _, which := range []string{"", first.url, first.registrar.VerifierKey(), "registry.example/members", id.String()} {
		if got, err := m.Find(which); err != nil || got != id {
			t.Errorf("Find(%q): %v, %v; want %v", which, got, err, id)
		}
	}
	if _, err := m.Find("another"); !errors.Is(err, ErrNoRegistry) {
		t.Errorf("another: %v; want ErrNoRegistry", err)
	}
	second.trustedBy(m)
	for _, which := range []string{"", "registry.example/members"} {
		if _, err := m.Find(which); !errors.Is(err, ErrSeveralRegistries) {
			t.Errorf("Find(%q) of two: %v; want ErrSeveralRegistries", which, err)
		}
	}
	if got, err := m.Find(first.url); err != nil || got != id {
		t.Errorf("Find by address: %v, %v", got, err)
	}
	if _, err := m.Sync(t.Context(), zkkex.RegistryID{}); !errors.Is(err, ErrNoRegistry) {
		t.Errorf("Sync of an unknown registry: %v; want ErrNoRegistry", err)
	}
	// Trust again, at another address.
	if _, err := m.Trust(Registry{URL: "http://localhost:1", VerifierKey: first.registrar.VerifierKey()}); err != nil {
		t.Fatal(err)
	}
	if n := len(m.Registries()); n != 2 {
		t.Errorf("%d registries, want 2", n)
	}
}
