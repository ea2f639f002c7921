package ptau_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"

	"github.com/zkkex/zkkex/internal/nodetest"
	"github.com/zkkex/zkkex/internal/ptau"
)

// power is the one of the ceremony that the tests share.
const power = 5

// ceremony is files that snarkjs made just now, by name.
var ceremony = struct {
	sync.Mutex
	files map[string][]byte
}{}

// made returns a file that testdata/make.cjs makes. All tests share one run.
func made(t testing.TB, name string) []byte {
	t.Helper()
	ceremony.Lock()
	defer ceremony.Unlock()
	if ceremony.files == nil {
		ceremony.files = run(t, "5")
	}
	b, ok := ceremony.files[name]
	if !ok {
		t.Fatalf("make.cjs makes no %s", name)
	}
	return bytes.Clone(b)
}

// run runs testdata/make.cjs and returns the files it made.
func run(t testing.TB, args ...string) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	if out, code := nodetest.Script(t, dir, "testdata/make.cjs", args...); code != 0 {
		t.Fatalf("make.cjs: %s", out)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func open(t testing.TB, b []byte) *ptau.File {
	t.Helper()
	f, err := ptau.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// examine does everything that can be done with a file and returns the first
// error.
func examine(ctx context.Context, b []byte) error {
	f, err := ptau.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	if err := f.Verify(ctx, nil); err != nil {
		return err
	}
	if _, err := f.Groth16(ctx, 1<<f.Power(), nil); err != nil {
		return err
	}
	_, err = f.KZG(ctx, 2<<f.Power()-1, nil)
	return err
}

// span is where something lies in a file.
type span struct{ at, size int }

// layout finds the sections of a sound file. A section's prefix is the 12 bytes
// before it.
func layout(b []byte) map[uint32]span {
	out := make(map[uint32]span)
	for at := 12; at < len(b); {
		size := int(binary.LittleEndian.Uint64(b[at+4:]))
		out[binary.LittleEndian.Uint32(b[at:])] = span{at + 12, size}
		at += 12 + size
	}
	return out
}

// Offsets in a contribution, and its size without parameters.
const (
	atTau1       = 0
	atTau2       = 64
	atAlpha1     = 192
	atBeta1      = 256
	atBeta2      = 320
	atKeyTau     = 448
	atKeyAlpha   = 576
	atKeyBeta    = 704
	atProofTau   = 832
	atProofAlpha = 960
	atProofBeta  = 1088
	atPartial    = 1216
	atNext       = 1432
	atType       = 1496
	atParameters = 1500
	sizeFixed    = 1504
)

// contribution finds contribution number in a file that has it.
func contribution(b []byte, number int) span {
	at := layout(b)[7].at + 4
	for i := 1; ; i++ {
		size := sizeFixed + int(binary.LittleEndian.Uint32(b[at+atParameters:]))
		if i == number {
			return span{at, size}
		}
		at += size
	}
}

func limbs(numbers ...*fp.Element) []byte {
	var b []byte
	for _, e := range numbers {
		for _, limb := range e {
			b = binary.LittleEndian.AppendUint64(b, limb)
		}
	}
	return b
}

func encodeG1(p *curve.G1Affine) []byte { return limbs(&p.X, &p.Y) }

func encodeG2(p *curve.G2Affine) []byte { return limbs(&p.X.A0, &p.X.A1, &p.Y.A0, &p.Y.A1) }

// otherG1 and otherG2 are sound points that no file has.
func otherG1() []byte {
	return encodeG1(new(curve.G1Affine).ScalarMultiplicationBase(big.NewInt(123456789)))
}

func otherG2() []byte {
	return encodeG2(new(curve.G2Affine).ScalarMultiplicationBase(big.NewInt(123456789)))
}

// outsideG2 is a point of the twist that is not in the subgroup.
func outsideG2(t testing.TB) []byte {
	t.Helper()
	var x curve.E2
	x.SetOne()
	jacobian := curve.GeneratePointNotInG2(x)
	var p curve.G2Affine
	p.FromJacobian(&jacobian)
	if !p.IsOnCurve() || p.IsInSubGroup() {
		t.Fatal("the point is not what the test needs")
	}
	return encodeG2(&p)
}
