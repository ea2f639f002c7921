//go:build unix

package registrar

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zkkex/zkkex/registry"
)

func init() { childParts["file-limit"] = admitToFileLimit }

// TestFileLimit runs into a limit of the operating system on the journal's
// size, which behaves as a full disk does, in a process of its own.
func TestFileLimit(t *testing.T) {
	dir, r := newRegistrar(t)
	fakeAdmit(t, r, 0)
	mustClose(t, r)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"=file-limit", childDirEnv+"="+dir)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r = mustOpen(t, dir)
	if r.Report().Repaired() || r.Sequence() != 4 {
		t.Errorf("%d operations, %v; expected 4 and no repair", r.Sequence(), r.Report())
	}
}

// admitToFileLimit is the child: three records fit, a fourth in part.
func admitToFileLimit(dir string) int {
	if err := runIntoFileLimit(dir); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func runIntoFileLimit(dir string) error {
	r, err := Open(dir)
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	limit := unix.Rlimit{Cur: uint64(offsetOf(3) + 100), Max: was.Max}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	admit := func(n uint64) (Receipt, error) {
		req := admission(fakeCandidate(n))
		r.submit(testTime, req)
		return req.result, req.err
	}
	for n := uint64(1); n < 3; n++ {
		if _, err := admit(n); err != nil {
			return err
		}
	}
	root := r.Root()
	for range 2 {
		if _, err := admit(3); !errors.Is(err, ErrNotRecorded) || !errors.Is(err, syscall.EFBIG) {
			return fmt.Errorf("beyond the limit: %v; want ErrNotRecorded and EFBIG", err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, journalFile))
	if err != nil {
		return err
	}
	if info.Size() != offsetOf(3) || r.Root() != root || r.Sequence() != 3 {
		return fmt.Errorf("after the refusal: %d bytes, %d operations; expected %d and 3", info.Size(), r.Sequence(), offsetOf(3))
	}
	// With room again, the same process goes on.
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	receipt, err := admit(3)
	if err != nil {
		return err
	}
	if want := (registry.Operation{Kind: registry.Admit, KeyType: 1, Index: 3, Leaf: fakeCandidate(3).leaf}); receipt.Operation != want {
		return fmt.Errorf("recorded %+v, expected %+v", receipt.Operation, want)
	}
	return r.Close()
}
