package provingkey_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/provingkey"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// set is what a key is parsed with.
type set struct {
	pk   []byte
	size relation.Size
	vk   *groth16.Points
}

func loadSet(id zkkex.CircuitID) (*set, error) {
	quiet.Gnark()
	fsys, err := dev.FS(id)
	if err != nil {
		return nil, err
	}
	s := new(set)
	if s.pk, err = fs.ReadFile(fsys, params.ProvingKeyFile); err != nil {
		return nil, err
	}
	vk, err := fs.ReadFile(fsys, params.VerifyingKeyFile)
	if err != nil {
		return nil, err
	}
	if s.vk, err = groth16.ParsePoints(vk); err != nil {
		return nil, err
	}
	system, err := circuits.Compile(id)
	if err != nil {
		return nil, err
	}
	s.size = relation.SizeOf(system)
	return s, nil
}

var small = sync.OnceValues(func() (*set, error) { return loadSet(zkkex.BabyJubjub20) })

func load(t testing.TB) *set {
	t.Helper()
	s, err := small()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestShippedKeysAreSound checks every point of the development sets, once, so
// that opening them need not.
func TestShippedKeysAreSound(t *testing.T) {
	for _, id := range dev.Shipped() {
		s, err := loadSet(id)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		pk, err := provingkey.Parse(s.pk, s.size, s.vk, provingkey.Untrusted)
		if err != nil {
			t.Fatalf("%v: %v", id, err)
		}
		checked := time.Since(start)
		var again bytes.Buffer
		if _, err := pk.WriteRawTo(&again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), s.pk) {
			t.Errorf("%v: gnark writes the key differently", id)
		}
		start = time.Now()
		if _, err := provingkey.Parse(s.pk, s.size, s.vk, provingkey.Vetted); err != nil {
			t.Fatalf("%v: %v", id, err)
		}
		t.Logf("%v: %v with subgroup checks, %v without", id, checked, time.Since(start))
	}
}

// Offsets of the fixed first parts of a key.
const (
	offCardinality = 0
	offAlpha       = 8 + 5*32 + 1
	offBeta        = offAlpha + 64
	offDelta       = offBeta + 64
	offCountA      = offDelta + 64
	offA           = offCountA + 4
)

func TestKeyIsParsedStrictly(t *testing.T) {
	s := load(t)
	with := func(at int, part ...byte) []byte {
		out := bytes.Clone(s.pk)
		copy(out[at:], part)
		return out
	}
	end := len(s.pk)
	flagsB := end - 4 - s.size.Wires()
	flagsA := flagsB - s.size.Wires()
	infinityA := flagsA - 16
	wires := infinityA - 8
	lastG2 := wires - 128
	_, _, _, g2 := curve.Generators()
	outside := outsideG2(t)
	outsideRaw := outside.RawBytes()
	g2Raw := g2.RawBytes()
	wasSet := s.pk[flagsA] == 1
	flip := byte(1)
	if wasSet {
		flip = 0
	}
	tests := []struct {
		name string
		key  []byte
		want error
		says string
	}{
		{"empty", nil, provingkey.ErrShape, "domain"},
		{"truncated", s.pk[:end-1], provingkey.ErrShape, "commitments"},
		{"half", s.pk[:end/2], provingkey.ErrShape, "more bytes"},
		{"trailing byte", append(bytes.Clone(s.pk), 0), provingkey.ErrShape, "end"},
		{"a huge domain", with(offCardinality, 0, 0, 0, 0, 0x40, 0, 0, 0), provingkey.ErrShape, "domain"},
		{"points without end", with(offCountA, 0xff, 0xff, 0xff, 0xff), provingkey.ErrShape, "A"},
		{"one A less", with(offCountA, countMinusOne(s.pk[offCountA:])...), provingkey.ErrShape, ""},
		{"a commitment key", with(end-4, 0, 0, 0, 1), provingkey.ErrShape, "commitments"},
		{"number of wires", with(wires, 0, 0, 0, 1), provingkey.ErrShape, "wires"},
		{"a flag of 2", with(flagsB, 2), provingkey.ErrShape, "flag"},
		{"a flag changed", with(flagsA, flip), provingkey.ErrShape, "flagged"},
		{"alpha off the curve", with(offAlpha+63, s.pk[offAlpha+63]^1), provingkey.ErrPoint, "alpha"},
		{"an A not canonical", with(offA, 0x3f, 0xff, 0xff, 0xff), provingkey.ErrPoint, "A"},
		{"an A with flags", with(offA, s.pk[offA]|0x80), provingkey.ErrPoint, "A"},
		{"an A at infinity", with(offA, make([]byte, 64)...), provingkey.ErrPoint, "A"},
		{"a B outside of the subgroup", with(lastG2, outsideRaw[:]...), provingkey.ErrPoint, "subgroup"},
		{"other alpha", swap(s.pk, offAlpha, offBeta), provingkey.ErrForeign, "alpha"},
		{"other beta", with(offBeta, s.pk[offA:offA+64]...), provingkey.ErrForeign, "beta"},
		{"other delta", with(offDelta, s.pk[offA:offA+64]...), provingkey.ErrForeign, "delta"},
		{"other delta in G2", with(lastG2-4-128-(g2Count(s)-1)*128, g2Raw[:]...), provingkey.ErrForeign, "delta"},
	}
	for _, test := range tests {
		_, err := provingkey.Parse(test.key, s.size, s.vk, provingkey.Untrusted)
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.name, err, test.want, test.says)
		}
	}
}

func TestKeyOfAnotherCircuitOrSetup(t *testing.T) {
	s := load(t)
	other, err := loadSet(zkkex.BabyJubjub32)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provingkey.Parse(other.pk, s.size, s.vk, provingkey.Untrusted); !errors.Is(err, provingkey.ErrShape) {
		t.Errorf("key of another circuit: %v, want %v", err, provingkey.ErrShape)
	}
	if _, err := provingkey.Parse(s.pk, s.size, other.vk, provingkey.Untrusted); !errors.Is(err, provingkey.ErrForeign) {
		t.Errorf("key of another setup: %v, want %v", err, provingkey.ErrForeign)
	}
}

// TestHugeLengthAllocatesNothing is trap P1 for proving keys.
func TestHugeLengthAllocatesNothing(t *testing.T) {
	s := load(t)
	short := bytes.Clone(s.pk[:offA])
	copy(short[offCountA:], []byte{0, 0, 0x0f, 0xff})
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := provingkey.Parse(short, s.size, s.vk, provingkey.Untrusted); err == nil {
				b.Fatal("accepted")
			}
		}
	})
	if got := result.AllocedBytesPerOp(); got > 4<<20 { // the domain's tables, which the circuit decides about
		t.Errorf("%d bytes allocated for an input of %d", got, len(short))
	}
}

func g2Count(s *set) int {
	infinite := int(binary.BigEndian.Uint64(s.pk[len(s.pk)-4-2*s.size.Wires()-8:]))
	return s.size.Wires() - infinite
}

func countMinusOne(b []byte) []byte {
	return binary.BigEndian.AppendUint32(nil, binary.BigEndian.Uint32(b)-1)
}

func swap(b []byte, i, j int) []byte {
	out := bytes.Clone(b)
	copy(out[i:], b[j:j+64])
	copy(out[j:], b[i:i+64])
	return out
}

// outsideG2 returns a point on the twist, outside of the subgroup.
func outsideG2(t *testing.T) curve.G2Affine {
	t.Helper()
	for x := byte(0); x < 255; x++ {
		b := make([]byte, curve.SizeOfG2AffineCompressed)
		b[0], b[len(b)-1] = 0b10<<6, x
		var p curve.G2Affine
		err := curve.NewDecoder(bytes.NewReader(b), curve.NoSubgroupChecks()).Decode(&p)
		if err == nil && !p.IsInSubGroup() {
			return p
		}
	}
	t.Fatal("no point found")
	return curve.G2Affine{}
}

func FuzzParse(f *testing.F) {
	plain := load(f)
	small, err := committed()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(false, 0, byte(0), len(plain.pk))
	f.Add(false, offCountA, byte(0xff), len(plain.pk))
	f.Add(false, len(plain.pk)-1, byte(1), len(plain.pk)-1)
	f.Add(true, 0, byte(0), len(small.pk))
	f.Add(true, len(small.pk)-64*small.size.Committed-4, byte(0xff), len(small.pk))
	f.Fuzz(func(t *testing.T, commitment bool, at int, value byte, n int) {
		s := plain
		if commitment {
			s = small
		}
		b := bytes.Clone(s.pk[:min(max(n, 0), len(s.pk))])
		if at >= 0 && at < len(b) {
			b[at] ^= value
		}
		pk, err := provingkey.Parse(b, s.size, s.vk, provingkey.Vetted)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if _, err := pk.WriteRawTo(&again); err != nil || !bytes.Equal(again.Bytes(), b) {
			t.Fatalf("byte %d changed by %#x: accepted and encoded differently (%v)", at, value, err)
		}
	})
}
