//go:build unix

package spent_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zkkex/zkkex/verifier/spent"
	"github.com/zkkex/zkkex/verifier/spent/spenttest"
)

// limitEnv makes this test binary run [spendWithoutRoom] on the store it names.
const limitEnv = "ZKKEX_TEST_NO_ROOM"

// TestDiskFull has a process in which no file can grow, as on a full disk. It
// spends nothing and says so; later the same nullifiers can be spent.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := openDir(t, dir).Spend(context.Background(), spenttest.Entry("scope", 0, end())); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	child := exec.Command(os.Args[0], "-test.run", "^TestSpendWithoutRoom$")
	child.Env = append(os.Environ(), limitEnv+"="+dir)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if after := files(t, dir); after != before {
		t.Errorf("%d files before, %d after", before, after)
	}
	store := openDir(t, dir)
	for name, e := range map[string]spent.Entry{
		"known scope": spenttest.Entry("scope", 1, end()), "new scope": spenttest.Entry("other", 1, end()),
	} {
		if err := store.Spend(context.Background(), e); err != nil {
			t.Errorf("%s, with room again: %v", name, err)
		}
	}
}

// TestSpendWithoutRoom is the child of TestDiskFull, and trivial otherwise.
func TestSpendWithoutRoom(t *testing.T) {
	dir := os.Getenv(limitEnv)
	if dir == "" {
		dir = t.TempDir()
		if err := openDir(t, dir).Spend(context.Background(), spenttest.Entry("scope", 0, end())); err != nil {
			t.Fatal(err)
		}
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	none := unix.Rlimit{Cur: 0, Max: was.Max}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &none); err != nil {
		t.Fatal(err)
	}
	store := openDir(t, dir)
	known := store.Spend(context.Background(), spenttest.Entry("scope", 1, end()))
	other := store.Spend(context.Background(), spenttest.Entry("other", 1, end()))
	again := store.Spend(context.Background(), spenttest.Entry("scope", 0, end()))
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	var spentErr *spent.SpentError
	for name, err := range map[string]error{"known scope": known, "new scope": other} {
		if err == nil || errors.As(err, &spentErr) {
			t.Errorf("%s: %v, want an undecided error", name, err)
		}
	}
	if again == nil {
		t.Error("a spent nullifier was spent again")
	}
}

func files(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
