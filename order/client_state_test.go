package order

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/zkkex/zkkex"
)

// sampleState is the state that docs/spec/order-state.md shows.
func sampleState(t *testing.T) []*stateEntry {
	a, err := ParseID("00112233445566778899aabbccddeeff")
	b, err2 := ParseID("ffeeddccbbaa99887766554433221100")
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	s := secretOf(t, readIdentifierVectors(t).Identifiers[0].Secret)
	return []*stateEntry{
		{name: s.stateName([32]byte{1}), next: 1024},
		{name: s.stateName([32]byte{2}), next: 2048, saved: true, Saved: Saved{
			NextReport: 7, Unanswered: []Request{&OrderCancelRequest{ClOrdID: a, OrigClOrdID: b}},
		}},
	}
}

func TestStateSpec(t *testing.T) {
	text, err := os.ReadFile("../docs/spec/order-state.md")
	if err != nil {
		t.Fatal(err)
	}
	s := secretOf(t, readIdentifierVectors(t).Identifiers[0].Secret)
	seal, err := s.stateSeal()
	if err != nil {
		t.Fatal(err)
	}
	inside, err := encodeState(sampleState(t))
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, 12)
	for i := range nonce {
		nonce[i] = byte(i)
	}
	file := seal.Seal(append([]byte(StateMagic), nonce...), nonce, inside, []byte(StateMagic))
	squeezed := strings.Join(strings.Fields(string(text)), "")
	for name, b := range map[string][]byte{"inside": inside, "file": file[len(StateMagic):]} {
		if !strings.Contains(squeezed, hex.EncodeToString(b)) {
			t.Errorf("the specification does not show the %s %x", name, b)
		}
	}
	back, err := (&fileState{seal: seal}).open(file)
	if err != nil || !reflect.DeepEqual(back, sampleState(t)) {
		t.Errorf("read back: %+v, %v", back, err)
	}
}

// A number is given out once, whatever states are open on one file.
func TestStateReservesOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	secret := NewSecret()
	name := secret.stateName([32]byte{1})
	var mu sync.Mutex
	seen := map[uint64]bool{}
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			s, err := OpenState(path, secret)
			if err != nil {
				t.Error(err)
				return
			}
			for range 10 {
				first, err := s.Reserve(testContext(t), name, 16)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if seen[first] || first%16 != 0 {
					t.Errorf("%d was given out before", first)
				}
				seen[first] = true
				mu.Unlock()
			}
		})
	}
	work.Wait()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, name[:]) {
		t.Errorf("the file shows a name, or %v", err)
	}
}

func TestStateRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	secret := NewSecret()
	s, err := OpenState(path, secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reserve(t.Context(), StateName{1}, 1); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(good)
	changed[len(changed)-1] ^= 1
	for name, c := range map[string]struct {
		text   []byte
		secret *Secret
		reason string
	}{
		"another secret": {good, NewSecret(), "another order secret"},
		"one bit":        {changed, secret, "changed or damaged"},
		"cut":            {good[:len(StateMagic)+3], secret, "ends early"},
		"another file":   {[]byte("zkkex/v1 slots\n"), secret, "expected the first line"},
		"empty":          {nil, secret, "expected the first line"},
		"too long":       {make([]byte, MaxStateFile+1), secret, "at most"},
	} {
		if err := os.WriteFile(path, c.text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenState(path, c.secret); !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.Reserve(t.Context(), StateName{1}, 1); c.secret == secret && !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: a number was given out: %v", name, err)
		}
	}
	// The folder is gone: nothing is given out.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reserve(t.Context(), StateName{1}, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
}

// A state remembers the sessions used last, within its bound.
func TestStateIsBounded(t *testing.T) {
	f := &fileState{path: filepath.Join(t.TempDir(), "state")}
	var err error
	if f.seal, err = NewSecret().stateSeal(); err != nil {
		t.Fatal(err)
	}
	var entries []*stateEntry
	for i := range MaxStateNames {
		entries = append(entries, &stateEntry{name: StateName{byte(i), byte(i >> 8), 1}, next: 5})
	}
	text, err := encodeState(entries)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.path, f.close(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []StateName{{0, 0, 1}, {9, 9, 9}} { // the oldest, which is then the newest, and another
		if _, err := f.Reserve(t.Context(), name, 1); err != nil {
			t.Fatal(err)
		}
	}
	back, err := f.read()
	if err != nil || len(back) != MaxStateNames || back[0].name != entries[2].name || back[MaxStateNames-2].next != 6 {
		t.Errorf("%d names, %v", len(back), err)
	}
}

func FuzzParseState(f *testing.F) {
	f.Add([]byte{})
	f.Add(append(make([]byte, 24), 0))
	f.Add(append(make([]byte, 24), 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0))
	f.Add(append(make([]byte, 24), 2))
	request, _ := AppendRequest(nil, &OrderMassStatusRequest{ID: ID{1}})
	f.Add(append(append(make([]byte, 24), 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, byte(len(request))), request...))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, err := parseState(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("%v", err)
			}
			return
		}
		again, err := encodeState(entries)
		if err != nil || !bytes.Equal(b, again) {
			t.Errorf("%x is written as %x, %v", b, again, err)
		}
	})
}

// A process that takes up the session of one that died is told what that one was
// not, and asks after what was not answered: no order is entered twice, or late.
func TestTakeUpAfterACrash(t *testing.T) {
	v := newTestVenue(t)
	ctx := testContext(t)
	secret := NewSecret()
	state, err := OpenState(filepath.Join(t.TempDir(), "state"), secret)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{
		Secret: secret, State: state, WriteAhead: true, Reconnect: Never,
		Open: func(context.Context, Want) (Channel, error) { return v.dial([32]byte{1}) },
	}
	first, err := Dial(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Submit(ctx, anOrder()); err != nil {
		t.Fatal(err)
	}
	if r, err := first.Next(ctx); err != nil || r.Number != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	// The venue does two more without anybody hearing of it: it answers neither.
	v.mu.Lock()
	v.swallow = func() bool { return true }
	v.mu.Unlock()
	for range 2 {
		if _, err := first.Send(ctx, anOrder(), nil); err != nil {
			t.Fatal(err)
		}
	}
	for n := 0; n < 3; {
		v.mu.Lock()
		n = len(v.entered)
		v.mu.Unlock()
	}
	_ = first.Close() // as a crash would

	v.mu.Lock()
	v.swallow = nil
	v.mu.Unlock()
	second, err := Dial(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	// The last one that was taken comes again, since nobody asked for another one.
	for n := uint64(1); n <= 3; n++ {
		r, err := second.Next(ctx)
		if err != nil || r.Number != n {
			t.Fatalf("report %d: %+v, %v", n, r, err)
		}
	}
	o, err := second.Submit(ctx, anOrder())
	if err != nil {
		t.Fatal(err)
	}
	if s := second.State(); len(s.Open) != 4 || s.Unanswered != 0 {
		t.Errorf("state %+v", s)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.entered) != 4 || v.entered[o.State().ID] != 1 {
		t.Errorf("entered %v", v.entered)
	}
	for id, n := range v.entered {
		if n != 1 {
			t.Errorf("order %s was entered %d times", id, n)
		}
	}
}
