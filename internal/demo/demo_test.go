package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/slots"
)

func TestMain(m *testing.M) {
	quiet.Gnark()
	os.Exit(m.Run())
}

// small is a demo that is as short as it can be.
func small(out io.Writer) Options {
	return Options{Out: out, Members: 20, Traders: MinTraders, latencies: 10}
}

// reasons are what the story must show refused, in order.
var reasons = []string{
	"unknown_order", // from a later session, without the order's key
	"replay", "opens_exceeded", "opens_exceeded", "bad_proof", "bad_proof", "bad_proof", "wrong_binding", "bad_proof", "wrong_scope",
	"slot_used", "slot", "limit", "bad_proof", "no_slot",
	"unknown_order", "unknown_order", "unknown_order", "duplicate_order", "invalid_order", "invalid_order", "unknown_symbol",
	"banned", "banned", "generation", "not_member",
}

func TestRun(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	o := small(&out)
	o.Progress = &out
	if err := Run(t.Context(), o); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	text := out.String()
	for _, want := range append(slices.Clone(reasons), "development ones", "How long it takes", "14 things done, 26 refused") {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > width+1 {
			t.Errorf("more than %d columns: %q", width, line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }) {
			t.Errorf("more than plain text: %q", line)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRunJSON(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	var out bytes.Buffer
	o := small(&out)
	o.JSON, o.Dir, o.Traders = true, dir, MinTraders+1
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	checkSchema(t, out.Bytes())
	var r report
	decoder := json.NewDecoder(&out)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Error("more than one object")
	}
	if !r.OK || r.Format != reportFormat || r.Parameters != "dev" || r.Members != 24 || r.Traders != 4 {
		t.Errorf("got %+v", r)
	}
	var got []string
	for _, refusal := range r.Refusals {
		got = append(got, refusal.Reason)
		if refusal.Attempt == "" || refusal.Detail == "" || !slices.Contains([]string{"venue", "prover", "trader"}, refusal.By) {
			t.Errorf("%+v", refusal)
		}
	}
	if !slices.Equal(got, reasons) {
		t.Errorf("refused for %v, expected %v", got, reasons)
	}
	checkReport(t, &r)
	checkKept(t, dir, &r)
}

func checkReport(t *testing.T, r *report) {
	t.Helper()
	v := &r.Views
	if v.Trader.Order != v.Venue.Order || v.Trader.Nullifier != v.Venue.Nullifier || v.Venue.Reports == 0 || v.Venue.Admissions < 5 {
		t.Errorf("views %+v", v)
	}
	if len(v.Network.Records) < 2 || !v.Network.Records[0].ToVenue || v.Network.Hello[0] != 1856 {
		t.Errorf("the network saw %+v", v.Network)
	}
	if len(r.Losses) != 2 || r.Losses[0].Open != flow || r.Losses[1].Open != flow || r.Losses[1].Seconds <= 0 {
		t.Errorf("losses %+v", r.Losses)
	}
	for i, sought := range []int{7, 17} {
		if s := r.Searches[i]; len(s.Sought) != sought || s.Planted < sought || s.Bytes == 0 {
			t.Errorf("search %+v", s)
		}
	}
	if len(r.Latencies) != 2 || r.Latencies[0].Count != timedOpens || r.Latencies[1].Count != 10 || len(r.Timings) < 8 {
		t.Errorf("latencies %+v, timings %+v", r.Latencies, r.Timings)
	}
}

// checkSchema compares the names and types of all fields with those that programs
// rely on: testdata/schema.txt changes only together with reportFormat.
func checkSchema(t *testing.T, text []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	fields := map[string]bool{}
	collect(fields, "", v)
	var got strings.Builder
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintln(&got, f)
	}
	want, err := os.ReadFile("testdata/schema.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("the fields are\n%s\nexpected\n%s", &got, want)
	}
}

func collect(fields map[string]bool, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			collect(fields, path+"."+name, value)
		}
	case []any:
		for _, value := range v {
			collect(fields, path+"[]", value)
		}
	default:
		fields[fmt.Sprintf("%s %s", path, reflect.TypeOf(v))] = true
	}
}

// checkKept checks that each party has its own folder, that the recording is there,
// and that a second demo does not go over the first.
func checkKept(t *testing.T, dir string, r *report) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"alice", "bob", "carol", "dave", "gateway", "network", "registrar", "registrar-queue", "venue"}; !slices.Equal(names, want) {
		t.Errorf("folders %v, expected %v", names, want)
	}
	recorded := 0
	files, err := filepath.Glob(filepath.Join(dir, "network", "*.bin"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		recorded += len(b)
	}
	if len(files) != 2*r.Views.Network.Connections || recorded != r.Views.Network.Bytes {
		t.Errorf("%d files with %d bytes of the network, the report has %+v", len(files), recorded, r.Views.Network)
	}
	o := small(io.Discard)
	o.Dir = dir
	if err := Run(t.Context(), o); !errors.Is(err, fs.ErrExist) {
		t.Errorf("into a folder that is not empty: %v", err)
	}
}

func TestRunRefusesOptions(t *testing.T) {
	for _, o := range []Options{
		{},
		{Out: io.Discard, Members: MinMembers - 1},
		{Out: io.Discard, Members: MaxMembers + 1},
		{Out: io.Discard, Members: -1},
		{Out: io.Discard, Traders: MinTraders - 1},
		{Out: io.Discard, Traders: MaxTraders + 1},
	} {
		if err := Run(t.Context(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

type fullDisk struct{ room int }

var errFull = errors.New("no space left")

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.room -= len(b); d.room < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestRunReportsAFailingOutput(t *testing.T) {
	if err := Run(t.Context(), small(&fullDisk{room: 500})); !errors.Is(err, errFull) {
		t.Errorf("expected %v, got %v", errFull, err)
	}
}

func TestRunStops(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, small(io.Discard)); !errors.Is(err, context.Canceled) {
		t.Errorf("expected %v, got %v", context.Canceled, err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A leak in what the network recorded, or in what the venue stored, ends the demo,
// and nothing after it is told.
func TestLeaksEndTheDemo(t *testing.T) {
	for where, plant := range map[string]func(*evidence){
		"the network": func(e *evidence) { e.network = append(e.network, symbol...) },
		"the venue's disk": func(e *evidence) {
			c := e.trader.Public().Commitment()
			e.disk.files = append(e.disk.files, c.String()...)
		},
	} {
		var out bytes.Buffer
		o := small(&out)
		o.plant = plant
		err := Run(t.Context(), o)
		if !errors.Is(err, ErrUnexpected) || !strings.Contains(err.Error(), where+" holds the") || strings.Contains(out.String(), "Everything came out") {
			t.Errorf("%s: %v\n%s", where, err, &out)
		}
	}
}

// Something that is accepted though it must be refused ends the demo: here, the order
// of somebody else's is one's own.
func TestAcceptanceEndsTheDemo(t *testing.T) {
	var out bytes.Buffer
	o := small(&out)
	o.sabotage = func(p *play) { p.traders[offender].desk = p.traders[taker].desk }
	err := Run(t.Context(), o)
	if !errors.Is(err, ErrUnexpected) || !strings.Contains(err.Error(), "cancelling somebody else's order: expected a refusal with unknown_order, and it was accepted") {
		t.Errorf("%v\n%s", err, &out)
	}
	if strings.Contains(out.String(), "Everything came out") {
		t.Errorf("and it is told as a success:\n%s", &out)
	}
}

// The planted faults: a refusal that does not come, or comes for another reason,
// ends the demo.
func TestUnexpected(t *testing.T) {
	s := newStory(&Options{Out: io.Discard})
	wrongCode := &order.RejectError{Report: &order.ExecutionReport{OrdRejReason: order.RejOther}, Err: order.ErrInvalid}
	for name, got := range map[string]error{
		"accepted":       nil,
		"another reason": zkkex.Reject(zkkex.WrongEpoch, ""),
		"another code":   wrongCode,
		"undecided":      errors.New("disk full"),
	} {
		if err := s.refused("replay", zkkex.SlotUsed, got); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: a venue's answer passes: %v", name, err)
		}
		if err := s.refusedBy("one more", "prover", slots.ErrNoSlot, "no_slot", got); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: a prover's answer passes: %v", name, err)
		}
		if err := s.refusedOrder("a price", order.ErrInvalid, order.RejInvalidPriceIncrement, "invalid_order", got); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: an order's answer passes: %v", name, err)
		}
		a := attack{what: "a copy", want: handshake.OpensExceeded}
		if err := s.refusedLate(a, func() uint64 { return 0 }, func() error { return got }); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: a channel's end passes: %v", name, err)
		}
	}
	// The right end of the channel, and no count of the reason.
	a := attack{what: "a copy", want: handshake.OpensExceeded}
	if err := s.refusedLate(a, func() uint64 { return 0 }, func() error { return handshake.AlertInternal }); !errors.Is(err, ErrUnexpected) {
		t.Errorf("a reason that the venue did not count passes: %v", err)
	}
	if len(s.report.Refusals) != 0 {
		t.Errorf("recorded %+v", s.report.Refusals)
	}
	if err := s.refused("replay", zkkex.SlotUsed, fmt.Errorf("wrapped: %w", zkkex.Reject(zkkex.SlotUsed, ""))); err != nil {
		t.Errorf("the expected refusal: %v", err)
	}
}

// A report that is missing, or comes twice, is noticed.
func TestReportsAreCounted(t *testing.T) {
	d := &desk{name: "bob"}
	for _, n := range []uint64{1, 0, 2, 3} {
		if err := d.count(n); err != nil {
			t.Errorf("report %d: %v", n, err)
		}
	}
	for _, n := range []uint64{3, 1, 5} {
		if err := d.count(n); !errors.Is(err, ErrUnexpected) {
			t.Errorf("report %d after 3: %v", n, err)
		}
	}
}

// Colours are for terminals: with them, nothing but colours is added.
func TestColour(t *testing.T) {
	var plain, coloured bytes.Buffer
	for _, s := range []*story{newStory(&Options{Out: &plain}), newStory(&Options{Out: &coloured, Colour: true})} {
		s.title("An act")
		s.accepted("done")
		s.refusal(refusal{"tried", "venue", "replay", 0, "why"})
		if err := s.finish(""); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(coloured.String(), "\x1b") {
		t.Errorf("plain %q, coloured %q", &plain, &coloured)
	}
	stripped := coloured.String()
	for _, c := range []string{bold, green, red, faint} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+c+"m", "")
	}
	if stripped = strings.ReplaceAll(stripped, "\x1b[0m", ""); stripped != plain.String() {
		t.Errorf("without colours: %q, expected %q", stripped, &plain)
	}
}
