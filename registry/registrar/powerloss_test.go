package registrar

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex/internal/race"
	"github.com/zkkex/zkkex/registry"
)

// diskFile is a journal file on a disk whose power can fail: what was not
// synced may be there, or in part, or not at all.
type diskFile struct {
	mu       sync.Mutex
	now      []byte // what reads see
	durable  []byte // what the last sync made sure of
	unsynced []diskWrite

	rng       *rand.Rand
	failSync  bool // the next sync loses power first
	skipSyncs bool // the planted fault: syncs do nothing
}

type diskWrite struct {
	at int64
	b  []byte
}

var errPower = errors.New("power failed")

func (d *diskFile) ReadAt(b []byte, at int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at >= int64(len(d.now)) {
		return 0, io.EOF
	}
	n := copy(b, d.now[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (d *diskFile) WriteAt(b []byte, at int64) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = writeAt(d.now, b, at)
	d.unsynced = append(d.unsynced, diskWrite{at, append([]byte(nil), b...)})
	return len(b), nil
}

func (d *diskFile) Truncate(size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now[:size]
	d.durable = append([]byte(nil), d.now...)
	d.unsynced = nil
	return nil
}

func (d *diskFile) Sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failSync {
		return errPower
	}
	if d.skipSyncs {
		return nil
	}
	d.durable = append([]byte(nil), d.now...)
	d.unsynced = nil
	return nil
}

func (d *diskFile) Close() error { return nil }

// afterPowerLoss returns what the disk holds then. Sectors of unsynced writes
// are there or not, in any order; the file may have grown all the same, with
// zeros in place of what is not there.
func (d *diskFile) afterPowerLoss() []byte {
	const sector = 64
	out := append([]byte(nil), d.durable...)
	for _, w := range d.unsynced {
		for start := 0; start < len(w.b); start += sector {
			part := w.b[start:min(start+sector, len(w.b))]
			switch d.rng.IntN(3) {
			case 0:
				out = writeAt(out, part, w.at+int64(start))
			case 1:
				out = writeAt(out, make([]byte, len(part)), w.at+int64(start))
			}
		}
	}
	return out
}

func writeAt(to, b []byte, at int64) []byte {
	if end := int(at) + len(b); end > len(to) {
		to = append(to, make([]byte, end-len(to))...)
	}
	copy(to[at:], b)
	return to
}

// TestPowerLoss loses power in the middle of writes, again and again.
func TestPowerLoss(t *testing.T) {
	rounds := race.Share(100) // on one goroutine
	if deep() {
		rounds = 1500
	}
	torn, err := losePower(t, rounds, false)
	if err != nil {
		t.Fatal(err)
	}
	if torn == 0 {
		t.Fatal("no write was torn; the test shows nothing")
	}
	t.Logf("%d power losses, %d torn tails", rounds, torn)
}

// TestPowerLossFindsMissingSync plants syncs that do nothing. The check must
// notice, or TestPowerLoss shows nothing.
func TestPowerLossFindsMissingSync(t *testing.T) {
	if _, err := losePower(t, 50, true); err == nil {
		t.Fatal("nothing was synced, and the check noticed nothing")
	}
}

func losePower(t *testing.T, rounds int, skipSyncs bool) (torn int, err error) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	dir, r := newRegistrar(t)
	mustClose(t, r)
	path := filepath.Join(dir, journalFile)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var acks []acked
	candidate := uint64(0)
	for range rounds {
		disk := &diskFile{now: content, durable: content, rng: rng, skipSyncs: skipSyncs}
		r, err := open(dir, func(string) (file, error) { return disk, nil })
		if err != nil {
			return torn, err
		}
		if r.Report().TornBytes > 0 {
			torn++
		}
		checkpoint(t, r, testTime)
		if err := checkAcked(r, acks); err != nil {
			mustClose(t, r)
			return torn, err
		}
		for range rng.IntN(3) {
			acks = append(acks, admitSome(t, r, &candidate, 1+rng.IntN(4))...)
		}
		disk.failSync = true
		reqs := candidates(&candidate, 1+rng.IntN(8))
		r.submit(testTime, reqs...)
		for _, req := range reqs {
			if !skipSyncs && (!errors.Is(req.err, ErrUndecided) || !errors.Is(req.err, errPower)) {
				t.Fatalf("without a sync: %v; want ErrUndecided", req.err)
			}
		}
		mustClose(t, r)
		content = disk.afterPowerLoss()
	}
	return torn, nil
}

// TestPowerLossKeepsCheckpoints loses power right after checkpoints were
// published. The file of all must have each of them then, as the file of the
// newest has; a sync left out must be noticed.
func TestPowerLossKeepsCheckpoints(t *testing.T) {
	if err := losePowerAfterCheckpoints(t, 20, false); err != nil {
		t.Error(err)
	}
	if err := losePowerAfterCheckpoints(t, 20, true); err == nil {
		t.Error("the file of all checkpoints was not synced, and the check noticed nothing")
	}
}

func losePowerAfterCheckpoints(t *testing.T, rounds int, skipSyncs bool) error {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	dir, r := newRegistrar(t)
	mustClose(t, r)
	path := filepath.Join(dir, checkpointsFile)
	for n := range uint64(rounds) {
		r, err := Open(dir)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		disk := &diskFile{now: content, durable: content, rng: rng, skipSyncs: skipSyncs}
		r.history.open = func(string) (file, error) { return disk, nil }
		fakeAdmit(t, r, n)
		checkpoint(t, r, testTime)
		mustClose(t, r)
		if err := os.WriteFile(path, disk.afterPowerLoss(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(dir)
	if err != nil {
		return err
	}
	mustClose(t, r)
	return nil
}

func candidates(next *uint64, n int) []*request {
	reqs := make([]*request, n)
	for i := range reqs {
		reqs[i] = admission(fakeCandidate(*next))
		*next++
	}
	return reqs
}

func admitSome(t *testing.T, r *Registrar, next *uint64, n int) []acked {
	t.Helper()
	first := *next
	reqs := candidates(next, n)
	r.submit(testTime, reqs...)
	acks := make([]acked, n)
	for i, req := range reqs {
		if req.err != nil {
			t.Fatal(req.err)
		}
		acks[i] = acked{registry.Admit, first + uint64(i), req.result.Operation.Index, req.result.Sequence}
	}
	return acks
}

// TestGroupCommit has many callers admit at once on a slow disk: they must
// share syncs.
func TestGroupCommit(t *testing.T) {
	dir, r := newRegistrar(t)
	mustClose(t, r)
	var slow slowFile
	r, err := open(dir, func(path string) (file, error) {
		f, err := openFile(path)
		slow.file = f
		return &slow, err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, r)
	const callers = 100
	var wg sync.WaitGroup
	for n := range uint64(callers) {
		wg.Go(func() { fakeAdmit(t, r, n) })
	}
	wg.Wait()
	if slow.syncs > callers/4 {
		t.Errorf("%d syncs for %d admissions", slow.syncs, callers)
	}
	checkpoint(t, r, testTime)
	if err := checkPublic(r); err != nil {
		t.Error(err)
	}
}

// slowFile takes its time to sync, and counts. Only one sync runs at a time.
type slowFile struct {
	file
	syncs int
}

func (f *slowFile) Sync() error {
	f.syncs++
	time.Sleep(5 * time.Millisecond)
	return f.file.Sync()
}
