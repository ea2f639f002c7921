package registrar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// deviceSteps are operations of which each writes two records with one sync.
type deviceSteps struct {
	device        *keys.Public
	first, second *Delegation
	steps         []func(*Registrar) error
}

func newDeviceSteps(t *testing.T) *deviceSteps {
	s := &deviceSteps{
		device: newDevice(t, zkkex.KeyP256, "a", 1),
		first:  delegationTo(t, newMember(t), 1, day),
		second: delegationTo(t, newMember(t), 1, 2*day),
	}
	renewed := *s.second
	renewed.Until = renewed.Until.Add(day)
	delegate := func(d *Delegation) func(*Registrar) error {
		return func(r *Registrar) error { _, err := r.AdmitDevice(s.device, d, testTime); return err }
	}
	s.steps = []func(*Registrar) error{
		delegate(s.first),
		delegate(s.second), // in the first one's place
		delegate(&renewed), // with another end
		func(r *Registrar) error {
			_, err := r.RevokeKey(s.device, testTime)
			if errors.Is(err, ErrNoMember) {
				return nil // the step was done before
			}
			return err
		},
		delegate(s.first), // it comes back
	}
	return s
}

// TestTornDelegations cuts the journal at many places in each write of several
// records, as a crash does: between the old delegate's revocation and the new one's
// admission, between a device and its delegate, within a record. What is opened must
// be a state that is right, and the same operation again must lead to where it would
// have led.
func TestTornDelegations(t *testing.T) {
	steps := newDeviceSteps(t)
	dir, r := newRegistrar(t)
	var roots []zkkex.Root
	for _, step := range steps.steps {
		if err := step(r); err != nil {
			t.Fatal(err)
		}
		roots = append(roots, r.Root())
	}
	if want := uint64(2 * len(steps.steps)); r.Sequence() != want {
		t.Fatalf("%d operations, expected %d", r.Sequence(), want)
	}
	mustClose(t, r)
	files := snapshot(t, dir)
	stride := int64(41)
	if deep() {
		stride = 1
	}
	for size := offsetOf(0) + 1; size < offsetOf(uint64(2*len(steps.steps))); size += stride {
		torn := filepath.Join(t.TempDir(), "torn")
		restore(t, torn, files, files[journalFile][:size])
		records := uint64(size/recordSize) - 1
		r := mustOpen(t, torn)
		if r.Sequence() != records || r.Report().TornBytes != size%recordSize {
			t.Fatalf("%d bytes: %v; expected %d records", size, r.Report(), records)
		}
		if err := checkDelegates(r); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		step := records / 2 // the one that was interrupted, or was next
		if err := steps.steps[step](r); err != nil {
			t.Fatalf("%d bytes, step %d again: %v", size, step, err)
		}
		if err := checkDelegates(r); err != nil {
			t.Fatalf("%d bytes, after step %d: %v", size, step, err)
		}
		if got := r.Root(); got != roots[step] {
			t.Fatalf("%d bytes: root %v after step %d, expected %v", size, got, step, roots[step])
		}
		mustClose(t, reopen(t, torn, r))
	}
}

// restore makes a registry's folder of files and a journal.
func restore(t *testing.T, dir string, files map[string]string, journal string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if name == journalFile {
			content = journal
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDamagedDelegations writes delegates that the registrar never would.
func TestDamagedDelegations(t *testing.T) {
	device, gone := newDevice(t, zkkex.KeyP256, "a", 1), newDevice(t, zkkex.KeyP256, "b", 2)
	first, member := delegationTo(t, newMember(t), 1, day), newMember(t)
	dir, r := newRegistrar(t)
	mustAdmitDevice(t, r, device, first, testTime)
	mustAdmit(t, r, withHash(t, member, 1), testTime)
	mustAdmitDevice(t, r, gone, nil, testTime)
	alone := newDevice(t, zkkex.KeySecp256k1, "c", 4)
	mustAdmitDevice(t, r, alone, nil, testTime)
	if _, err := r.RevokeKey(gone, testTime); err != nil {
		t.Fatal(err)
	}
	mustClose(t, r)
	files := snapshot(t, dir)
	const records, aloneRecord = 6, 4
	delegate := func(hash byte, of uint64) *record {
		rec := newCandidate(withHash(t, newMember(t), hash)).record(3, testTime.Unix())
		rec.delegation = delegation{until: testTime.Unix() + 60, device: of}
		return rec
	}
	for name, test := range map[string]struct {
		rec    *record
		reason string
	}{
		"good, so that the others show something": {delegate(4, aloneRecord), ""},
		"a second delegate":                       {delegate(1, 0), "second delegate"},
		"a delegate's delegate":                   {delegate(1, 1), "no device"},
		"a member's delegate":                     {delegate(1, 2), "no device"},
		"of a device that is gone":                {delegate(2, 3), "not live"},
		"of a revocation":                         {delegate(2, 5), "no device"},
		"of another nullifier key":                {delegate(5, aloneRecord), "another nullifier key"},
		"of itself":                               {delegate(4, records), "delegate of record 6"},
		"of a record to come":                     {delegate(4, 1<<63), "delegate of record"},
		"a device before its delegate": {func() *record {
			rec := newCandidate(device).record(0, testTime.Unix()).revocation(testTime.Unix())
			return rec
		}(), "before its delegate"},
	} {
		t.Run(name, func(t *testing.T) {
			test.rec.sequence, test.rec.durable = records, records
			journal := files[journalFile] + string(unchecked(t, test.rec))
			damaged := filepath.Join(t.TempDir(), "damaged")
			restore(t, damaged, files, journal)
			r, err := Open(damaged)
			if test.reason == "" {
				if err != nil {
					t.Fatal(err)
				}
				mustClose(t, r)
				return
			}
			var damage *DamageError
			if !errors.As(err, &damage) || damage.Record != records || !strings.Contains(err.Error(), test.reason) {
				t.Fatalf("%v; want damage of record %d that says %q", err, records, test.reason)
			}
		})
	}
}

// unchecked encodes a record that appendTo may refuse.
func unchecked(t *testing.T, rec *record) []byte {
	t.Helper()
	device := rec.delegation.device
	if rec.isDelegate() {
		rec.delegation.device = 0
	}
	b, err := rec.appendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	if rec.isDelegate() {
		binary.BigEndian.PutUint64(b[deviceOffset:], device)
	}
	return resealed(b)
}

func TestDelegateRecords(t *testing.T) {
	c := fakeCandidate(1)
	good := func() *record {
		rec := c.record(7, testTime.Unix())
		rec.sequence, rec.durable = 9, 8
		rec.delegation = delegation{until: latestUnix, device: 8}
		return rec
	}
	b, err := good().appendTo(nil)
	if err != nil || len(b) != recordSize {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if got, err := parseRecord(b); err != nil || *got != *good() {
		t.Errorf("parsed %+v, %v; expected %+v", got, err, good())
	}
	for name, change := range map[string]func(*record){
		"an end before 1970":      func(r *record) { r.delegation.until = -1 },
		"an end too late":         func(r *record) { r.delegation.until = latestUnix + 1 },
		"no end, but a device":    func(r *record) { r.delegation.until = 0 },
		"its own device":          func(r *record) { r.delegation.device = 9 },
		"a device that delegates": func(r *record) { r.op.KeyType = zkkex.KeyEdDSA },
		"a revocation":            func(r *record) { r.op.Kind, r.key, r.nullifierHash = registry.Revoke, [maxKeySize]byte{}, [32]byte{} },
		"a key that is too long":  func(r *record) { r.key[keys.PointSize] = 1 },
	} {
		rec := good()
		change(rec)
		if _, err := rec.appendTo(nil); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
	for at := paddingOffset; at < hashOffset; at++ {
		changed := append([]byte(nil), b...)
		changed[at] = 1
		if _, err := parseRecord(resealed(changed)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("byte %d after the delegation: %v; want ErrMalformed", at, err)
		}
	}
	for _, first := range []byte{0, 1, 4, 0x82} {
		device := newCandidate(newDevice(t, zkkex.KeyP256, "a", 1)).record(0, 0)
		device.key[0] = first
		if _, err := device.appendTo(nil); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("a device's key that begins with %d: %v; want ErrMalformed", first, err)
		}
	}
}

func TestLinks(t *testing.T) {
	var l links
	const far = 3*linksChunk + 17
	l.join(0, far, 600)
	l.join(far+1, 1, 660)
	l.join(2, 3, 30)
	for _, pair := range [][2]uint64{{0, far}, {far + 1, 1}, {2, 3}} {
		for i, index := range pair {
			if got, ok := l.partner(index); !ok || got != pair[1-i] {
				t.Errorf("the partner of %d is %d, %v; want %d", index, got, ok, pair[1-i])
			}
			if got, ok := l.delegateOf(index); ok != (i == 0) || ok && got != pair[1] {
				t.Errorf("the delegate of %d is %d, %v", index, got, ok)
			}
		}
	}
	if len(l.chunks) != 4 || l.chunks[1] != nil || l.chunks[2] != nil {
		t.Errorf("chunks without delegates take memory")
	}
	for _, test := range []struct {
		now  int64
		want string
	}{
		{-1, "[]"}, {29, "[]"}, {30, "[3]"}, {599, "[3]"}, {600, fmt.Sprintf("[3 %d]", uint64(far))},
		{1 << 40, fmt.Sprintf("[1 3 %d]", uint64(far))},
	} {
		if got := fmt.Sprint(l.ended(test.now)); got != test.want {
			t.Errorf("at %d, %s have ended, want %s", test.now, got, test.want)
		}
	}
	l.part(far)
	l.part(2)
	l.part(5) // nothing
	if _, ok := l.partner(0); ok || l.count != 1 {
		t.Errorf("%d delegations are left, expected 1", l.count)
	}
	l.join(0, 5, latestUnix)
	if got := l.ended(latestUnix - 61); len(got) != 1 {
		t.Errorf("%v have ended a minute before the last second, expected one", got)
	}
	if got := l.ended(latestUnix); len(got) != 2 {
		t.Errorf("%v have ended in the last second, expected two", got)
	}
}
