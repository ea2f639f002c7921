package registrar

import (
	"bytes"
	"errors"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// sampleRecords are one record of each kind.
func sampleRecords() []*record {
	c := fakeCandidate(1)
	admitted := &record{op: c.operation(7), key: c.key, nullifierHash: c.nullifierHash, sequence: 9, durable: 8, unix: testTime.Unix()}
	revoked := &record{op: admitted.op, sequence: 10, durable: 10, unix: latestUnix}
	revoked.op.Kind = registry.Revoke
	device := fakeDevice(1).record(3, testTime.Unix())
	delegate := &record{op: c.operation(8), key: c.key, nullifierHash: c.nullifierHash, sequence: 11, unix: testTime.Unix()}
	delegate.delegation = delegation{until: latestUnix, device: 10}
	return []*record{admitted, revoked, {op: registry.Operation{Kind: registry.Grow}}, device, delegate}
}

func TestRecordRoundTrip(t *testing.T) {
	for _, want := range sampleRecords() {
		b, err := want.appendTo(nil)
		if err != nil || len(b) != recordSize {
			t.Fatalf("%v: %d bytes, %v; expected %d", want.op.Kind, len(b), err, recordSize)
		}
		if got, err := parseRecord(b); err != nil || *got != *want {
			t.Errorf("%v: parsed %+v, %v; expected %+v", want.op.Kind, got, err, want)
		}
		for i := range b {
			b[i] ^= 0x80
			if _, err := parseRecord(b); !errors.Is(err, errChecksum) {
				t.Errorf("%v, byte %d changed: %v; want errChecksum", want.op.Kind, i, err)
			}
			b[i] ^= 0x80
		}
		if _, err := parseRecord(b[:recordSize-1]); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%v, a byte short: %v; want ErrMalformed", want.op.Kind, err)
		}
	}
}

func TestAppendRecordRefuses(t *testing.T) {
	for i, change := range []func(*record){
		func(r *record) { r.durable = r.sequence + 1 },
		func(r *record) { r.unix = -1 },
		func(r *record) { r.unix = latestUnix + 1 },
		func(r *record) { r.key[32] = 1 },
		func(r *record) { r.nullifierHash = [32]byte{0xff} },
		func(r *record) { r.op.Kind = 0 },
		func(r *record) { r.op.Kind = registry.Revoke },
	} {
		rec := *sampleRecords()[0]
		change(&rec)
		if b, err := rec.appendTo([]byte("x")); err == nil || string(b) != "x" {
			t.Errorf("change %d: appended %d bytes, %v; want an error", i, len(b), err)
		}
	}
}

func FuzzParseRecord(f *testing.F) {
	for _, rec := range sampleRecords() {
		b, err := rec.appendTo(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == recordSize {
			b = resealed(b) // or the fuzzer would never get past the checksum
		}
		rec, err := parseRecord(b)
		if err != nil {
			return
		}
		again, err := rec.appendTo(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("parsed %x, encoded %x, %v", b, again, err)
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	f.Add(header{capacityBits: 20}.encode())
	f.Add(header{capacityBits: 32, id: zkkex.RegistryID{1}}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == recordSize {
			b = resealed(b)
		}
		h, err := parseHeader(b)
		if err == nil && !bytes.Equal(h.encode(), b) {
			t.Fatalf("parsed %x, encoded %x", b, h.encode())
		}
	})
}
