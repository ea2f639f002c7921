package field

import (
	"errors"
	"math/big"
	"testing"

	"github.com/zkkex/zkkex/internal/canonical"
)

func TestParseRefusesTheOrder(t *testing.T) {
	if _, err := Parse(canonical.Order()); !errors.Is(err, canonical.ErrNotCanonical) {
		t.Fatalf("the order was accepted: %v", err)
	}
}

// A nullifier n and n + r are one element: only the first has an encoding.
func TestParseThenBytesIsTheIdentity(t *testing.T) {
	r := canonical.Order()
	last := new(big.Int).Sub(new(big.Int).SetBytes(r[:]), big.NewInt(1))
	for _, v := range []*big.Int{new(big.Int), big.NewInt(1), last} {
		b := [32]byte(v.FillBytes(make([]byte, 32)))
		e, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if Bytes(e) != b {
			t.Errorf("%x became %x", b, Bytes(e))
		}
	}
}

// The one stated method from hashes to elements: big-endian, modulo r.
func TestFromHashReduces(t *testing.T) {
	var top [32]byte
	for i := range top {
		top[i] = 0xff
	}
	r := canonical.Order()
	order := new(big.Int).SetBytes(r[:])
	want := new(big.Int).Mod(new(big.Int).SetBytes(top[:]), order)
	got := FromHash(top)
	if got.BigInt(new(big.Int)).Cmp(want) != 0 {
		t.Errorf("got %v, expected %v", got.String(), want)
	}
	if zero := FromHash(r); !zero.IsZero() {
		t.Errorf("the order became %v, expected 0", zero.String())
	}
}

// Leaf, node and nullifier lanes never meet: tags differ, and slot and key type
// fit beside them.
func TestLanesAreDistinct(t *testing.T) {
	leaf := FromUint64(2 | 0xffff<<16)
	for _, slot := range []uint32{0, 1, ^uint32(0)} {
		lane := NullifierLane(slot)
		if lane.Equal(&leaf) {
			t.Fatal("a nullifier's lane is a leaf's")
		}
		want := new(big.Int).Lsh(big.NewInt(3), 64)
		want.Add(want, big.NewInt(int64(slot)))
		if lane.BigInt(new(big.Int)).Cmp(want) != 0 {
			t.Errorf("slot %d: lane is %v, expected 3*2^64 + slot", slot, lane.String())
		}
	}
}

func FuzzParse(f *testing.F) {
	r := canonical.Order()
	f.Add(r[:])
	f.Add(make([]byte, 32))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) != 32 {
			return
		}
		e, err := Parse([32]byte(data))
		if err == nil && Bytes(e) != [32]byte(data) {
			t.Fatalf("%x is accepted and encodes as %x", data, Bytes(e))
		}
	})
}
