package registry

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
)

func mustEncode(t testing.TB, op Operation) []byte {
	t.Helper()
	b, err := op.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOperationRoundTrip(t *testing.T) {
	for _, op := range []Operation{admit(0, 1), admit(1<<32-1, 2), revoke(7, 3), grow()} {
		b := mustEncode(t, op)
		if len(b) != OperationSize {
			t.Errorf("%v: %d bytes, expected %d", op.Kind, len(b), OperationSize)
		}
		if got, err := ParseOperation(b); err != nil || got != op {
			t.Errorf("%v: parsed %+v, %v", op.Kind, got, err)
		}
	}
}

func TestParseOperationRefuses(t *testing.T) {
	good := mustEncode(t, admit(5, 1))
	change := func(at int, v byte) []byte {
		b := bytes.Clone(good)
		b[at] = v
		return b
	}
	order := canonical.Order()
	for _, test := range []struct {
		name   string
		b      []byte
		class  error
		reason string
	}{
		{"empty", nil, zkkex.ErrMalformed, "expected 44 bytes, got 0"},
		{"short", good[:43], zkkex.ErrMalformed, "expected 44 bytes, got 43"},
		{"long", append(bytes.Clone(good), 0), zkkex.ErrMalformed, "expected 44 bytes, got 45"},
		{"kind 0", change(0, 0), zkkex.ErrUnsupported, "operation kind 0"},
		{"kind 4", change(0, 4), zkkex.ErrUnsupported, "operation kind 4"},
		{"byte 1", change(1, 1), zkkex.ErrMalformed, "byte 1 is 0x01"},
		{"key type", change(3, 9), zkkex.ErrUnsupported, "key type 0x0009"},
		{"index", change(7, 1), zkkex.ErrMalformed, "expected below 2^32"},
		{"empty leaf", append(bytes.Clone(good[:12]), make([]byte, 32)...), zkkex.ErrMalformed, "empty leaf"},
		{"leaf of the order", append(bytes.Clone(good[:12]), order[:]...), zkkex.ErrMalformed, "not a canonical field element"},
		{"grow with an index", append([]byte{3, 0, 0, 0}, good[4:]...), zkkex.ErrMalformed, "expected zeros"},
	} {
		_, err := ParseOperation(test.b)
		if !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v; want %v with %q", test.name, err, test.class, test.reason)
		}
	}
}

func TestAppendOperationRefusesWhatParseRefuses(t *testing.T) {
	for _, op := range []Operation{{}, {Kind: Admit}, {Kind: Grow, Index: 1}, {Kind: 9}} {
		if b, err := op.AppendBinary([]byte("x")); err == nil || string(b) != "x" {
			t.Errorf("%+v: appended %x, %v; want an error and nothing appended", op, b, err)
		}
	}
}

func FuzzParseOperation(f *testing.F) {
	for _, op := range []Operation{admit(0, 1), revoke(1<<32-1, 2), grow()} {
		f.Add(mustEncode(f, op))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		op, err := ParseOperation(b)
		if err != nil {
			return
		}
		if again := mustEncode(t, op); !bytes.Equal(again, b) {
			t.Fatalf("parsed %x, encoded %x", b, again)
		}
	})
}
