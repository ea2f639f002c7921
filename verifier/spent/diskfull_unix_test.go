//go:build unix

package spent_test

import (
	"context"
	"errors"
	"fmt"
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

// TestDiskFull has a process in which no file can grow, as on a full disk. It
// spends nothing and says so; later the same nullifiers can be spent.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := openDir(t, dir).Spend(context.Background(), spenttest.Entry("scope", 0, end())); err != nil {
		t.Fatal(err)
	}
	before := files(t, dir)
	child := exec.Command(os.Args[0])
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

func init() { children[limitEnv] = spendWithoutRoom }

// spendWithoutRoom is the child of TestDiskFull: in a process of its own,
// because the limit holds for every file that the process writes.
func spendWithoutRoom(dir string) error {
	store, err := spent.OpenDir(dir)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = 0
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	ctx := context.Background()
	var spentErr *spent.SpentError
	for _, scope := range []string{"scope", "other"} {
		if err := store.Spend(ctx, spenttest.Entry(scope, 1, end())); err == nil || errors.As(err, &spentErr) {
			return fmt.Errorf("scope %q: %v, want an undecided error", scope, err)
		}
	}
	if err := store.Spend(ctx, spenttest.Entry("scope", 0, end())); err == nil {
		return errors.New("a spent nullifier was spent again")
	}
	return nil
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
