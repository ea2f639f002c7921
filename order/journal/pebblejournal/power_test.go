package pebblejournal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// initOn makes an empty journal on a file system of the test's, and openOn opens it.
func initOn(t *testing.T, files vfs.FS) {
	t.Helper()
	must(t, files.MkdirAll(databaseDir, 0o700))
	db := newDatabase(databaseDir, files)
	p, err := pebble.Open(db.path, db.options())
	must(t, err)
	must(t, p.Set(cursorKey, appendNumber(0), pebble.Sync))
	must(t, p.Close())
	root, err := files.OpenDir("")
	must(t, err)
	must(t, root.Sync())
	must(t, root.Close())
}

func openOn(t *testing.T, files vfs.FS) *Journal {
	t.Helper()
	j := &Journal{files: files}
	must(t, j.openDatabase())
	return j
}

// TestPowerLoss cuts the power at random moments, with all, some or none of what
// was not synced on the disk: nothing that was acknowledged or read is lost.
func TestPowerLoss(t *testing.T) {
	const cuts, workers, enough = 12, 4, 300
	ctx := context.Background()
	files := vfs.NewCrashableMem()
	initOn(t, files)
	j := openOn(t, files)
	var acknowledged, seen [workers]atomic.Uint64
	var stop atomic.Bool
	var wg sync.WaitGroup
	for w := range workers {
		id := journaltest.Session(20_000, w)
		wg.Go(func() {
			for n := uint64(1); n <= enough && !stop.Load(); n++ {
				_, _, err := j.Append(ctx, []journal.Entry{{
					Session: id, Report: fmt.Append(nil, n),
					Request: &journal.Request{ID: journaltest.ID(int(n))}, Order: journaltest.Order(id, int(n), int64(n%2)),
				}})
				if err != nil {
					t.Error(err)
					return
				}
				acknowledged[w].Store(n)
			}
		})
		wg.Go(func() {
			for !stop.Load() {
				last, err := j.LastReport(ctx, id)
				if err != nil {
					t.Error(err)
					return
				}
				seen[w].Store(last)
				runtime.Gosched()
			}
		})
	}
	rng := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for cut := range cuts {
		for acknowledged[cut%workers].Load() < uint64(cut) && !t.Failed() {
			runtime.Gosched()
		}
		var least [workers]uint64
		for w := range least {
			least[w] = max(acknowledged[w].Load(), seen[w].Load())
		}
		after := openOn(t, files.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50 * (cut % 3), RNG: rng}))
		for w, n := range least {
			checkWhole(t, after, journaltest.Session(20_000, w), n)
		}
		must(t, after.Close())
	}
	stop.Store(true)
	wg.Wait()
	must(t, j.Close())
}

// checkWhole expects that a session has at least so many reports, and a request and
// an order for each.
func checkWhole(t *testing.T, j *Journal, id order.SessionID, least uint64) {
	t.Helper()
	ctx := context.Background()
	last, err := j.LastReport(ctx, id)
	must(t, err)
	if last < least {
		t.Fatalf("the last report is %d, and %d was acknowledged or read", last, least)
	}
	reports, err := j.Reports(ctx, id, 1, int(last)+1)
	must(t, err)
	requests := 0
	must(t, j.Requests(ctx, id, func(journal.Request) error {
		requests++
		return nil
	}))
	if uint64(len(reports)) != last || uint64(requests) != last {
		t.Fatalf("%d reports and %d requests, want %d", len(reports), requests, last)
	}
	for i, r := range reports {
		if string(r.Report) != fmt.Sprint(i+1) {
			t.Fatalf("report %d is %q", i+1, r.Report)
		}
		if orders, err := j.Orders(ctx, journaltest.ID(i+1)); err != nil || len(orders) == 0 {
			t.Fatalf("order %d: %v, %v", i+1, orders, err)
		}
	}
}

// TestFailedIsOpenedAgain has the database fail in each way that it can: the call
// says so, and the next one finds what was acknowledged.
func TestFailedIsOpenedAgain(t *testing.T) {
	ctx := context.Background()
	id := journaltest.Session(20_000, 1)
	for name, fail := range map[string]func(db *database){
		"fatal":      func(db *database) { logger{db}.Fatalf("planted %d", 1) },
		"background": func(db *database) { db.failInBackground(errors.New("planted 1")) },
		"panic":      func(db *database) { _ = db.guard(func() error { panic("planted 1") }) },
		"stuck": func(db *database) {
			db.turn <- struct{}{} // somebody holds it for good
			db.fail(errors.New("planted 1"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := vfs.NewMem()
			initOn(t, files)
			j := openOn(t, files)
			for n := uint64(1); n <= 3; n++ {
				entries := []journal.Entry{{Session: id, Event: n, Report: fmt.Append(nil, n)}}
				numbers, _, err := j.Append(ctx, entries)
				if err != nil || numbers[0] != n {
					t.Fatalf("numbers %v, %v; want %d", numbers, err, n)
				}
				fail(j.db)
				if _, err := j.Cursor(ctx); err != nil && !errors.Is(err, journal.ErrUnavailable) {
					t.Fatalf("%v, want %v or nothing", err, journal.ErrUnavailable)
				}
				j.last = j.last.Add(-retryDelay)
				if cursor, err := j.Cursor(ctx); err != nil || cursor != n {
					t.Fatalf("opened again, the last event is %d, %v; want %d", cursor, err, n)
				}
				j.last = j.last.Add(-retryDelay)
			}
			must(t, j.Close())
		})
	}
}

// TestGivenUpWritesNothing has a database that is given up go on writing.
func TestGivenUpWritesNothing(t *testing.T) {
	files := vfs.NewMem()
	f := &fence{FS: files}
	file, err := f.Create("file", "test")
	must(t, err)
	must(t, f.MkdirAll("folder", 0o700))
	f.cut()
	_, write := file.Write([]byte("late"))
	_, writeAt := file.WriteAt([]byte("late"), 0)
	_, syncTo := file.SyncTo(1)
	_, create := f.Create("late", "test")
	_, open := f.OpenReadWrite("late", "test")
	_, reuse := f.ReuseForWrite("file", "late", "test")
	for name, err := range map[string]error{
		"Write": write, "WriteAt": writeAt, "SyncTo": syncTo, "Create": create, "OpenReadWrite": open, "ReuseForWrite": reuse,
		"Sync": file.Sync(), "SyncData": file.SyncData(), "Preallocate": file.Preallocate(0, 1),
		"Link": f.Link("file", "late"), "Remove": f.Remove("file"), "RemoveAll": f.RemoveAll("folder"),
		"Rename": f.Rename("file", "late"), "MkdirAll": f.MkdirAll("late", 0o700),
	} {
		if !errors.Is(err, errCutOff) {
			t.Errorf("%s: %v, want %v", name, err, errCutOff)
		}
	}
	names, err := files.List("")
	must(t, err)
	if len(names) != 2 {
		t.Errorf("the files are %v", names)
	}
}

// fullFS is a file system that says that it is full.
type fullFS struct {
	vfs.FS
	full atomic.Bool
}

func (f *fullFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	if f.full.Load() {
		return vfs.DiskUsage{AvailBytes: reserve - 1}, nil
	}
	return vfs.DiskUsage{AvailBytes: reserve}, nil
}

// TestAlmostFull has little room left on the disk: nothing is recorded, all can be
// read and pruned, and there is nothing to repair.
func TestAlmostFull(t *testing.T) {
	ctx := context.Background()
	files := &fullFS{FS: vfs.NewMem()}
	initOn(t, files)
	j := openOn(t, files)
	defer j.Close()
	entry := func(n uint64) []journal.Entry {
		return []journal.Entry{{Session: journaltest.Session(20_000, 1), Event: n, Report: fmt.Append(nil, n)}}
	}
	_, _, err := j.Append(ctx, entry(1))
	must(t, err)
	before := j.db
	files.full.Store(true)
	if _, _, err := j.Append(ctx, entry(2)); !errors.Is(err, journal.ErrUnavailable) {
		t.Fatalf("%v, want %v", err, journal.ErrUnavailable)
	}
	if cursor, err := j.Cursor(ctx); err != nil || cursor != 1 {
		t.Fatalf("the last event is %d, %v", cursor, err)
	}
	must(t, j.Prune(ctx, 1))
	files.full.Store(false)
	_, _, err = j.Append(ctx, entry(2))
	must(t, err)
	if j.db != before {
		t.Error("the database was opened again, and had not failed")
	}
}

// TestDamagedEntries plants what no journal writes: whatever reads it says so.
func TestDamagedEntries(t *testing.T) {
	ctx := context.Background()
	id := journaltest.Session(20_000, 1)
	o := journaltest.Order(id, 1, 10)
	fill := func(t *testing.T) (*Journal, vfs.FS) {
		files := vfs.NewMem()
		initOn(t, files)
		j := openOn(t, files)
		_, err := j.Attach(ctx, id, "one", 0, false)
		must(t, err)
		for n := uint64(1); n <= 3; n++ {
			_, _, err = j.Append(ctx, []journal.Entry{{Session: id, Event: n, Report: fmt.Append(nil, n), Request: &journal.Request{ID: journaltest.ID(1)}, Order: o}})
			must(t, err)
		}
		must(t, j.Alias(ctx, journaltest.Session(20_000, 2), id))
		must(t, j.Beat(ctx, "one", o.Expires))
		must(t, j.Halt(ctx, true))
		f, err := j.FIX(ctx, id)
		must(t, err)
		must(t, f.Save(ctx, 1, []byte("message"), 2))
		return j, files
	}
	use := func(t *testing.T, files vfs.FS) error {
		j := &Journal{files: files}
		if err := j.openDatabase(); err != nil {
			return errors.Join(err, j.release())
		}
		defer j.Close()
		_, reports := j.Reports(ctx, id, 1, 10)
		_, alias := j.Resolve(ctx, journaltest.Session(20_000, 2))
		_, named := j.Orders(ctx, o.ClOrdID)
		f, fix := j.FIX(ctx, id)
		if fix == nil {
			_, fix = f.Messages(ctx, 1, 9)
		}
		return errors.Join(reports, alias, named, fix, j.Requests(ctx, id, func(journal.Request) error { return nil }))
	}
	j, files := fill(t)
	must(t, j.Close())
	must(t, use(t, files))
	orderValue := func(change func(b []byte) []byte) []byte {
		b, err := journal.AppendOrder([]byte{version}, o)
		must(t, err)
		return change(b)
	}
	other := journaltest.Order(id, 2, 10)
	for name, plant := range map[string]struct{ key, value []byte }{
		"no cursor":                 {cursorKey, nil},
		"a cursor cut short":        {cursorKey, appendNumber(3)[:8]},
		"a halt with more":          {haltedKey, wrap(1)},
		"a short first epoch":       {prunedKey, wrap(1)},
		"a beat after 9999":         {beatKey("one"), appendNumber(latestMilli + 1)},
		"a session of version 2":    {sessionKey(spaceSessions, id), append([]byte{2}, appendSession(&journal.Session{})[1:]...)},
		"a session cut short":       {sessionKey(spaceSessions, id), appendSession(&journal.Session{})[:20]},
		"a session's key cut short": {sessionKey(spaceSessions, id)[:20], appendSession(&journal.Session{})},
		"a session kept twice":      {sessionKey(spaceSessions, id), bytes.Replace(appendSession(&journal.Session{KeepOrders: true}), []byte{1}, []byte{1}, 1)[:41]},
		"a report more":             {sessionKey(spaceSessions, id), appendSession(&journal.Session{NextSeqNo: 1, LastReport: 4})},
		"a report without version":  {numberKey(spaceReports, id, 2), []byte("report")},
		"an empty report":           {numberKey(spaceReports, id, 2), wrap()},
		"a report number too long":  {append(numberKey(spaceReports, id, 2), 0), wrap(1)},
		"a request cut short":       {requestKey(id, journaltest.ID(1)), appendRequest(journal.Request{})[:40]},
		"a request's key too long":  {append(requestKey(id, journaltest.ID(1)), 0), appendRequest(journal.Request{})},
		"an order cut short":        {orderKey(spaceOrders, id, o.ID), orderValue(func(b []byte) []byte { return b[:50] })},
		"an order with more":        {orderKey(spaceOrders, id, o.ID), orderValue(func(b []byte) []byte { return append(b, 0) })},
		"another's order":           {orderKey(spaceOrders, id, other.ID), orderValue(func(b []byte) []byte { return b })},
		"a closed order is open":    {orderKey(spaceOrders, id, o.ID), orderValue(func(b []byte) []byte { b[2] &^= 1; return b })},
		"a mark of no order":        {orderKey(spaceOpen, id, other.ID), wrap()},
		"a mark with more":          {orderKey(spaceOpen, id, o.ID), wrap(1)},
		"a name of no order":        {nameKey(id, o.ClOrdID, other.ID), wrap()},
		"a name cut short":          {nameKey(id, o.ClOrdID, o.ID)[:50], wrap()},
		"an alias cut short":        {sessionKey(spaceAliases, journaltest.Session(20_000, 2)), wrap(1, 2, 3)},
		"FIX numbers cut short":     {sessionKey(spaceFIX, id), wrap(1, 2, 3)},
		"a FIX message of nothing":  {numberKey(spaceMessages, id, 1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			j, files := fill(t)
			if name == "another's order" { // it is only read where it is named
				must(t, j.db.Set(nameKey(id, o.ClOrdID, other.ID), wrap(), pebble.Sync))
			}
			must(t, j.db.Set(plant.key, plant.value, pebble.Sync))
			must(t, j.Close())
			if err := use(t, files); !errors.Is(err, ErrDamaged) {
				t.Errorf("%v, want %v", err, ErrDamaged)
			}
		})
	}
}

// FuzzValues expects that every value that is decoded is encoded to the same bytes.
func FuzzValues(f *testing.F) {
	id := journaltest.Session(20_000, 1)
	f.Add(appendSession(&journal.Session{ID: id, Attachment: 3, Gateway: "one", NextSeqNo: 1, Grace: 5}))
	f.Add(appendRequest(journal.Request{Digest: [32]byte{1}, Report: 7}))
	f.Add(fixNumbers{send: 1, receive: 2}.encode())
	f.Add(appendNumber(7))
	f.Fuzz(func(t *testing.T, b []byte) {
		again := make(map[string][]byte)
		errs := make(map[string]error)
		s, err := parseSession(id, b)
		if errs["session"] = err; err == nil {
			again["session"] = appendSession(s)
		}
		r, err := parseRequest(journaltest.ID(1), b)
		if errs["request"] = err; err == nil {
			again["request"] = appendRequest(r)
		}
		n, err := parseFIX(b)
		if errs["FIX numbers"] = err; err == nil {
			again["FIX numbers"] = n.encode()
		}
		number, err := parseNumber("a number", b)
		if errs["number"] = err; err == nil {
			again["number"] = appendNumber(number)
		}
		_, errs["order"] = parseOrder(id, order.OrderID{1}, b)
		for name, err := range errs {
			if err != nil && !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, got := range again {
			if !bytes.Equal(got, b) {
				t.Errorf("%s: %x is encoded as %x", name, b, got)
			}
		}
	})
}
