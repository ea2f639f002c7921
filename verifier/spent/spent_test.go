package spent_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/verifier/spent"
	"github.com/zkkex/zkkex/verifier/spent/spenttest"
)

// spenderEnv makes this test binary spend entries 0, 1, 2, ... in the store it
// names, and print the number of each that it was the one to spend.
const (
	spenderEnv = "ZKKEX_TEST_SPENDER"
	countEnv   = "ZKKEX_TEST_SPENDER_COUNT"
	// limitEnv makes it spend in the store it names while no file can grow.
	limitEnv = "ZKKEX_TEST_NO_ROOM"
)

// children are what this test binary does instead of its tests, by the variable
// that names the store.
var children = map[string]func(dir string) error{spenderEnv: spendAll}

func TestMain(m *testing.M) {
	for env, child := range children {
		if dir := os.Getenv(env); dir != "" {
			if err := child(dir); err != nil {
				fmt.Println("error", err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

func end() time.Time { return time.Unix(1_800_000_000, 0) }

func spendAll(dir string) error {
	store, err := spent.OpenDir(dir)
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(os.Getenv(countEnv))
	if err != nil {
		return err
	}
	for n := range count {
		var spentErr *spent.SpentError
		err := store.Spend(context.Background(), spenttest.Entry("scope", n, end()))
		switch {
		case err == nil:
			fmt.Println(n)
		case !errors.As(err, &spentErr):
			return err
		}
	}
	return nil
}

func spender(t *testing.T, dir string, count int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), spenderEnv+"="+dir, fmt.Sprintf("%s=%d", countEnv, count))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func TestMemory(t *testing.T) {
	spenttest.Run(t, func(*testing.T) spent.Store { return spent.NewMemory() })
}

func TestDir(t *testing.T) {
	spenttest.Run(t, func(t *testing.T) spent.Store { return openDir(t, t.TempDir()) })
}

// openDir opens the store in a folder, made first if there is none.
func openDir(t *testing.T, dir string) *spent.Dir {
	t.Helper()
	if err := spent.Init(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	d, err := spent.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDirKeepsEntries(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	e := spenttest.Entry("scope", 1, end())
	if err := openDir(t, dir).Spend(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	var spentErr *spent.SpentError
	if err := openDir(t, dir).Spend(context.Background(), e); !errors.As(err, &spentErr) || spentErr.Presentation != e.Presentation {
		t.Fatalf("after reopening: %v, want the first entry", err)
	}
}

// TestProcessesRace has several processes spend the same nullifiers at once:
// each is won by exactly one.
func TestProcessesRace(t *testing.T) {
	const processes, count = 4, 150
	dir := t.TempDir()
	openDir(t, dir)
	var cmds []*exec.Cmd
	var outputs []*bufio.Scanner
	for range processes {
		cmd, out := spender(t, dir, count)
		cmds, outputs = append(cmds, cmd), append(outputs, out)
	}
	won := make(map[string]int)
	for i, out := range outputs {
		for out.Scan() {
			won[out.Text()]++
		}
		if err := cmds[i].Wait(); err != nil {
			t.Errorf("process %d: %v", i, err)
		}
	}
	for n := range count {
		if got := won[strconv.Itoa(n)]; got != 1 {
			t.Errorf("nullifier %d was won %d times, expected once", n, got)
		}
	}
	if len(won) != count {
		t.Errorf("%d lines, expected %d: %v", len(won), count, won)
	}
}

// TestKill kills a spending process at random moments, of every other one of its
// beginning and of the rest of its work: what it had acknowledged is spent, and the
// store works on.
func TestKill(t *testing.T) {
	const rounds, count = 12, 1 << 20
	dir := t.TempDir()
	openDir(t, dir)
	acknowledged := make(map[string]bool)
	for round := range rounds {
		cmd, out := spender(t, dir, count)
		kill := sync.OnceFunc(func() {
			time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		})
		if round%2 == 0 {
			kill()
		}
		for out.Scan() {
			kill()
			if acknowledged[out.Text()] {
				t.Fatalf("round %d: nullifier %s was spent a second time", round, out.Text())
			}
			if strings.HasPrefix(out.Text(), "error") {
				t.Fatalf("round %d: %s", round, out.Text())
			}
			acknowledged[out.Text()] = true
		}
		if err := cmd.Wait(); err == nil {
			t.Fatalf("round %d: the process ended before it was killed", round)
		}
	}
	if len(acknowledged) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	store := openDir(t, dir)
	for n := range acknowledged {
		i, err := strconv.Atoi(n)
		if err != nil {
			t.Fatal(err)
		}
		var spentErr *spent.SpentError
		if err := store.Spend(context.Background(), spenttest.Entry("scope", i, end())); !errors.As(err, &spentErr) {
			t.Fatalf("nullifier %s was acknowledged, and now: %v", n, err)
		}
	}
	t.Logf("%d acknowledged in %d rounds", len(acknowledged), rounds)
	if _, err := store.Prune(context.Background(), end()); err != nil {
		t.Fatal(err)
	}
	var left []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			left = append(left, d.Name())
		}
		return err
	})
	if err != nil || strings.Join(left, " ") != "closed end zkkex-spent" {
		t.Fatalf("after pruning there are %q (%v), expected no entry and no temporary file", left, err)
	}
}

// TestStoreIsMadeOnce is about the folder of a volume that is not mounted: it
// must not pass for a store in which nothing is spent.
func TestStoreIsMadeOnce(t *testing.T) {
	empty := t.TempDir()
	interrupted := t.TempDir()
	if err := os.WriteFile(filepath.Join(interrupted, ".zkkex-spent.tmp-1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{
		"missing": filepath.Join(t.TempDir(), "a", "b"), "empty": empty, "making it was interrupted": interrupted,
	} {
		if _, err := spent.OpenDir(dir); !errors.Is(err, spent.ErrMissing) || !strings.Contains(err.Error(), "first time") {
			t.Errorf("%s: opened: %v, want %v", name, err, spent.ErrMissing)
		}
		if err := spent.Init(dir); err != nil {
			t.Errorf("%s: made: %v", name, err)
		}
		store, err := spent.OpenDir(dir)
		if err != nil {
			t.Fatalf("%s: opened after it was made: %v", name, err)
		}
		for _, used := range []string{"without entries", "with entries"} {
			if err := spent.Init(dir); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s, %s: made again: %v, want %v", name, used, err, fs.ErrExist)
			}
			if err := store.Spend(context.Background(), spenttest.Entry(used, 0, end())); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if _, err := spent.OpenDir(dir); !errors.Is(err, spent.ErrMissing) {
			t.Errorf("%s: opened after it went: %v, want %v", name, err, spent.ErrMissing)
		}
	}
}

func TestDirRefusesOtherFolders(t *testing.T) {
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "thesis.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	otherVersion := t.TempDir()
	if err := os.WriteFile(filepath.Join(otherVersion, "zkkex-spent"), []byte("zkkex/v2 spent\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"a folder with other files": foreign, "another version": otherVersion} {
		if _, err := spent.OpenDir(dir); !errors.Is(err, spent.ErrNotStore) {
			t.Errorf("%s: %v, want %v", name, err, spent.ErrNotStore)
		}
	}
	if err := spent.Init(foreign); !errors.Is(err, spent.ErrNotStore) {
		t.Errorf("a store made beside other files: %v, want %v", err, spent.ErrNotStore)
	}
	if err := spent.Init(otherVersion); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a store made in another version's: %v, want %v", err, fs.ErrExist)
	}
	if _, err := spent.OpenDir(filepath.Join(foreign, "thesis.txt")); err == nil {
		t.Error("a file was opened as a store")
	}
}

// TestDirFailsClosed breaks a store in many ways: it never says that a
// nullifier is unspent.
func TestDirFailsClosed(t *testing.T) {
	scope := spenttest.Entry("scope", 0, end()).Scope.String()
	for name, breakIt := range map[string]func(dir string) error{
		"store removed":       os.RemoveAll,
		"shard is a file":     func(dir string) error { return replace(filepath.Join(dir, scope), "") },
		"end is damaged":      func(dir string) error { return replace(filepath.Join(dir, scope, "end"), "180000000x\n") },
		"end is another":      func(dir string) error { return replace(filepath.Join(dir, scope, "end"), "1800000001\n") },
		"end has a plus sign": func(dir string) error { return replace(filepath.Join(dir, scope, "end"), "+1800000000\n") },
		"end is a folder":     func(dir string) error { return folder(filepath.Join(dir, scope, "end")) },
	} {
		dir := filepath.Join(t.TempDir(), "store")
		store := openDir(t, dir)
		if err := store.Spend(context.Background(), spenttest.Entry("scope", 0, end())); err != nil {
			t.Fatal(err)
		}
		if err := breakIt(dir); err != nil {
			t.Fatal(err)
		}
		for n := range 2 {
			if err := store.Spend(context.Background(), spenttest.Entry("scope", n, end())); err == nil {
				t.Errorf("%s: entry %d was spent", name, n)
			}
		}
	}
}

// TestDamagedEntryIsSpent empties an entry: that it is there decides.
func TestDamagedEntryIsSpent(t *testing.T) {
	dir := t.TempDir()
	store := openDir(t, dir)
	e := spenttest.Entry("scope", 0, end())
	if err := store.Spend(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	if err := replace(filepath.Join(dir, e.Scope.String(), e.Nullifier.String()), ""); err != nil {
		t.Fatal(err)
	}
	var spentErr *spent.SpentError
	if err := store.Spend(context.Background(), e); !errors.As(err, &spentErr) || spentErr.Presentation != [32]byte{} {
		t.Errorf("%v, want *SpentError with a digest of zeros", err)
	}
	if err := store.Lookup(context.Background(), e); !errors.As(err, &spentErr) {
		t.Errorf("looked up: %v, want *SpentError", err)
	}
}

func replace(path, content string) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o600)
}

func folder(path string) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return os.Mkdir(path, 0o700)
}
