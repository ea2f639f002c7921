package descriptor

import (
	"bufio"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// childEnv makes this test binary issue descriptors into the folder it names,
// until it is killed; faultEnv makes it sign what it did not commit to.
const (
	childEnv = "ZKKEX_TEST_ISSUE_INTO"
	faultEnv = "ZKKEX_TEST_ISSUE_WITHOUT_COMMITTING"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		os.Exit(issueForever(dir, os.Getenv(faultEnv) != ""))
	}
	os.Exit(m.Run())
}

// telltale is a signing key that says what it signs before it does.
type telltale struct{ ed25519.PrivateKey }

func (k telltale) Sign(r io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if d, err := Parse(message); err == nil {
		fmt.Printf("signs %d %v\n", d.Number, DigestOf(message))
		time.Sleep(time.Millisecond) // long enough to be killed in
	}
	return k.PrivateKey.Sign(r, message, opts)
}

func telltaleSigner() (*Signer, error) {
	seed := sha256.Sum256([]byte("zkkex test venue"))
	return NewSigner(testVenue, telltale{ed25519.NewKeyFromSeed(seed[:])})
}

// issueForever is the child. Time goes on by an hour with every descriptor.
func issueForever(dir string, fault bool) int {
	signer, err := telltaleSigner()
	if err != nil {
		return fail(err)
	}
	fmt.Println("open")
	s, err := OpenStore(dir, signer)
	if err != nil {
		return fail(err)
	}
	if fault {
		s.commit = func(string, []byte) error { return nil }
	}
	for {
		now := testTime
		if latest := s.Latest(); latest != nil {
			now = latest.NotBefore.Add(time.Hour)
		}
		d, err := s.Rotate(now, testTerms())
		if err != nil {
			return fail(err)
		}
		fmt.Printf("issued %d %v\n", d.Number, d.Digest())
		if d.Number%5 == 0 {
			if _, err := s.Raise(now.Add(time.Minute), testTerms()); err != nil {
				return fail(err)
			}
		}
	}
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// ledger is what children said.
type ledger struct {
	signed map[uint64]map[string]bool
	issued map[uint64]string
}

func newLedger() *ledger {
	return &ledger{signed: make(map[uint64]map[string]bool), issued: make(map[uint64]string)}
}

// twice returns the numbers under which two different texts were signed.
func (l *ledger) twice() (out []uint64) {
	for n, digests := range l.signed {
		if len(digests) > 1 {
			out = append(out, n)
		}
	}
	return out
}

// runAndKill runs a child until it is killed at a random moment.
func (l *ledger) runAndKill(t *testing.T, dir string, env ...string) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(append(os.Environ(), childEnv+"="+dir), env...)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || line != "open\n" {
		t.Fatalf("child said %q, %v", line, err)
	}
	// Half of the children are killed at a time, which may be while they open the
	// folder; the others after some lines, on whatever disk.
	kill := func(within time.Duration) {
		time.AfterFunc(rand.N(within), func() { _ = child.Process.Kill() }) // it cannot have ended by itself
	}
	heard, enough := 0, 1+rand.IntN(6)
	if rand.IntN(2) == 0 {
		kill(100 * time.Millisecond)
		enough = -1
	}
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		l.note(t, line)
		if heard++; heard == enough {
			kill(5 * time.Millisecond)
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.Exited() {
		t.Fatalf("the child ended by itself: %v", err)
	}
}

func (l *ledger) note(t *testing.T, line string) {
	t.Helper()
	var what, digest string
	var n uint64
	if _, err := fmt.Sscanf(line, "%s %d %s\n", &what, &n, &digest); err != nil {
		t.Fatalf("child said %q: %v", line, err)
	}
	if what == "issued" {
		l.issued[n] = digest
		return
	}
	if l.signed[n] == nil {
		l.signed[n] = make(map[string]bool)
	}
	l.signed[n][digest] = true
}

// check opens the folder after a kill: everything issued is there, with its
// prekeys, and nothing else is left over.
func (l *ledger) check(t *testing.T, dir string) {
	t.Helper()
	s, err := OpenStore(dir, testSigner(t, "zkkex test venue"))
	if err != nil {
		t.Fatalf("after %d descriptors: %v", len(l.issued), err)
	}
	defer s.Close()
	for n, digest := range l.issued {
		if d := s.history.byNumber(n); d == nil || d.Digest().String() != digest {
			t.Fatalf("descriptor %d was issued and is not there: %v", n, d)
		}
	}
	if latest := s.Latest(); latest != nil {
		l.note(t, fmt.Sprintf("signs %d %v\n", latest.Number, latest.Digest()))
		if keys := s.prekeys[latest.Number]; keys == nil || !keys.matches(&latest.Descriptor) {
			t.Fatalf("descriptor %d has no prekeys", latest.Number)
		}
	}
	for _, folder := range []string{"", signedFolder, prekeyFolder} {
		for _, name := range files(t, filepath.Join(dir, folder)) {
			if strings.HasPrefix(name, ".") || name == pendingFile {
				t.Fatalf("%s is left over", name)
			}
		}
	}
}

// TestKill kills a process that issues descriptors, at random moments. No two
// texts are ever signed under one number. ZKKEX_DEEP=1 kills it 400 times.
func TestKill(t *testing.T) {
	kills := 40
	if os.Getenv("ZKKEX_DEEP") != "" {
		kills = 400
	}
	dir, l := t.TempDir(), newLedger()
	completed := 0
	for range kills {
		l.runAndKill(t, dir)
		if _, err := os.Stat(filepath.Join(dir, pendingFile)); err == nil {
			completed++
		}
		l.check(t, dir)
		if twice := l.twice(); len(twice) > 0 {
			t.Fatalf("two texts were signed under the numbers %v", twice)
		}
	}
	if len(l.issued) < kills/4 || completed == 0 {
		t.Fatalf("%d descriptors in %d runs, %d interrupted while signing; the test shows nothing", len(l.issued), kills, completed)
	}
	t.Logf("%d kills, %d descriptors, %d interrupted between commitment and end", kills, len(l.issued), completed)
}

// The planted fault: a store that does not commit before it signs is caught.
func TestKillFindsMissingCommitment(t *testing.T) {
	dir, l := t.TempDir(), newLedger()
	for range 60 {
		l.runAndKill(t, dir, faultEnv+"=1")
		if len(l.twice()) > 0 {
			return
		}
	}
	t.Fatal("nothing was committed to, and no two texts were signed under one number; the test shows nothing")
}

// A write can fail at each place. Whatever happens, the next attempt completes
// what was committed to.
func TestCommitThatFails(t *testing.T) {
	dir, s := newStore(t)
	commit, full := s.commit, errors.New("the disk is full")
	s.commit = func(string, []byte) error { return full }
	if _, err := s.Rotate(testTime, testTerms()); !errors.Is(err, full) {
		t.Fatalf("%v; want the disk's error", err)
	}
	if got := files(t, filepath.Join(dir, signedFolder)); len(got) != 0 {
		t.Fatalf("signed without a commitment: %v", got)
	}
	s.commit = func(path string, text []byte) error { return errors.Join(commit(path, text), full) }
	if _, err := s.Rotate(testTime, testTerms()); !errors.Is(err, full) {
		t.Fatalf("%v; want the disk's error", err)
	}
	committed := read(t, filepath.Join(dir, pendingFile))
	s.commit = commit
	if d := mustRotate(t, s, testTime, testTerms()); string(d.text) != string(committed) {
		t.Error("signed another text than the one that may be durable")
	}
}
