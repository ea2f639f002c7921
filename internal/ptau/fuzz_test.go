package ptau_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"github.com/zkkex/zkkex/internal/ptau"
)

// sample is a file of snarkjs that does not change: power 2, two contributions and
// a beacon.
func sample(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/sample.ptau")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzOpen: whatever the bytes are, they are read in full or refused by a check.
func FuzzOpen(f *testing.F) {
	one := shorter(sample(f), 1)
	f.Add(one)
	f.Add(shorter(one, 0))
	f.Add(one[:200])
	f.Add([]byte("ptau\x01\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := ptau.Open(bytes.NewReader(b), int64(len(b)))
		if err == nil {
			err = try(t, file)
		}
		var refused *ptau.Error
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%v is no *ptau.Error", err)
		}
	})
}

// shorter leaves the first contributions of a file, so that many can be tried.
func shorter(b []byte, contributions int) []byte {
	s := layout(b)[7]
	size := contribution(b, contributions+1).at - s.at
	b = bytes.Clone(b[:s.at+size])
	binary.LittleEndian.PutUint64(b[s.at-8:], uint64(size))
	binary.LittleEndian.PutUint32(b[s.at:], uint32(contributions))
	return b
}

// try does everything with a file, but for beacons that take long.
func try(t *testing.T, file *ptau.File) error {
	for _, c := range file.Chain().Contributions() {
		if c.Beacon != nil && c.Beacon.Exponent > 12 {
			return nil
		}
	}
	if err := file.Verify(t.Context(), nil); err != nil {
		return err
	}
	if _, err := file.Groth16(t.Context(), 4, nil); err != nil {
		return err
	}
	_, err := file.KZG(t.Context(), 4, nil)
	return err
}

// FuzzParseChain: what is accepted is written back as it was.
func FuzzParseChain(f *testing.F) {
	b := sample(f)
	f.Add(b[layout(b)[7].at:], 2)
	one := shorter(b, 1)
	f.Add(one[layout(one)[7].at:], 2)
	f.Add([]byte{0, 0, 0, 0}, 28)
	f.Add([]byte{1, 0, 0, 0}, 1)
	f.Fuzz(func(t *testing.T, b []byte, ceremonyPower int) {
		parsed, err := ptau.ParseChain(b, ceremonyPower)
		var refused *ptau.Error
		if err != nil {
			if !errors.As(err, &refused) {
				t.Errorf("%v is no *ptau.Error", err)
			}
			return
		}
		if !bytes.Equal(parsed.Bytes(), b) {
			t.Error("the chain is written otherwise than it was read")
		}
	})
}
