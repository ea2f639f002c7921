package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/order"
)

// freshEnv makes this test binary a fresh process: that of the cold start, or, with
// an argument, the venue of idle channels or a gateway.
const freshEnv = "ZKKEX_TEST_BENCH_FRESH"

func TestMain(m *testing.M) {
	quiet.Gnark()
	if os.Getenv(freshEnv) == "" {
		os.Exit(m.Run())
	}
	run := func() error { return RunCold(context.Background(), os.Stdout) }
	if len(os.Args) > 1 {
		other := RunIdle
		if os.Args[1] == "gateway" {
			other = RunOrders
		}
		run = func() error { return other(context.Background(), os.Stdin, os.Stdout) }
	}
	if err := run(); err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
}

// A run of everything has the shape that it promises. How long anything took is
// not for a test to judge.
func TestRun(t *testing.T) {
	t.Setenv(freshEnv, "1")
	dir, seen := t.TempDir(), make(map[Part]bool)
	r, err := Run(t.Context(), Options{
		Rounds: 1, Quick: true, Cold: []string{os.Args[0]}, Idle: []string{os.Args[0], "idle"}, Dir: dir,
		Gateway:  []string{os.Args[0], "gateway"},
		Progress: func(p Part, _ string) { seen[p] = true },
	})
	if err != nil {
		t.Fatal(err)
	}
	timed := make(map[Part]int)
	for _, timing := range r.Timings {
		timed[timing.Part]++
		if timing.Rounds < 1 || timing.Wall.Median <= 0 || timing.Wall.Min > timing.Wall.Median || timing.Wall.Median > timing.Wall.P90 {
			t.Errorf("no distribution: %+v", timing)
		}
	}
	for _, l := range r.Latencies {
		timed[l.Part]++
		if l.Orders < 1 || l.P50 <= 0 || l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max {
			t.Errorf("no distribution: %+v", l)
		}
	}
	for _, p := range Parts() {
		if p == Flood && !manyAddresses() {
			continue
		}
		if !seen[p] || timed[p] == 0 {
			t.Errorf("part %s: progress reported %t, %d timings", p, seen[p], timed[p])
		}
	}
	for _, prefix := range []string{"prove: ", "verify: ", "open and first proof", "open, zkkex", "first message", "records of", "an idle channel", "order to ack", "an order that rests", "gateway killed"} {
		if !hasTarget(r, prefix) {
			t.Errorf("no target %q in %+v", prefix, r.Targets)
		}
	}
	checkJSON(t, r)
	checkTable(t, r)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRatiosFirst(t *testing.T) {
	var r Report
	for _, unit := range []string{"seconds", "ratio", "bytes", "ratio of wall time"} {
		r.target(unit, 1, unit, 1)
	}
	r.ratiosFirst()
	var got []string
	for _, target := range r.Targets {
		got = append(got, target.Unit)
	}
	if want := []string{"ratio", "ratio of wall time", "seconds", "bytes"}; !slices.Equal(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
}

func hasTarget(r *Report, prefix string) bool {
	for _, target := range r.Targets {
		if strings.HasPrefix(target.Name, prefix) && target.Value != 0 && target.Limit > 0 {
			return true
		}
	}
	return false
}

// checkJSON reads the JSON form back, and finds every name in use.
func checkJSON(t *testing.T, r *Report) {
	t.Helper()
	encoded, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again Report
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&again); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r, &again) {
		t.Error("the report changed on its way through JSON")
	}
	for _, name := range []string{`"format":"zkkex/v1 benchmark"`, `"targets":[`, `"counts":[`, `"openings":[`, `"p99_ns"`, `"timings":[`, `"machine":{"cpu"`, `"wall_ns":{"median"`, `"cpu_ns"`, `"allocs"`, `"alloc_bytes"`} {
		if !bytes.Contains(encoded, []byte(name)) {
			t.Errorf("no %s in %s", name, encoded)
		}
	}
}

func checkTable(t *testing.T, r *Report) {
	t.Helper()
	var table strings.Builder
	if err := r.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	ratios, times := strings.Index(table.String(), "prove: "), strings.Index(table.String(), "wall")
	if ratios < 0 || times < ratios {
		t.Errorf("expected ratios before times:\n%s", &table)
	}
	for _, timing := range r.Timings {
		if !strings.Contains(table.String(), timing.Name) {
			t.Errorf("no %q in the table", timing.Name)
		}
	}
	for _, o := range r.Openings {
		if !strings.Contains(table.String(), o.Name) {
			t.Errorf("no %q in the table", o.Name)
		}
	}
}

func TestRunRefusesOptions(t *testing.T) {
	if _, err := Run(t.Context(), Options{Parts: []Part{"tea"}}); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("an unknown part: %v", err)
	}
	if _, err := Run(t.Context(), Options{Rounds: -1}); err == nil {
		t.Error("-1 rounds are accepted")
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Run(ctx, Options{Parts: []Part{Tree}, Progress: func(Part, string) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("expected %v, got %v", context.Canceled, err)
	}
}

func TestColdNeedsAProcess(t *testing.T) {
	for _, command := range [][]string{{"/nonexistent/program"}, {os.Args[0], "-test.run=^$"}} {
		if _, err := Run(t.Context(), Options{Parts: []Part{Cold}, Rounds: 1, Cold: command}); err == nil {
			t.Errorf("%v measured a cold start", command)
		}
	}
	r, err := Run(t.Context(), Options{Parts: []Part{Cold}})
	if err != nil || len(r.Timings) != 0 {
		t.Errorf("expected the part to be left out, got %+v, %v", r, err)
	}
}

// A gateway that does not start, or says something else, is an error, and without one
// there is nothing to measure.
func TestOrdersNeedAProcess(t *testing.T) {
	parts := []Part{Orders, OrderThroughput, Failover}
	for _, part := range parts {
		for _, command := range [][]string{{"/nonexistent"}, {"true"}, {"false"}, {"echo", "nothing"}} {
			if _, err := Run(t.Context(), Options{Parts: []Part{part}, Quick: true, Gateway: command}); err == nil {
				t.Errorf("%v makes no error", command)
			}
		}
	}
	r, err := Run(t.Context(), Options{Parts: parts})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Latencies) != 0 || len(r.Timings) != 0 {
		t.Errorf("measured %+v", r)
	}
}

// What is lost, comes twice or is not known is counted.
func TestFlowCountsFaults(t *testing.T) {
	entered := map[order.ID]*entered{
		{1}: {answers: 1}, {2}: {answers: 1}, {3}: {answers: 2}, {4}: {answers: 1, err: errNoGateway}, {5}: {answers: 1}, {6}: {},
	}
	once := func(ids ...byte) map[order.ID]int {
		seen := make(map[order.ID]int)
		for _, id := range ids {
			seen[order.ID{id}]++
		}
		return seen
	}
	for _, c := range []struct {
		resting, reports map[order.ID]int
		want             int
	}{
		{once(1, 2, 3, 4, 5, 6), once(1, 2, 3, 4, 5, 6), 3},
		{once(1, 3, 4, 5, 6), once(1, 2, 3, 4, 5, 6), 4},
		{once(1, 2, 3, 4, 5, 6), once(1, 1, 2, 3, 4, 5, 6), 4},
		{once(1, 2, 2, 3, 4, 5, 6), once(1, 2, 3, 4, 5, 6), 4},
		{once(1, 2, 3, 4, 5, 6, 7), once(1, 2, 3, 4, 5, 6), 4},
		{once(1, 2, 3, 4, 5, 6), once(1, 3, 4, 5, 6), 4},
	} {
		f := &flow{entered: entered, reports: c.reports}
		if got := f.count(c.resting); got != c.want {
			t.Errorf("%v resting, %v reported: %d faults, expected %d", c.resting, c.reports, got, c.want)
		}
	}
}

func TestIdleNeedsAProcess(t *testing.T) {
	for _, command := range [][]string{{"/nonexistent/program"}, {os.Args[0], "-test.run=^$"}} {
		if _, err := Run(t.Context(), Options{Parts: []Part{Idle}, Quick: true, Idle: command}); err == nil {
			t.Errorf("%v measured idle channels", command)
		}
	}
	r, err := Run(t.Context(), Options{Parts: []Part{Idle}})
	if err != nil || len(r.Timings) != 0 {
		t.Errorf("expected the part to be left out, got %+v, %v", r, err)
	}
}

func TestMissed(t *testing.T) {
	var r Report
	r.target("met", 0.5, "ratio", 0.5)
	r.target("missed", 0.51, "ratio", 0.5)
	if missed := r.Missed(); len(missed) != 1 || missed[0].Name != "missed" {
		t.Errorf("missed %+v", missed)
	}
}

// Where the system does not tell CPU time, the ratio says that it is one of
// wall times.
func TestRatioWithoutCPUTime(t *testing.T) {
	var r Report
	wall := func(ns int64) Timing { return Timing{Wall: Spread{Median: ns}} }
	r.ratio("both", Timing{CPU: Spread{Median: 3}}, Timing{CPU: Spread{Median: 4}}, 1)
	r.ratio("wall", wall(1), wall(2), 1)
	want := []Target{{"both", 0.75, "ratio", 1, true}, {"wall", 0.5, "ratio of wall time", 1, true}}
	if !reflect.DeepEqual(r.Targets, want) {
		t.Errorf("got %+v, expected %+v", r.Targets, want)
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []int64
		want   Spread
	}{
		{[]int64{7}, Spread{7, 7, 7}},
		{[]int64{2, 1}, Spread{1, 1, 2}},
		{[]int64{5, 3, 1, 2, 4}, Spread{3, 1, 5}},
		{[]int64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, Spread{5, 1, 9}},
	} {
		if got := spread(c.values); got != c.want {
			t.Errorf("%v: got %+v, expected %+v", c.values, got, c.want)
		}
	}
}

// Every round runs every task, in turns, and the first is not counted.
func TestInterleave(t *testing.T) {
	var order strings.Builder
	named := func(name string) task {
		return task{name: name, batch: 2, before: func() error { order.WriteString("-"); return nil },
			run: func() error { order.WriteString(name); return nil }}
	}
	timings, err := interleave(t.Context(), 3, named("a"), named("b"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "-aa-bb" + "-bb-aa" + "-aa-bb" + "-bb-aa"; order.String() != want {
		t.Errorf("ran %s, expected %s", &order, want)
	}
	if len(timings) != 2 || timings[0].Name != "a" || timings[1].Name != "b" || timings[0].Rounds != 3 {
		t.Errorf("got %+v", timings)
	}
	broken := errors.New("broken")
	if _, err := interleave(t.Context(), 1, task{run: func() error { return broken }}); !errors.Is(err, broken) {
		t.Errorf("expected the task's error, got %v", err)
	}
}

func TestMeasureCountsAllocations(t *testing.T) {
	var keep [][]byte
	s, err := (&task{batch: 10, run: func() error { keep = append(keep, make([]byte, 1<<16)); return nil }}).measure()
	if err != nil {
		t.Fatal(err)
	}
	if s.allocs < 1 || s.bytes < 1<<16 || len(keep) != 10 {
		t.Errorf("%d allocations of %d bytes, expected one of 65536 at least", s.allocs, s.bytes)
	}
}

func TestMachine(t *testing.T) {
	m := describeMachine()
	if m.Cores < 1 || m.Procs < 1 || !strings.HasPrefix(m.Go, "go") || m.OS == "" || m.Arch == "" {
		t.Errorf("%+v", m)
	}
}

func TestFormat(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "-", 999: "999 ns", 1500: "1.5 us", 2_340_000: "2.34 ms", 1_250_000_000: "1.25 s",
	} {
		if got := formatTime(ns); got != want {
			t.Errorf("%d ns: got %q, expected %q", ns, got, want)
		}
	}
	for size, want := range map[float64]string{0: "-", 39.25: "39.2 B", 2048: "2 KiB", 3 << 20: "3 MiB", 24 << 30: "24 GiB"} {
		if got := formatBytes(size); got != want {
			t.Errorf("%v bytes: got %q, expected %q", size, got, want)
		}
	}
}

// Either form of a connection string can name another database.
func TestWithDatabase(t *testing.T) {
	for dsn, want := range map[string]string{
		"host=db dbname=orders user=me":                "host=db dbname=orders user=me dbname=other",
		"postgres://me@db:5432/orders?sslmode=disable": "postgres://me@db:5432/other?sslmode=disable",
	} {
		got, err := withDatabase(dsn, "other")
		if err != nil || got != want {
			t.Fatalf("%s: %s, %v", dsn, got, err)
		}
		c, err := pgx.ParseConfig(got)
		if err != nil || c.Database != "other" {
			t.Fatalf("%s connects to %q: %v", got, c.Database, err)
		}
	}
	if _, err := withDatabase("postgres://me:secret@db/%", "other"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Fatalf("%v", err)
	}
}
