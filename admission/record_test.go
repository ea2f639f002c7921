package admission_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/admissiontest"
)

func encoded(t testing.TB) []byte {
	t.Helper()
	b, err := admissiontest.Record(t, testEpoch, 1, 1).AppendBinary(nil)
	must(t, err)
	return b
}

func TestRecordRoundTrip(t *testing.T) {
	b := encoded(t)
	r, err := admission.ParseRecord(b)
	if err != nil || *r != *admissiontest.Record(t, testEpoch, 1, 1) || len(b) != admission.RecordSize {
		t.Fatalf("%+v, %v", r, err)
	}
	again, err := r.AppendBinary([]byte("prefix"))
	if err != nil || !bytes.Equal(again, append([]byte("prefix"), b...)) {
		t.Errorf("%x, %v", again, err)
	}
}

// TestRecordSpec compares the sample in the specification.
func TestRecordSpec(t *testing.T) {
	text, err := os.ReadFile("../docs/spec/admission.md")
	must(t, err)
	squeezed := strings.Join(strings.Fields(string(text)), "")
	if !strings.Contains(squeezed, hex.EncodeToString(encoded(t))) {
		t.Errorf("docs/spec/admission.md does not show %x", encoded(t))
	}
}

// TestDamagedRecords has encodings with one fault each, and the reason that is
// found.
func TestDamagedRecords(t *testing.T) {
	at := func(i int, v ...byte) func(b []byte) []byte {
		return func(b []byte) []byte {
			copy(b[i:], v)
			return b
		}
	}
	for name, test := range map[string]struct {
		change func(b []byte) []byte
		class  error
		reason string
	}{
		"empty":               {func([]byte) []byte { return nil }, zkkex.ErrMalformed, "expected 222 bytes, got 0"},
		"short":               {func(b []byte) []byte { return b[1:] }, zkkex.ErrMalformed, "got 221"},
		"long":                {func(b []byte) []byte { return append(b, 0) }, zkkex.ErrMalformed, "got 223"},
		"digest":              {at(0, 0xff), zkkex.ErrMalformed, "that of its statement and key"},
		"circuit":             {at(32, 0xff), zkkex.ErrUnsupported, "circuit"},
		"limit of 0":          {at(34, 0, 0, 0, 0), zkkex.ErrMalformed, "limit is 0"},
		"another limit":       {at(37, 9), zkkex.ErrMalformed, "that of its statement and key"},
		"root too large":      {at(38, 0xff), zkkex.ErrMalformed, "malformed root"},
		"nullifier too large": {at(102, 0xff), zkkex.ErrMalformed, "malformed nullifier"},
		"another key":         {at(186, 0xff), zkkex.ErrMalformed, "that of its statement and key"},
		"epoch of no length":  {at(174, 0, 0, 0, 0), zkkex.ErrMalformed, "length is 0"},
		"epoch out of range":  {at(178, 0xff), zkkex.ErrMalformed, "out of range"},
	} {
		r, err := admission.ParseRecord(test.change(encoded(t)))
		if !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %+v, %v; want %v that says %q", name, r, err, test.class, test.reason)
		}
	}
}

// FuzzParseRecord: what is accepted has one encoding.
func FuzzParseRecord(f *testing.F) {
	f.Add(encoded(f))
	f.Add(encoded(f)[1:])
	f.Add(make([]byte, admission.RecordSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := admission.ParseRecord(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatalf("%v, want a typed error", err)
			}
			return
		}
		if again, err := r.AppendBinary(nil); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x is accepted and encoded as %x, %v", b, again, err)
		}
	})
}

func TestNewRecordRefuses(t *testing.T) {
	for name, p := range map[string]*zkkex.Presentation{
		"a message": {Authorization: zkkex.Authorization{Kind: zkkex.AuthorizeMessage}, Epoch: zkkex.Epoch{Schedule: zkkex.DefaultSchedule()}},
		"no epoch":  {Authorization: zkkex.SessionKey([32]byte{1})},
	} {
		if r, err := admission.NewRecord(p, 0); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %+v, %v; want %v", name, r, err, zkkex.ErrMalformed)
		}
	}
}
