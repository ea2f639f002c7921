package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/slots"
)

func TestMain(m *testing.M) {
	quiet.Gnark()
	os.Exit(m.Run())
}

const testMembers = 300

// reasons are what the story must show refused, in order.
var reasons = []string{
	"slot_used", "slot_used", "bad_proof", "bad_proof", "bad_proof", "wrong_binding", "bad_proof", "wrong_scope",
	"no_slot", "slot", "limit", "bad_proof",
	"stale_root", "not_member",
}

func TestRun(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Out: &out, Members: testMembers}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	text := out.String()
	for _, want := range append(slices.Clone(reasons), "Development parameters", "How long it took", "Everything came out as it must: 2 accepted, 14 refused.") {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 81 {
			t.Errorf("more than 80 columns: %q", line)
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
	if err := Run(t.Context(), Options{Out: &out, JSON: true, Members: testMembers, Dir: dir}); err != nil {
		t.Fatal(err)
	}
	var r report
	decoder := json.NewDecoder(&out)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		t.Error("more than one object")
	}
	if !r.OK || r.Format != reportFormat || r.Parameters != "dev" || r.Members != testMembers+1 {
		t.Errorf("got %+v", r)
	}
	var got []string
	for _, refusal := range r.Refusals {
		got = append(got, refusal.Reason)
		if refusal.Attempt == "" || refusal.Detail == "" || (refusal.By != "verifier" && refusal.By != "prover") {
			t.Errorf("%+v", refusal)
		}
	}
	if !slices.Equal(got, reasons) {
		t.Errorf("refused for %v, expected %v", got, reasons)
	}
	if len(r.Accepted) != 2 || len(r.Timings) < 5 || len(r.Presentation.Proof) != 256 || r.Presentation.Limit != limit {
		t.Errorf("got %+v", r)
	}
	checkKept(t, dir)
}

// checkKept checks that each party has its own folder, and that a second demo
// does not go over the first.
func checkKept(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"member", "registrar", "registrar-queue", "verifier", spentFolder}; !slices.Equal(names, want) {
		t.Errorf("folders %v, expected %v", names, want)
	}
	if err := Run(t.Context(), Options{Out: io.Discard, Dir: dir}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("into a folder that is not empty: %v", err)
	}
}

func TestRunRefusesOptions(t *testing.T) {
	for _, o := range []Options{
		{},
		{Out: io.Discard, Members: MinMembers - 1},
		{Out: io.Discard, Members: MaxMembers + 1},
		{Out: io.Discard, Members: -1},
	} {
		if err := Run(t.Context(), o); err == nil {
			t.Errorf("%+v is accepted", o)
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
	if err := Run(t.Context(), Options{Out: &fullDisk{room: 500}, Members: MinMembers}); !errors.Is(err, errFull) {
		t.Errorf("expected %v, got %v", errFull, err)
	}
}

func TestRunStops(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, Options{Out: io.Discard, Members: testMembers}); !errors.Is(err, context.Canceled) {
		t.Errorf("expected %v, got %v", context.Canceled, err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// The planted faults: a refusal that does not come, or comes for another
// reason, ends the demo.
func TestUnexpected(t *testing.T) {
	s := newStory(&Options{Out: io.Discard})
	for name, got := range map[string]error{
		"accepted":       nil,
		"another reason": zkkex.Reject(zkkex.WrongEpoch, ""),
		"undecided":      errors.New("disk full"),
	} {
		if err := s.refused("replay", zkkex.SlotUsed, got); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: a verifier's answer passes: %v", name, err)
		}
		if err := s.refusedBy("one more", "prover", slots.ErrNoSlot, "no_slot", got); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: a prover's answer passes: %v", name, err)
		}
	}
	if len(s.report.Refusals) != 0 {
		t.Errorf("recorded %+v", s.report.Refusals)
	}
	if err := s.refused("replay", zkkex.SlotUsed, fmt.Errorf("wrapped: %w", zkkex.Reject(zkkex.SlotUsed, ""))); err != nil {
		t.Errorf("the expected refusal: %v", err)
	}
}

// The planted leaks: each thing of a member's is found, in each form.
func TestLeakIsFound(t *testing.T) {
	secret, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if what := leak(bytes.Repeat([]byte{7}, 1000), secret); what != "" {
		t.Errorf("found %s in nothing", what)
	}
	public := secret.Public()
	for name, value := range map[string][32]byte{
		"public key": public.Bytes(), "public key's y coordinate": public.Y(), "hash of the nullifier key": public.NullifierKeyHash(),
		"commitment": public.Commitment(), "identity key": secret.RevealScalar(), "nullifier key": secret.RevealNullifierKey(),
	} {
		for _, form := range [][]byte{value[:], fmt.Appendf(nil, "%x", value)} {
			stored, err := everything(fstest.MapFS{"a/b": {Data: append([]byte("before "), form...)}})
			if err != nil {
				t.Fatal(err)
			}
			if leak(stored, secret) == "" {
				t.Errorf("%s is not found in %q", name, stored)
			}
		}
	}
	named, err := everything(fstest.MapFS{"a/" + public.Commitment().String(): {}})
	if err != nil {
		t.Fatal(err)
	}
	if leak(named, secret) != "commitment" {
		t.Error("a commitment in a file's name is not found")
	}
}
