package ceremony_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
)

func verify(t *testing.T, c *ceremony.Ceremony) *ceremony.Verified {
	t.Helper()
	v, err := c.Verify(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVerifiedIsRemembered(t *testing.T) {
	ceremonytest.Small(t)
	dir := ceremonytest.Three.Make(t)
	if v := verify(t, open(t, dir)); v.Remembered != 8 {
		t.Errorf("%d files remembered by who made them, expected 8", v.Remembered)
	}
	c := open(t, dir)
	c.Forget()
	if v := verify(t, c); v.Remembered != 0 {
		t.Errorf("%d files remembered after all was forgotten", v.Remembered)
	}
	ceremonytest.Cache(t)
	for _, want := range []int{0, 8} {
		if v := verify(t, open(t, dir)); v.Remembered != want {
			t.Errorf("%d files remembered, expected %d", v.Remembered, want)
		}
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if v := verify(t, open(t, dir)); v.Remembered != 0 {
		t.Errorf("%d files remembered where there is no place for it", v.Remembered)
	}
}

// faulty returns the folder of a ceremony whose sixth file is Mallory's.
func faulty(t *testing.T, dir string) *ceremony.Ceremony {
	t.Helper()
	chain := ceremonytest.Read(t, os.DirFS(dir))
	for _, fault := range ceremonytest.Faults() {
		if fault.Check == mpc.CheckZ {
			chain.Plant(t, 6, fault.Apply(t, chain.Definition, chain.Links[5].Payload))
		}
	}
	return open(t, ceremonytest.Write(t, chain.Files(t)))
}

// What failed is not remembered, and a remembered beginning does not cover for
// what comes after it.
func TestFaultsAreNotRemembered(t *testing.T) {
	ceremonytest.Small(t)
	c := faulty(t, ceremonytest.Three.Make(t))
	for range 2 {
		_, err := c.Verify(ctx, nil)
		refused(t, "again", err, ceremony.FileError{File: ceremony.FileName(6), Number: 6, Contributor: "Bob", Check: mpc.CheckZ})
	}
}

// Nobody but the user's own machine says what was verified: not the ceremony's
// folder, not another version, and nothing but a regular file.
func TestOthersCannotSayWhatWasVerified(t *testing.T) {
	ceremonytest.Small(t)
	dir := ceremonytest.Three.Make(t)
	own := ceremonytest.Cache(t)
	c := faulty(t, dir)
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, c.FS()); err != nil {
		t.Fatal(err)
	}
	last := c.Status().Entries[7].Digest.String()
	for _, place := range []string{
		filepath.Join(copied, ".zkkex", "ceremony", "v1", last),
		filepath.Join(copied, ".cache", "zkkex", "ceremony", "v1", last),
		filepath.Join(own, "zkkex", "ceremony", "v0", last),
		filepath.Join(own, "zkkex", "ceremony", last),
	} {
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(own, "zkkex", "ceremony", "v1", last), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, copied).Verify(ctx, nil)
	refused(t, "claimed", err, ceremony.FileError{File: ceremony.FileName(6), Number: 6, Contributor: "Bob", Check: mpc.CheckZ})
	// The test can fail: a regular file in the own cache is believed.
	if err := os.Remove(filepath.Join(own, "zkkex", "ceremony", "v1", last)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(own, "zkkex", "ceremony", "v1", last), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if v := verify(t, open(t, copied)); v.Remembered != 8 {
		t.Errorf("%d files remembered, expected 8", v.Remembered)
	}
}
