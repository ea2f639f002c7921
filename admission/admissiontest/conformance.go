package admissiontest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
)

// Run tests a store. Every call of open must return an empty store.
func Run(t *testing.T, open func(t *testing.T) admission.Store) {
	for name, test := range map[string]func(*testing.T, admission.Store){
		"the same again":          theSameAgain,
		"taken":                   taken,
		"found":                   found,
		"shards are apart":        shardsAreApart,
		"opens once":              opensOnce,
		"one certificate wins":    oneCertificateWins,
		"one key wins":            oneKeyWins,
		"one open wins":           oneOpenWins,
		"prune closes":            pruneCloses,
		"prune keeps":             pruneKeeps,
		"prune while admitting":   pruneWhileAdmitting,
		"a clock ahead":           clockAhead,
		"cancelled":               cancelled,
		"contradicting records":   contradicting,
		"records are not aliased": notAliased,
		"bans":                    bans,
		"bans at once":            bansAtOnce,
		"bans end":                bansEnd,
		"bans refused":            bansRefused,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// schedule is that of the records: hours.
var schedule = zkkex.Schedule{Length: 3600}

// Record returns the record of a certificate: the n-th nullifier and the k-th key
// in an epoch's scope.
func Record(t testing.TB, epoch uint64, n, k int) *admission.Record {
	t.Helper()
	r, err := NewRecord(epoch, n, k)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// NewRecord is [Record] outside of a test.
func NewRecord(epoch uint64, n, k int) (*admission.Record, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "key %d", k))
	return admission.NewRecord(&zkkex.Presentation{
		Statement: zkkex.Statement{
			Circuit:   zkkex.BabyJubjub20,
			Limit:     4,
			Scope:     sha256.Sum256(fmt.Appendf(nil, "scope %d", epoch)),
			Nullifier: nullifier(n),
			Binding:   sha256.Sum256(fmt.Appendf(nil, "binding %d %d", n, k)),
		},
		Epoch:         zkkex.Epoch{Schedule: schedule, Number: epoch},
		Authorization: zkkex.SessionKey(key),
	}, 3)
}

func nullifier(n int) zkkex.Nullifier {
	out := sha256.Sum256(fmt.Appendf(nil, "nullifier %d", n))
	out[0] = 0 // below the order
	return out
}

// epoch is the one that most tests are in.
const epoch = 500_000

func shardOf(t testing.TB, number uint64) admission.Shard {
	t.Helper()
	s, err := Record(t, number, 0, 0).Shard()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func admit(t *testing.T, s admission.Store, r *admission.Record) {
	t.Helper()
	stored, fresh, err := s.Admit(context.Background(), r)
	if err != nil || !fresh || *stored != *r {
		t.Fatalf("admitted: %+v, fresh: %v, %v", stored, fresh, err)
	}
}

func theSameAgain(t *testing.T, s admission.Store) {
	r := Record(t, epoch, 1, 1)
	admit(t, s, r)
	for range 2 {
		stored, fresh, err := s.Admit(context.Background(), r)
		if err != nil || fresh || *stored != *r {
			t.Fatalf("again: %+v, fresh: %v, %v; want the same record, not fresh", stored, fresh, err)
		}
	}
}

// taken has other certificates come under a used nullifier, a used key, and
// both of them but of two certificates.
func taken(t *testing.T, s admission.Store) {
	first, second := Record(t, epoch, 1, 1), Record(t, epoch, 2, 2)
	admit(t, s, first)
	admit(t, s, second)
	other := *first
	other.Generation++
	for name, test := range map[string]struct {
		record *admission.Record
		what   string
	}{
		"another key under the nullifier":      {Record(t, epoch, 1, 3), "nullifier"},
		"another nullifier under the key":      {Record(t, epoch, 3, 1), "session key"},
		"nullifier and key of two":             {Record(t, epoch, 1, 2), "nullifier"},
		"the same under another generation":    {&other, "nullifier"},
		"a nullifier of the other key's again": {Record(t, epoch, 2, 1), "nullifier"},
	} {
		stored, fresh, err := s.Admit(context.Background(), test.record)
		var taken *admission.TakenError
		if !errors.As(err, &taken) || stored != nil || fresh {
			t.Fatalf("%s: %+v, %v, %v; want *TakenError", name, stored, fresh, err)
		}
		if taken.Refused != test.record.Certificate || taken.What != test.what || taken.By != first.Certificate && taken.By != second.Certificate {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What was refused left nothing behind.
	admit(t, s, Record(t, epoch, 3, 3))
}

func found(t *testing.T, s admission.Store) {
	ctx := context.Background()
	r := Record(t, epoch, 1, 1)
	shard := shardOf(t, epoch)
	find := func() [2]*admission.Record {
		byKey, err := s.ByKey(ctx, shard, r.Key)
		if err != nil {
			t.Fatal(err)
		}
		byNullifier, err := s.ByNullifier(ctx, shard, r.Statement.Nullifier)
		if err != nil {
			t.Fatal(err)
		}
		return [2]*admission.Record{byKey, byNullifier}
	}
	if got := find(); got[0] != nil || got[1] != nil {
		t.Fatalf("found before: %+v", got)
	}
	admit(t, s, r)
	if got := find(); got[0] == nil || got[1] == nil || *got[0] != *r || *got[1] != *r {
		t.Fatalf("found: %+v, want the record", got)
	}
	if got, err := s.ByKey(ctx, shard, [32]byte(r.Statement.Nullifier)); got != nil || err != nil {
		t.Errorf("a nullifier looked up as a key: %+v, %v", got, err)
	}
	shard.End = shard.End.Local()
	if got := find(); got[0] == nil || got[1] == nil {
		t.Error("not found by the same end in another time zone")
	}
}

func shardsAreApart(t *testing.T, s admission.Store) {
	ctx := context.Background()
	admit(t, s, Record(t, epoch, 1, 1))
	admit(t, s, Record(t, epoch+1, 1, 1))
	for number, want := range map[uint64]bool{epoch - 1: false, epoch: true, epoch + 1: true, epoch + 2: false} {
		r, err := s.ByKey(ctx, shardOf(t, number), Record(t, number, 1, 1).Key)
		if err != nil || (r != nil) != want {
			t.Errorf("epoch %d: %+v, %v; want found: %v", number, r, err, want)
		}
		if err := s.Spend(ctx, shardOf(t, number), nullifier(1), 0, false); err != nil {
			t.Errorf("epoch %d: %v", number, err)
		}
	}
}

func opensOnce(t *testing.T, s admission.Store) {
	ctx := context.Background()
	shard := shardOf(t, epoch)
	admit(t, s, Record(t, epoch, 1, 1))
	for _, durable := range []bool{true, false} {
		for counter := range uint32(3) {
			counter += 256 * uint32(counter)
			if durable {
				counter += 1 << 31
			}
			if err := s.Spend(ctx, shard, nullifier(1), counter, durable); err != nil {
				t.Fatalf("open %d: %v", counter, err)
			}
			for _, again := range []bool{true, false} {
				var spent *admission.SpentError
				err := s.Spend(ctx, shard, nullifier(1), counter, again)
				if !errors.As(err, &spent) || spent.Counter != counter || spent.Nullifier != nullifier(1) {
					t.Errorf("open %d again: %v, want *SpentError", counter, err)
				}
			}
		}
	}
	if err := s.Spend(ctx, shard, nullifier(2), 0, true); err != nil {
		t.Errorf("another nullifier's: %v", err)
	}
}

// racers is how many goroutines race.
const racers = 16

// race has goroutines do the same things at once, and expects each to be won
// once.
func race(t *testing.T, things int, try func(racer, thing int) (won bool, err error)) {
	t.Helper()
	won := make([]atomic.Int32, things)
	var wg sync.WaitGroup
	for racer := range racers {
		wg.Go(func() {
			for i := range things {
				switch ok, err := try(racer, i); {
				case err != nil:
					t.Errorf("racer %d: %v", racer, err)
				case ok:
					won[i].Add(1)
				}
			}
		})
	}
	wg.Wait()
	for i := range won {
		if got := won[i].Load(); got != 1 {
			t.Errorf("thing %d was won %d times, expected once", i, got)
		}
	}
}

// raceRecords has each goroutine admit a record of its own for the same thing.
func raceRecords(t *testing.T, s admission.Store, record func(racer, thing int) *admission.Record) {
	const things = 20
	race(t, things, func(racer, thing int) (bool, error) {
		_, fresh, err := s.Admit(context.Background(), record(racer, thing))
		var taken *admission.TakenError
		if errors.As(err, &taken) {
			return false, nil
		}
		return fresh, err
	})
}

func oneCertificateWins(t *testing.T, s admission.Store) {
	raceRecords(t, s, func(racer, thing int) *admission.Record {
		return Record(t, epoch, thing, racer*1000+thing)
	})
}

func oneKeyWins(t *testing.T, s admission.Store) {
	raceRecords(t, s, func(racer, thing int) *admission.Record {
		return Record(t, epoch, racer*1000+thing, thing)
	})
	// Of the same record, one call is told that it was the first.
	raceRecords(t, s, func(_, thing int) *admission.Record {
		return Record(t, epoch, 1_000_000+thing, 1_000_000+thing)
	})
}

func oneOpenWins(t *testing.T, s admission.Store) {
	shard := shardOf(t, epoch)
	race(t, 20, func(racer, thing int) (bool, error) {
		err := s.Spend(context.Background(), shard, nullifier(1), uint32(thing), racer%2 == 0)
		var spent *admission.SpentError
		if errors.As(err, &spent) {
			return false, nil
		}
		return err == nil, err
	})
}

// closed expects that nothing can be told of an epoch any more.
func closed(t *testing.T, s admission.Store, number uint64) {
	t.Helper()
	ctx := context.Background()
	shard := shardOf(t, number)
	r := Record(t, number, 1, 1)
	_, _, admitted := s.Admit(ctx, r)
	_, byKey := s.ByKey(ctx, shard, r.Key)
	_, byNullifier := s.ByNullifier(ctx, shard, r.Statement.Nullifier)
	for name, err := range map[string]error{
		"Admit": admitted, "ByKey": byKey, "ByNullifier": byNullifier,
		"Spend": s.Spend(ctx, shard, r.Statement.Nullifier, 0, true),
	} {
		if !errors.Is(err, admission.ErrClosed) {
			t.Errorf("%s of a pruned epoch: %v, want %v", name, err, admission.ErrClosed)
		}
	}
}

func pruneCloses(t *testing.T, s admission.Store) {
	ctx := context.Background()
	shard := shardOf(t, epoch)
	admit(t, s, Record(t, epoch, 1, 1))
	if err := s.Spend(ctx, shard, nullifier(1), 0, true); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Prune(ctx, shard.End); err != nil {
			t.Fatal(err)
		}
		closed(t, s, epoch)
		closed(t, s, epoch-1)
	}
	// A clock that goes back opens nothing.
	if err := s.Prune(ctx, shard.End.Add(-24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	closed(t, s, epoch)
	admit(t, s, Record(t, epoch+1, 1, 1))
}

func pruneKeeps(t *testing.T, s admission.Store) {
	ctx := context.Background()
	shard := shardOf(t, epoch)
	r := Record(t, epoch, 1, 1)
	admit(t, s, r)
	if err := s.Spend(ctx, shard, nullifier(1), 0, true); err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(ctx, shard.End.Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.ByKey(ctx, shard, r.Key); err != nil || got == nil {
		t.Errorf("%+v, %v; want the record", got, err)
	}
	var spent *admission.SpentError
	if err := s.Spend(ctx, shard, nullifier(1), 0, true); !errors.As(err, &spent) {
		t.Errorf("%v, want *SpentError", err)
	}
}

// pruneWhileAdmitting admits and opens the same again and again while the epoch
// is pruned: nothing is ever the first twice.
func pruneWhileAdmitting(t *testing.T, s admission.Store) {
	const things = 30
	ctx := context.Background()
	shard := shardOf(t, epoch)
	var admitted, opened [things]atomic.Int32
	half := make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				for n := range things {
					if _, fresh, err := s.Admit(ctx, Record(t, epoch, n, n)); err == nil && fresh {
						admitted[n].Add(1)
					}
					if err := s.Spend(ctx, shard, nullifier(n), 0, n%2 == 0); err == nil {
						opened[n].Add(1)
					}
					if n == things/2 {
						once.Do(func() { close(half) })
					}
				}
			}
		})
	}
	wg.Go(func() {
		<-half
		if err := s.Prune(ctx, shard.End); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	for n := range things {
		if a, o := admitted[n].Load(), opened[n].Load(); a > 1 || o > 1 {
			t.Errorf("%d was admitted %d times and opened %d times as if for the first time", n, a, o)
		}
	}
	closed(t, s, epoch)
}

// clockAhead prunes by a clock that is years ahead. What was there is closed, and
// epochs that had nothing in them are not.
func clockAhead(t *testing.T, s admission.Store) {
	ahead := shardOf(t, epoch).End.AddDate(10, 0, 0)
	if err := s.Prune(context.Background(), ahead); err != nil {
		t.Fatal(err)
	}
	admit(t, s, Record(t, epoch, 1, 1))
	if err := s.Prune(context.Background(), ahead); err != nil {
		t.Fatal(err)
	}
	closed(t, s, epoch)
	admit(t, s, Record(t, epoch+1, 1, 1))
}

func cancelled(t *testing.T, s admission.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := Record(t, epoch, 1, 1)
	shard := shardOf(t, epoch)
	_, _, admitted := s.Admit(ctx, r)
	_, byKey := s.ByKey(ctx, shard, r.Key)
	_, byNullifier := s.ByNullifier(ctx, shard, r.Statement.Nullifier)
	for name, err := range map[string]error{
		"Admit": admitted, "ByKey": byKey, "ByNullifier": byNullifier,
		"Spend": s.Spend(ctx, shard, nullifier(1), 0, false), "Prune": s.Prune(ctx, shard.End),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want %v", name, err, context.Canceled)
		}
	}
	admit(t, s, r)
}

// contradicting has records that no gate makes, and shards that no epoch has.
func contradicting(t *testing.T, s admission.Store) {
	ctx := context.Background()
	for name, change := range map[string]func(r *admission.Record){
		"another digest": func(r *admission.Record) { r.Certificate[0] ^= 1 },
		"another key":    func(r *admission.Record) { r.Key[0] ^= 1 },
		"no epoch":       func(r *admission.Record) { r.Epoch = zkkex.Epoch{} },
	} {
		r := Record(t, epoch, 1, 1)
		change(r)
		if stored, _, err := s.Admit(ctx, r); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %+v, %v; want %v", name, stored, err, zkkex.ErrMalformed)
		}
	}
	for name, end := range map[string]time.Time{
		"none": {}, "a fraction": shardOf(t, epoch).End.Add(time.Millisecond), "before 1970": time.Unix(-1, 0), "after 9999": time.Unix(1<<40, 0),
	} {
		shard := shardOf(t, epoch)
		shard.End = end
		if err := s.Spend(ctx, shard, nullifier(1), 0, true); err == nil {
			t.Errorf("%s: opened in an epoch that ends at %v", name, end)
		}
	}
}

func notAliased(t *testing.T, s admission.Store) {
	r := Record(t, epoch, 1, 1)
	want := *r
	admit(t, s, r)
	r.Statement.Limit++
	for range 2 {
		got, err := s.ByKey(context.Background(), shardOf(t, epoch), want.Key)
		if err != nil || got == nil || *got != want {
			t.Fatalf("%+v, %v; want %+v", got, err, want)
		}
		got.Generation++
	}
}
