package demo

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// hello is a first message of 8 bytes.
var hello = []byte{0, 6, 1, 1, 'h', 'e', 'l', 'o'}

// sealed is a record of so many bytes behind its header.
func sealed(n byte) []byte { return append([]byte{1, 0, n, 0, 0, 0, 0}, make([]byte, n)...) }

func TestParse(t *testing.T) {
	p, err := parse(slices.Concat(hello, sealed(20), sealed(30), sealed(40)[:30]))
	if err != nil || p.hello != 8 || !slices.Equal(p.records, []int{27, 37}) || !slices.Equal(p.ends, []int{35, 72}) {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := parse(slices.Concat(hello, []byte("BTC-USD"))); !errors.Is(err, ErrUnexpected) {
		t.Errorf("plaintext on the wire passes: %v", err)
	}
	if _, err := parse(hello[:3]); err == nil {
		t.Error("a part of a prefix passes")
	}
}

func TestBetween(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	w := &wire{pieces: []piece{
		{at(0), true, hello}, {at(1), false, hello},
		{at(10), true, sealed(20)[:5]}, {at(11), true, append(sealed(20)[5:], sealed(30)...)}, {at(12), false, sealed(25)},
		{at(99), true, sealed(21)},
	}}
	sizes, found, err := w.between(at(5), at(50))
	want := []record{{true, 27, 0}, {true, 37, 0}, {false, 32, 1000}}
	if err != nil || sizes != [2]int{8, 8} || !slices.Equal(found, want) {
		t.Errorf("%v, %+v, %v", sizes, found, err)
	}
}

// Whatever is on the wire, it is parsed or refused.
func FuzzParse(f *testing.F) {
	f.Add(hello)
	f.Add(slices.Concat(hello, sealed(20), sealed(30)))
	f.Add([]byte{0, 0, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parse(b)
		if err != nil {
			return
		}
		total := p.hello
		for i, n := range p.records {
			if total += n; total != p.ends[i] || total > len(b) {
				t.Errorf("record %d ends at %d of %d, expected %d", i, p.ends[i], len(b), total)
			}
		}
	})
}
