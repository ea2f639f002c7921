package admission

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/zkkex/zkkex"
)

// openOn opens a store on a file system of the test's.
func openOn(t *testing.T, fs vfs.FS) *Dir {
	t.Helper()
	d := &Dir{fs: fs}
	var err error
	if d.db, err = pebble.Open(databaseDir, d.options()); err != nil {
		t.Fatal(err)
	}
	if err := d.db.Set(formatKey, []byte(format), pebble.Sync); err != nil {
		t.Fatal(err)
	}
	if err := d.readMeta(); err != nil {
		t.Fatal(err)
	}
	return d
}

func testRecord(t *testing.T, n, k int) *Record {
	t.Helper()
	nullifier := sha256.Sum256(fmt.Appendf(nil, "nullifier %d", n))
	nullifier[0] = 0
	r, err := NewRecord(&zkkex.Presentation{
		Statement:     zkkex.Statement{Circuit: zkkex.BabyJubjub20, Limit: 4, Nullifier: nullifier},
		Epoch:         zkkex.Epoch{Schedule: zkkex.DefaultSchedule(), Number: 20778},
		Authorization: zkkex.SessionKey(sha256.Sum256(fmt.Appendf(nil, "key %d", k))),
	}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPowerLoss cuts the power at random moments, with all, some or none of what
// was not synced on the disk: nothing that was acknowledged is lost, be it for the
// first time or again.
func TestPowerLoss(t *testing.T) {
	const cuts, workers = 12, 4
	// enough bounds what is checked after each cut.
	const enough = 500
	ctx := context.Background()
	fs := vfs.NewCrashableMem()
	d := openOn(t, fs)
	var acknowledged [workers]atomic.Int64 // how many, of each worker
	var stop atomic.Bool
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := 0; i < enough && !stop.Load(); i++ {
				// Two workers admit the same, and either is told yes.
				r := testRecord(t, (w/2)<<32|i, (w/2)<<32|i)
				s, err := r.Shard()
				_, _, admitted := d.Admit(ctx, r)
				opened := d.Spend(ctx, s, r.Statement.Nullifier, uint32(w), true)
				if err := errors.Join(err, admitted, opened); err != nil {
					t.Error(err)
					return
				}
				acknowledged[w].Store(int64(i + 1))
			}
		})
	}
	rng := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for cut := range cuts {
		for acknowledged[cut%workers].Load() < int64(cut) && !t.Failed() {
			runtime.Gosched()
		}
		var counts [workers]int64
		for w := range counts {
			counts[w] = acknowledged[w].Load()
		}
		after := openOn(t, fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50 * (cut % 3), RNG: rng}))
		for w, count := range counts {
			for i := range int(count) {
				n := (w/2)<<32 | i
				checkKept(t, after, testRecord(t, n, n), uint32(w))
			}
		}
		if err := after.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	stop.Store(true)
	wg.Wait()
	if err := d.db.Close(); err != nil {
		t.Error(err)
	}
}

func checkKept(t *testing.T, d *Dir, r *Record, counter uint32) {
	t.Helper()
	s, err := r.Shard()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.ByKey(context.Background(), s, r.Key); err != nil || got == nil || *got != *r {
		t.Fatalf("a record that was acknowledged is %+v, %v", got, err)
	}
	var spent *SpentError
	if err := d.Spend(context.Background(), s, r.Statement.Nullifier, counter, false); !errors.As(err, &spent) {
		t.Fatalf("an open that was acknowledged can be used again: %v", err)
	}
}

// TestNotDurableIsNotThere looks a record up that is visible and not yet on disk:
// to Admitted it is not there, and the same again waits for it.
func TestNotDurableIsNotThere(t *testing.T) {
	d := openOn(t, vfs.NewMem())
	defer d.db.Close()
	r := testRecord(t, 1, 1)
	s, err := r.Shard()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Admit(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	key, err := s.key()
	if err != nil {
		t.Fatal(err)
	}
	done := d.pending.add(pendingKey{key, r.Statement.Nullifier})
	if got, err := d.ByKey(context.Background(), s, r.Key); got != nil || err != nil {
		t.Errorf("by its key: %+v, %v", got, err)
	}
	if got, err := d.ByNullifier(context.Background(), s, r.Statement.Nullifier); got != nil || err != nil {
		t.Errorf("by its nullifier: %+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	again := make(chan error)
	go func() {
		_, _, err := d.Admit(ctx, r)
		again <- err
	}()
	cancel()
	if err := <-again; !errors.Is(err, context.Canceled) {
		t.Errorf("the same again: %v, want it to wait", err)
	}
	done(true)
	if _, fresh, err := d.Admit(context.Background(), r); err != nil || fresh {
		t.Errorf("the same again, when it is on disk: fresh: %v, %v", fresh, err)
	}
}

// TestStoredUnderAnother plants records where they do not belong: the store is
// damaged, and says so.
func TestStoredUnderAnother(t *testing.T) {
	ctx := context.Background()
	r, other := testRecord(t, 1, 1), testRecord(t, 2, 2)
	s, err := r.Shard()
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.key()
	if err != nil {
		t.Fatal(err)
	}
	value, _ := other.AppendBinary(nil)
	n := r.Statement.Nullifier
	for name, plant := range map[string]map[string][]byte{
		"another's record":       {string(key.nullifier(n)): value, string(key.sessionKey(r.Key)): n[:]},
		"half a record":          {string(key.nullifier(n)): value[:100], string(key.sessionKey(r.Key)): n[:]},
		"no record":              {string(key.sessionKey(r.Key)): n[:]},
		"half a nullifier":       {string(key.sessionKey(r.Key)): n[:16]},
		"no canonical nullifier": {string(key.sessionKey(r.Key)): append([]byte{0xff}, n[1:]...)},
	} {
		d := openOn(t, vfs.NewMem())
		for k, v := range plant {
			if err := d.db.Set([]byte(k), v, pebble.Sync); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.ByKey(ctx, s, r.Key); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: looked up: %v, want %v", name, err, ErrDamaged)
		}
		if _, _, err := d.Admit(ctx, r); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: admitted: %v, want %v", name, err, ErrDamaged)
		}
		if err := d.db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestMetaIsChecked has stores of another format, and with a damaged mark of what
// is closed.
func TestMetaIsChecked(t *testing.T) {
	for name, test := range map[string]struct {
		key, value []byte
		want       error
	}{
		"another format":     {formatKey, []byte("zkkex/v2 admission"), ErrNotStore},
		"a short mark":       {closedKey, []byte{1}, ErrDamaged},
		"a mark after 9999":  {closedKey, []byte{0x80, 0, 0, 0, 0, 0, 0, 0}, ErrDamaged},
		"an empty mark":      {closedKey, nil, ErrDamaged},
		"an empty format":    {formatKey, nil, ErrNotStore},
		"a format cut short": {formatKey, []byte(format[1:]), ErrNotStore},
	} {
		d := openOn(t, vfs.NewMem())
		if err := d.db.Set(test.key, test.value, pebble.Sync); err != nil {
			t.Fatal(err)
		}
		if err := d.readMeta(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if err := d.db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestEveryWriteFails breaks the database under the store: the first call says
// why, and so does every later one.
func TestEveryWriteFails(t *testing.T) {
	ctx := context.Background()
	r := testRecord(t, 1, 1)
	s, err := r.Shard()
	if err != nil {
		t.Fatal(err)
	}
	for name, breakIt := range map[string]func(d *Dir){
		"fatal":      func(d *Dir) { logger{d}.Fatalf("planted %d", 1) },
		"background": func(d *Dir) { d.options().EventListener.BackgroundError(errors.New("planted 1")) },
		"panic":      func(d *Dir) { _ = d.guard(func() error { panic("planted 1") }) },
	} {
		d := openOn(t, vfs.NewMem())
		breakIt(d)
		_, _, admitted := d.Admit(ctx, r)
		_, found := d.ByKey(ctx, s, r.Key)
		for call, err := range map[string]error{
			"Admit": admitted, "ByKey": found,
			"Spend": d.Spend(ctx, s, r.Statement.Nullifier, 0, false), "Prune": d.Prune(ctx, s.End),
		} {
			if !errors.Is(err, ErrBroken) {
				t.Errorf("%s: %s: %v, want %v", name, call, err, ErrBroken)
			}
		}
		if err := d.db.Close(); err != nil {
			t.Error(err)
		}
	}
}
