package venue

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// childEnv makes this test binary keep the venue in the folder that it names going,
// until it is killed; startEnv says at which Unix time it begins.
const (
	childEnv = "ZKKEX_TEST_VENUE"
	startEnv = "ZKKEX_TEST_VENUE_TIME"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := rotateForever(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// rotateForever goes on by twenty minutes with every step, and by a generation with
// every seventh descriptor. It says what it has issued.
func rotateForever(dir string) error {
	var start int64
	if _, err := fmt.Sscan(os.Getenv(startEnv), &start); err != nil {
		return err
	}
	now := &clock{at: time.Unix(start, 0)}
	fmt.Println("open")
	v, err := Open(dir, Options{Now: now.now})
	if err != nil {
		return err
	}
	ctx := context.Background()
	// The registry's checkpoint stays, and is too old after twelve steps: a parent that
	// is slow to kill finds it waiting.
	for range 11 {
		if err := v.Maintain(ctx); err != nil {
			return err
		}
		if d := v.store.Latest(); d.Number%7 == 0 && d.Generation < uint32(d.Number/7) {
			if _, err := v.Raise(ctx); err != nil {
				return err
			}
		}
		d := v.store.Latest()
		fmt.Printf("issued %d %v\n", d.Number, d.Digest())
		now.add(20 * time.Minute)
	}
	select {}
}

// killed runs a child until it is killed, and returns what it said.
func (s *scene) killed() (issued map[uint64]string) {
	s.t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+s.dir, fmt.Sprintf("%s=%d", startEnv, s.clock.now().Unix()))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	s.must(err)
	s.must(child.Start())
	lines, enough := bufio.NewReader(out), 1+rand.IntN(8)
	issued = make(map[uint64]string)
	for heard := 0; ; heard++ {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		s.must(err)
		if heard == enough {
			time.AfterFunc(rand.N(10*time.Millisecond), func() { _ = child.Process.Kill() }) // it cannot have ended by itself
		}
		var number uint64
		var digest string
		if n, _ := fmt.Sscanf(line, "issued %d %s\n", &number, &digest); n == 2 {
			issued[number] = digest
			s.clock.add(20 * time.Minute)
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.Exited() {
		s.t.Fatalf("the child ended by itself: %v", err)
	}
	return issued
}

// A venue that is killed at any moment, again and again, never shows a client two
// descriptors under one number, forgets none that it issued, and goes on.
func TestKill(t *testing.T) {
	kills := 12
	if os.Getenv("ZKKEX_DEEP") != "" {
		kills = 200
	}
	s, ctx := newScene(t), context.Background()
	s.turn()
	chain, dir := s.chain(), filepath.Join(t.TempDir(), "static")
	s.must(s.venue.Close())
	said := 0
	for range kills {
		s.admit()
		s.publish()
		issued := s.killed()
		s.open()
		for number, digest := range issued {
			said++
			d, err := s.venue.store.ByNumber(number)
			if err != nil || d.Digest().String() != digest {
				t.Fatalf("descriptor %d was issued and is not there (%v)", number, err)
			}
		}
		s.publish()
		s.must(s.venue.Maintain(ctx))
		_, err := s.venue.Export(dir)
		s.must(err)
		_, err = s.client("file://"+dir).Update(ctx, chain)
		s.must(err)
		current, err := chain.Current(s.clock.now())
		s.must(err)
		if _, err := s.venue.Keys(current.Number); err != nil {
			t.Fatalf("no keys of the current descriptor: %v", err)
		}
		s.must(s.venue.Close())
	}
	s.open()
	if latest := s.venue.store.Latest(); said < kills/2 || latest.Number < uint64(kills)/2 || latest.Generation == 0 {
		t.Errorf("%d descriptors, %d said, generation %d: the test shows nothing", latest.Number, said, latest.Generation)
	}
	t.Logf("%d kills, %d descriptors", kills, s.venue.store.Latest().Number)
}
