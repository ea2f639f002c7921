package registrar

import (
	"bytes"
	cryptorand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// sampleFolder makes a closed registry with six records: five admissions and a
// revocation of the first. The checkpoint covers the first published of them.
func sampleFolder(t *testing.T, published int) string {
	t.Helper()
	dir, r := newRegistrar(t)
	for n := range 6 {
		if n == published {
			checkpoint(t, r, testTime)
		}
		if n < 5 {
			fakeAdmit(t, r, uint64(n))
			continue
		}
		if _, err := r.RevokeIndex(0, testTime); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, r)
	return dir
}

func edit(t *testing.T, dir, name string, change func([]byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// snapshot returns the contents of all files in a folder but the lock.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(b)
	}
	delete(files, lockFile)
	return files
}

func sameFiles(t *testing.T, what string, before, after map[string]string) {
	t.Helper()
	for name := range after {
		if before[name] != after[name] {
			t.Errorf("%s: %s was changed", what, name)
		}
	}
	if len(before) != len(after) {
		t.Errorf("%s: %d files, before %d", what, len(after), len(before))
	}
}

// TestDamage plants damage that no interrupted write explains. Opening must say
// otherDigit changes a digit of base64 that is so far from the end into another one.
func otherDigit(fromEnd int) func([]byte) []byte {
	return func(b []byte) []byte {
		at := &b[len(b)-fromEnd]
		if *at == 'A' {
			*at = 'B'
		} else {
			*at = 'A'
		}
		return b
	}
}

// what is wrong and where, and change nothing.
func TestDamage(t *testing.T) {
	flip := func(at int64) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 0x10; return b }
	}
	// resum changes a record and makes its checksum right again.
	resum := func(n uint64, at int, v byte) func([]byte) []byte {
		return func(b []byte) []byte {
			rec := b[offsetOf(n):][:recordSize]
			rec[at] = v
			binary.BigEndian.PutUint32(rec[sumOffset:], crc32.Checksum(rec[:sumOffset], castagnoli))
			return b
		}
	}
	for _, test := range []struct {
		name      string
		published int
		file      string
		change    func([]byte) []byte
		record    int64
		offset    int64
		reason    string
	}{
		{"a byte in the middle", 1, journalFile, flip(offsetOf(2) + 70), 2, offsetOf(2), "the checksum is wrong"},
		{"a byte of the first record", 0, journalFile, flip(offsetOf(0)), 0, offsetOf(0), "the checksum is wrong"},
		{"a byte of a published record", 5, journalFile, flip(offsetOf(4)), 4, offsetOf(4), "covers 5 records"},
		{"published records cut off", 5, journalFile, func(b []byte) []byte { return b[:offsetOf(3)] }, 3, offsetOf(3), "it is missing"},
		{"a published record cut in two", 5, journalFile, func(b []byte) []byte { return b[:offsetOf(4)+9] }, 4, offsetOf(4), "only 9 bytes"},
		{"a record left out", 1, journalFile, func(b []byte) []byte {
			return append(b[:offsetOf(2)], b[offsetOf(3):]...)
		}, 2, offsetOf(2), "says that it is record 3"},
		{"a record twice", 1, journalFile, func(b []byte) []byte {
			return append(b[:offsetOf(3)], b[offsetOf(2):]...)
		}, 3, offsetOf(3), "says that it is record 2"},
		{"a length that is no write's", 1, journalFile, func(b []byte) []byte {
			return append(b, make([]byte, (maxBatch+1)*recordSize)...)
		}, 6, offsetOf(6), "no interrupted write leaves"},
		{"a checksum right, an operation unknown", 1, journalFile, resum(5, 0, 9), 5, offsetOf(5), "operation kind 9"},
		{"an admission into a taken index", 1, journalFile, resum(2, 11, 1), 2, offsetOf(2), "holds leaf"},
		{"a revocation of an empty index", 1, journalFile, resum(5, 11, 9), 5, offsetOf(5), "the index is empty"},
		{"a key in a revocation", 1, journalFile, resum(5, keyOffset, 1), 5, offsetOf(5), "public key"},
		{"a hash in a revocation", 1, journalFile, resum(5, hashOffset+31, 1), 5, offsetOf(5), "hash of a nullifier key"},
		{"a longer key", 1, journalFile, resum(2, keyOffset+40, 1), 2, offsetOf(2), "public key"},
		{"a hash that is not canonical", 1, journalFile, resum(2, hashOffset, 0xff), 2, offsetOf(2), "not a canonical"},
		{"time goes back", 1, journalFile, resum(2, timeOffset+6, 0), 2, offsetOf(2), "before the record before it"},
		{"a time out of range", 1, journalFile, resum(2, timeOffset, 0x80), 2, offsetOf(2), "time"},
		{"durable before it was written", 1, journalFile, resum(2, durableOffset+7, 3), 2, offsetOf(2), "were durable"},
		{"the journal's header", 1, journalFile, flip(30), -1, 0, "the checksum is wrong"},
		{"the journal's magic", 1, journalFile, flip(3), -1, 0, "zkkex/v1 journal"},
		{"an empty journal", 1, journalFile, func([]byte) []byte { return nil }, -1, 0, "zkkex/v1 journal"},
		{"the newest checkpoint", 1, checkpointFile, flip(40), -1, 0, ""},
		{"the newest checkpoint gone from the file of all", 1, checkpointsFile, func(b []byte) []byte {
			_, entries, _ := registry.CutCheckpointsHeader(b)
			return b[:len(b)-len(entries)]
		}, -1, -1, "is missing"},
		{"a signature in the file of all", 1, checkpointsFile, otherDigit(9), -1, -1, "not signed"},
		{"the header of the file of all", 1, checkpointsFile, flip(4), -1, 0, "zkkex/v1 checkpoints"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := sampleFolder(t, test.published)
			edit(t, dir, test.file, test.change)
			before := snapshot(t, dir)
			r, err := Open(dir)
			if err == nil {
				t.Fatalf("opened: %v", errors.Join(errors.New(r.Report().String()), r.Close()))
			}
			var damage *DamageError
			if !errors.As(err, &damage) || !errors.Is(err, ErrDamaged) {
				t.Fatalf("%v; want a DamageError", err)
			}
			if damage.File != test.file || damage.Record != test.record || test.offset >= 0 && damage.Offset != test.offset {
				t.Errorf("%v: names %s, record %d, byte %d; expected %s, %d, %d", err,
					damage.File, damage.Record, damage.Offset, test.file, test.record, test.offset)
			}
			if !strings.Contains(err.Error(), test.reason) {
				t.Errorf("%v: expected it to say %q", err, test.reason)
			}
			sameFiles(t, test.name, before, snapshot(t, dir))
		})
	}
}

// TestDuplicateKeyInJournal writes what the registrar never would: a second
// live leaf for a key's negative.
func TestDuplicateKeyInJournal(t *testing.T) {
	dir := sampleFolder(t, 1)
	c := *fakeCandidate(3)
	c.key[31] ^= 0x80
	c.leaf = fakeCandidate(77).leaf
	edit(t, dir, journalFile, func(b []byte) []byte {
		rec := &record{op: c.operation(0), key: c.key, nullifierHash: c.nullifierHash, sequence: 6, durable: 6, unix: testTime.Unix()}
		b, err := rec.appendTo(b)
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
	_, err := Open(dir)
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "the live member at index 3 again") {
		t.Fatalf("%v; want damage that names the live member", err)
	}
}

// TestTornTail cuts the journal short at every byte of the last batch, and
// spoils bytes in it: opening must save what is left, cut it off, and say so.
func TestTornTail(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func([]byte) []byte
		good   uint64
	}{
		{"one byte of a record", func(b []byte) []byte { return b[:offsetOf(5)+1] }, 5},
		{"all but one byte", func(b []byte) []byte { return b[:offsetOf(6)-1] }, 5},
		{"a byte spoilt", func(b []byte) []byte { b[offsetOf(5)+100] ^= 1; return b }, 5},
		{"zeros", func(b []byte) []byte { clear(b[offsetOf(5):]); return b }, 5},
		{"records that were never there", func(b []byte) []byte { return append(b, make([]byte, 500)...) }, 6},
		{"garbage", func(b []byte) []byte { return append(b, "garbage"...) }, 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := sampleFolder(t, 3)
			edit(t, dir, journalFile, test.change)
			journal := snapshot(t, dir)[journalFile]
			r := mustOpen(t, dir)
			report := r.Report()
			if report.Records != test.good || r.Sequence() != test.good || !report.Repaired() {
				t.Fatalf("%v; expected %d records and a repair", report, test.good)
			}
			want := journal[offsetOf(test.good):]
			saved, err := os.ReadFile(filepath.Join(dir, report.TornFile))
			if err != nil || string(saved) != want || report.TornBytes != int64(len(want)) {
				t.Errorf("saved %d bytes, %v; expected %d", len(saved), err, len(want))
			}
			for _, word := range []string{"interrupted", report.TornFile, fmt.Sprint(len(want))} {
				if !strings.Contains(report.String(), word) {
					t.Errorf("report %q does not say %q", report, word)
				}
			}
			fakeAdmit(t, r, 50)
			checkpoint(t, r, testTime)
			if err := checkPublic(r); err != nil {
				t.Error(err)
			}
			reopen(t, dir, r)
		})
	}
}

// TestTornBatch spoils the first record of a batch of several that was written
// with one sync: the good ones behind it are part of the same write.
func TestTornBatch(t *testing.T) {
	dir := sampleFolder(t, 3)
	r := mustOpen(t, dir)
	next := uint64(10)
	admitSome(t, r, &next, 4)
	mustClose(t, r)
	edit(t, dir, journalFile, func(b []byte) []byte { b[offsetOf(7)] ^= 1; return b })
	r = mustOpen(t, dir)
	if r.Sequence() != 7 || r.Report().TornBytes != 3*recordSize {
		t.Fatalf("%v; expected 7 records", r.Report())
	}
	mustClose(t, r)
	// The same again: the saved file is not overwritten.
	r = mustOpen(t, dir)
	admitSome(t, r, &next, 1)
	mustClose(t, r)
	edit(t, dir, journalFile, func(b []byte) []byte { return b[:offsetOf(7)+5] })
	first := r.Report().TornFile
	r = mustOpen(t, dir)
	if r.Report().TornFile == first {
		t.Errorf("%s was used twice", first)
	}
	if info, err := os.Stat(filepath.Join(dir, r.Report().TornFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v, %v; expected mode 0600, it holds public keys", r.Report().TornFile, info.Mode(), err)
	}
}

func TestTornCheckpoints(t *testing.T) {
	dir := sampleFolder(t, 3)
	edit(t, dir, checkpointsFile, func(b []byte) []byte { return append(b, "412\nregistry.exam"...) })
	if err := os.Remove(filepath.Join(dir, checkpointFile)); err != nil {
		t.Fatal(err)
	}
	r := mustOpen(t, dir)
	report := r.Report()
	if !report.TornCheckpoint || !report.CheckpointRestored || r.Published().Sequence != 3 {
		t.Fatalf("%v, published %d", report, r.Published().Sequence)
	}
	if !strings.Contains(report.String(), "checkpoint") {
		t.Errorf("report %q says nothing of it", report)
	}
	checkpoint(t, r, testTime)
	r = reopen(t, dir, r)
	if r.Published().Sequence != 6 {
		t.Errorf("published %d, expected 6", r.Published().Sequence)
	}
}

// TestPublishedRootIsChecked replaces the journal by another one of the same
// registry, with as many records.
func TestPublishedRootIsChecked(t *testing.T) {
	dir := sampleFolder(t, 6)
	r := mustOpen(t, dir)
	checkpoint(t, r, testTime)
	mustClose(t, r)
	edit(t, dir, journalFile, func(b []byte) []byte {
		b = b[:offsetOf(0)]
		for n := range uint64(6) {
			c := fakeCandidate(n + 100)
			rec := &record{op: c.operation(n), key: c.key, nullifierHash: c.nullifierHash, sequence: n, durable: n, unix: testTime.Unix()}
			var err error
			if b, err = rec.appendTo(b); err != nil {
				t.Fatal(err)
			}
		}
		return b
	})
	if _, err := Open(dir); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "another journal belongs to it") {
		t.Fatalf("%v; want damage", err)
	}
}

func TestJournalOfAnotherRegistry(t *testing.T) {
	dir, other := sampleFolder(t, 1), sampleFolder(t, 1)
	edit(t, dir, journalFile, func([]byte) []byte { return []byte(snapshot(t, other)[journalFile]) })
	if _, err := Open(dir); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "journal of registry") {
		t.Fatalf("%v; want damage", err)
	}
}

func TestOpenTwice(t *testing.T) {
	dir, r := newRegistrar(t)
	if _, err := Open(dir); !errors.Is(err, ErrLocked) {
		t.Fatalf("second Open: %v; want ErrLocked", err)
	}
	reopen(t, dir, r)
}

func TestInit(t *testing.T) {
	dir, r := newRegistrar(t)
	if r.Name() != testName || r.CapacityBits() != 20 || r.Sequence() != 0 || r.Published() != nil {
		t.Errorf("new registry: %q, 2^%d, %d operations", r.Name(), r.CapacityBits(), r.Sequence())
	}
	if id, err := registry.ID(r.VerifierKey()); err != nil || id != r.ID() {
		t.Errorf("id %v, %v; expected %v", id, err, r.ID())
	}
	for name, want := range map[string]fs.FileMode{signerFile: 0o600, journalFile: 0o600, configFile: 0o644, checkpointsFile: 0o644} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; expected mode %v", name, info.Mode(), err, want)
		}
	}
	if err := Init(dir, testName, 20); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Init over a registry: %v; want fs.ErrExist", err)
	}
	for _, test := range []struct {
		name  string
		bits  int
		class error
	}{{"", 20, zkkex.ErrMalformed}, {"a b", 20, zkkex.ErrMalformed}, {testName, 21, zkkex.ErrUnsupported}} {
		path := filepath.Join(t.TempDir(), "new")
		if err := Init(path, test.name, test.bits); !errors.Is(err, test.class) {
			t.Errorf("Init %q, 2^%d: %v; want %v", test.name, test.bits, err, test.class)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Init %q, 2^%d left a folder", test.name, test.bits)
		}
	}
	if err := InitSchedule(filepath.Join(t.TempDir(), "new"), testName, 20, zkkex.Schedule{}); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("epochs of 0 seconds: %v; want ErrMalformed", err)
	}
}

func TestOpenNothing(t *testing.T) {
	if _, err := Open(t.TempDir()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no registry in") {
		t.Fatalf("%v; want fs.ErrNotExist", err)
	}
}

func TestSignerFile(t *testing.T) {
	dir := sampleFolder(t, 1)
	path := filepath.Join(dir, signerFile)
	secret := strings.Split(snapshot(t, dir)[signerFile], "\n")[1]
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("mode 0640: %v; want an error that says chmod 600", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	other := sampleFolder(t, 1)
	for _, test := range []struct {
		name   string
		change func([]byte) []byte
		reason string
	}{
		{"truncated", func(b []byte) []byte { return b[:len(b)-9] }, "expected two lines"},
		{"spoilt", func(b []byte) []byte { return bytes.Replace(b, []byte("PRIVATE+KEY"), []byte("PRIVATE+KEX"), 1) }, "no private key"},
		{"too long", func(b []byte) []byte { return append(b, make([]byte, maxConfigFile)...) }, "at most"},
		{"another registry's", func([]byte) []byte { return []byte(snapshot(t, other)[signerFile]) }, "restore the one that belongs here"},
	} {
		was := snapshot(t, dir)[signerFile]
		edit(t, dir, signerFile, test.change)
		_, err := Open(dir)
		if err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v; want %q", test.name, err, test.reason)
		}
		if err != nil && strings.Contains(err.Error(), secret[len(secret)-20:]) {
			t.Errorf("%s: the error quotes the key", test.name)
		}
		edit(t, dir, signerFile, func([]byte) []byte { return []byte(was) })
	}
	mustClose(t, mustOpen(t, dir))
}

func TestParseConfig(t *testing.T) {
	dir := sampleFolder(t, 1)
	good := snapshot(t, dir)[configFile]
	for _, text := range []string{
		"", good[:len(good)-1], good + "\n", strings.Replace(good, "v1", "v2", 1), strings.Replace(good, "key ", "key  ", 1),
		strings.Replace(good, "epochs 0 86400", "epochs 0 0", 1), strings.Replace(good, "epochs 0 86400", "epochs 0 086400", 1),
		strings.Replace(good, "epochs 0 86400", "epochs -1 86400", 1), strings.Replace(good, "epochs 0 86400", "epochs 0", 1),
	} {
		if c, err := parseConfig([]byte(text)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%q: %+v, %v; want ErrMalformed", text, c, err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	_, verifierKey, err := note.GenerateKey(cryptorand.Reader, testName)
	if err != nil {
		f.Fatal(err)
	}
	c, err := newConfig(verifierKey, zkkex.DefaultSchedule())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.encode())
	f.Add([]byte(configMagic + "\nkey k\nepochs 0 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseConfig(b)
		if err == nil && !bytes.Equal(c.encode(), b) {
			t.Fatalf("parsed %q, encoded %q", b, c.encode())
		}
	})
}

// TestTimeNeverGoesBack admits with a clock that does.
func TestTimeNeverGoesBack(t *testing.T) {
	dir, r := newRegistrar(t)
	fakeAdmit(t, r, 0)
	checkpoint(t, r, testTime)
	req := admission(fakeCandidate(1))
	earlier := testTime.Add(-48 * time.Hour)
	r.submit(earlier, req)
	if req.err != nil {
		t.Fatal(req.err)
	}
	if c := checkpoint(t, r, earlier); !c.Time.Equal(testTime) {
		t.Errorf("checkpoint of %v, expected %v", c.Time, testTime)
	}
	if m, err := r.Member(1); err != nil || !m.Time.Equal(testTime) {
		t.Errorf("admitted at %v, %v; expected %v", m.Time, err, testTime)
	}
	reopen(t, dir, r)
}
