package ceremony_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/params"
)

// killedIn names, in the environment of a child, the folder in which it works
// until it is killed.
const killedIn = "ZKKEX_TEST_KILLED_IN"

// A process that is killed while it contributes, closes or seals leaves behind
// what was there, or that and one more file, complete; and the next one goes on.
func TestKilled(t *testing.T) {
	ceremonytest.Small(t)
	if dir := os.Getenv(killedIn); dir != "" {
		workUntilKilled(t, dir)
	}
	ceremonies, sets := 0, 0
	for i := range 10 {
		dir := t.TempDir()
		runAndKill(t, dir, time.Duration(i)*9*time.Millisecond)
		c, s := inspect(t, dir)
		ceremonies, sets = ceremonies+c, sets+s
	}
	if ceremonies < 10 {
		t.Errorf("%d ceremonies and %d sets were made before the kills", ceremonies, sets)
	}
}

// runAndKill runs this test as a child, and kills it some time after it began a
// ceremony.
func runAndKill(t *testing.T, dir string, after time.Duration) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	child.Env = append(os.Environ(), killedIn+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "begun\n" {
		t.Errorf("the child says %q, %v", line, err)
	}
	time.Sleep(after)
	if err := child.Process.Kill(); err != nil {
		t.Error(err)
	}
	_, _ = io.Copy(io.Discard, out)
	if err := child.Wait(); err == nil {
		t.Error("the child ended before it was killed")
	}
}

// workUntilKilled makes one ceremony after another.
func workUntilKilled(t *testing.T, dir string) {
	for i := 0; ; i++ {
		at := filepath.Join(dir, fmt.Sprint("ceremony-", i))
		c, err := ceremony.Init(ctx, at, ceremony.Options{Circuit: ceremonytest.Circuit, Name: "test", Kind: params.Dev, Created: ceremonytest.Created}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			fmt.Println("begun")
		}
		for range 2 {
			if _, err := c.Contribute(ctx, ceremony.Contributor{Name: "child"}, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Beacon(ctx, ceremonytest.BeaconSource, ceremonytest.BeaconValue, nil); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Seal(ctx, filepath.Join(dir, fmt.Sprint("set-", i)), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// inspect verifies what a killed child left, goes on with its last ceremony, and
// counts ceremonies and sets.
func inspect(t *testing.T, dir string) (ceremonies, sets int) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		at := filepath.Join(dir, entry.Name())
		switch {
		case strings.HasPrefix(entry.Name(), "."): // a folder that was not finished
		case strings.HasPrefix(entry.Name(), "ceremony-"):
			ceremonies++
			finish(t, at)
		default:
			sets++
			sealedWhole(t, at)
		}
	}
	return ceremonies, sets
}

// finish verifies a ceremony and brings it to its end.
func finish(t *testing.T, dir string) {
	t.Helper()
	c := open(t, dir)
	c.Forget()
	verify(t, c)
	for s := c.Status(); !s.Complete(); s = c.Status() {
		var err error
		if s.Closable() {
			_, err = c.Beacon(ctx, ceremonytest.BeaconSource, ceremonytest.BeaconValue, nil)
		} else {
			_, err = c.Contribute(ctx, ceremony.Contributor{Name: "after"}, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// sealedWhole checks that a set has all of its files.
func sealedWhole(t *testing.T, dir string) {
	t.Helper()
	m, err := params.ParseManifest(readFile(t, filepath.Join(dir, params.ManifestFile)))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]params.File{
		params.ProvingKeyFile:   m.ProvingKey,
		params.VerifyingKeyFile: m.VerifyingKey,
		params.TranscriptFile:   m.Ceremony.Transcript,
	} {
		if params.Describe(readFile(t, filepath.Join(dir, name))) != want {
			t.Errorf("%s of a set is not whole", name)
		}
	}
}
