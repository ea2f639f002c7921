package threshold

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/threshold/frost"
)

// The kill test runs this test binary again, as a participant that serves. The parent
// kills it at random moments, and starts it again.
const childDir = "ZKKEX_TEST_THRESHOLD_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	d, err := Open(dir)
	if err == nil {
		err = d.Serve(context.Background(), func(context.Context, *Request) error {
			os.Stdout.WriteString("asked\n")
			return nil
		}, quiet)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// startChild starts a participant that serves, and returns once it was asked to sign.
func startChild(dir string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := child.Start(); err != nil {
		return nil, err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		return nil, errors.Join(err, child.Wait())
	}
	return child, nil
}

// kill ends a child, which must not have ended by itself.
func kill(child *exec.Cmd) error {
	child.Process.Kill()
	if err := child.Wait(); child.ProcessState.Exited() {
		return fmt.Errorf("the process ended by itself: %w", err)
	}
	return nil
}

// kills is how often a participant is killed; ZKKEX_DEEP=1 asks for more.
func kills() int {
	if os.Getenv("ZKKEX_DEEP") != "" {
		return 300
	}
	return 24
}

func TestKillNeverReusesNonces(t *testing.T) {
	c := newClub(t, 2, 2, 0).relay().generate()
	ctx, stop := context.WithCancel(t.Context())
	signed, ended := 0, make(chan error, 1)
	go func() { // alice asks again and again, also while bob is dead
		for {
			if _, err := c.open(0).Sign(ctx, certificate(byte(signed)), quiet); err != nil && !errors.Is(err, ErrTooFew) {
				ended <- err
				return
			}
			signed++
		}
	}()
	for range kills() {
		child, err := startChild(c.dirs[1])
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(40_000)) * time.Microsecond)
		if err := kill(child); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	// After all that, the two sign.
	c.serve(yes, 1)
	c.mustSign(0, certificate(0))
	shares := checkNonces(t, c, 1)
	t.Logf("%d signatures, %d shares of bob's, %d kills", signed+1, shares, kills())
	if shares == 0 {
		t.Error("bob never signed")
	}
}

// checkNonces fails the test if a participant has answered two packages with one
// commitment, and returns how many it answered.
func checkNonces(t *testing.T, c *club, place int) (shares int) {
	t.Helper()
	twice, shares, err := reused(c.open(place), c.via)
	if err != nil {
		t.Fatal(err)
	}
	if len(twice) > 0 {
		t.Errorf("nonces that signed twice: %q", twice)
	}
	return shares
}

// reused reads the messages of all sessions, as a participant can, and returns
// commitments of its own with which it has answered more than one package.
func reused(d *Dir, via string) (twice []string, shares int, err error) {
	requests, err := readTopic(d, via, requestsTopic(d.setup))
	if err != nil {
		return nil, 0, err
	}
	topics, err := filepath.Glob(filepath.Join(via, sessionPrefix+"*"))
	if err != nil {
		return nil, 0, err
	}
	used := make(map[string]bool)
	for _, path := range topics {
		topic := filepath.Base(path)
		messages, err := readTopic(d, via, topic)
		if err != nil {
			return nil, 0, err
		}
		s := openSession(d, requests, topic)
		if s == nil {
			return nil, 0, fmt.Errorf("no request of %s", topic)
		}
		answers := 0
		for commitment, n := range answered(s, messages, d.self) {
			if answers += n; n > 1 || used[commitment] {
				twice = append(twice, commitment)
			}
			used[commitment] = true
		}
		shares += answers
	}
	return twice, shares, nil
}

// answered counts, for each commitment of a participant's, the packages with it that
// it has answered in a session.
func answered(s *session, messages []*message, who sender) map[string]int {
	packs := make(map[[32]byte]string) // to the participant's commitment in it
	for _, m := range messages {
		if m.kind != kindPackage {
			continue
		}
		text, err := s.open(m.kind, m.from, m.body)
		if err != nil {
			continue
		}
		list, err := parsePackage(text)
		if err != nil {
			continue
		}
		for _, l := range list {
			if l.ID == who.participant() {
				packs[sha256.Sum256(text)] = string(appendCommitment(nil, l))
			}
		}
	}
	times := make(map[string]int)
	seen := make(map[[32]byte]bool)
	for _, m := range messages {
		if m.kind != kindShare || m.from != who {
			continue
		}
		text, err := s.open(m.kind, m.from, m.body)
		if err != nil {
			continue
		}
		share, err := parseShareText(who.participant(), text)
		if err != nil || seen[share.pack] {
			continue
		}
		seen[share.pack] = true
		times[packs[share.pack]]++
	}
	return times
}

// readTopic returns the members' messages under a topic.
func readTopic(d *Dir, via, topic string) (messages []*message, err error) {
	board, err := NewFolder(via)
	if err != nil {
		return nil, err
	}
	f := board.Follow(topic)
	for {
		b, err := f.Next(context.Background(), false)
		if err != nil || b == nil {
			return messages, err
		}
		if m, err := d.setup.open(b); err == nil {
			messages = append(messages, m)
		}
	}
}

// openSession opens the session of a topic.
func openSession(d *Dir, requests []*message, topic string) *session {
	for _, m := range requests {
		if sessionTopic(m.context) != topic {
			continue
		}
		s := &signing{dir: d, request: m}
		if err := s.understand(); err == nil {
			return s.session
		}
	}
	return nil
}

// The same check must notice a participant that has kept its nonces.
func TestKillCheckCatchesKeptNonces(t *testing.T) {
	c := newClub(t, 2, 2, 0).generate()
	alice, bob := c.open(0), c.open(1)
	group, own, err := bob.load()
	if err != nil {
		t.Fatal(err)
	}
	board, err := bob.board()
	if err != nil {
		t.Fatal(err)
	}
	s, request, err := alice.request(t.Context(), group, certificate(1))
	if err != nil {
		t.Fatal(err)
	}
	if err := board.Post(t.Context(), requestsTopic(c.setup), request.encode()); err != nil {
		t.Fatal(err)
	}
	kept, err := group.public.Commit(own.share)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		other, err := group.public.Commit(mustHold(t, alice).share)
		if err != nil {
			t.Fatal(err)
		}
		text := encodePackage([]frost.Commitment{other.Commitment(), kept.Commitment()})
		if err := alice.post(t.Context(), board, s, kindPackage, text); err != nil {
			t.Fatal(err)
		}
		share := &shareText{pack: sha256.Sum256(text), z: suite().Order(), next: kept.Commitment()}
		share.z.Sub(share.z, suite().Order())
		if err := bob.post(t.Context(), board, s, kindShare, share.encode()); err != nil {
			t.Fatal(err)
		}
	}
	twice, shares, err := reused(bob, c.via)
	if err != nil || shares != 2 || len(twice) != 1 || !strings.HasPrefix(twice[0], string(kept.Commitment().Hiding.Bytes())) {
		t.Errorf("%d shares, %d twice: %v", shares, len(twice), err)
	}
}
