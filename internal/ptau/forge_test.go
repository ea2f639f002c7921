package ptau

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"slices"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/mpc"
)

// TestFirstChallenges computes those that are over few points.
func TestFirstChallenges(t *testing.T) {
	_, _, g1, g2 := curve.Generators()
	raw1, raw2 := g1.RawBytes(), g2.RawBytes()
	for power := 1; power <= 12; power++ {
		n := 1 << power
		h := newHash()
		h.Write(newHash().Sum(nil))
		h.Write(bytes.Repeat(raw1[:], 2*n-1))
		h.Write(bytes.Repeat(raw2[:], n))
		h.Write(bytes.Repeat(raw1[:], 2*n))
		h.Write(raw2[:])
		if want := firstChallenge(power); !bytes.Equal(h.Sum(nil), want[:]) {
			t.Errorf("power %d: %x, the table has %x", power, h.Sum(nil), want)
		}
	}
	spec, err := os.ReadFile("../../docs/spec/ptau.md")
	if err != nil {
		t.Fatal(err)
	}
	two := firstChallenge(2)
	if !bytes.Contains(spec, fmt.Appendf(nil, "    %x\n    %x\n", two[:32], two[32:])) {
		t.Errorf("docs/spec/ptau.md lacks the first challenge of power 2, %x", two)
	}
	seen := make(map[string]bool)
	for power := 1; power <= MaxPower; power++ {
		c := firstChallenge(power)
		if seen[string(c[:])] {
			t.Errorf("power %d has another one's", power)
		}
		seen[string(c[:])] = true
	}
}

// TestDrawnPoints: that the points are those of snarkjs is what its files show.
func TestDrawnPoints(t *testing.T) {
	g := newGenerator(make([]byte, 32))
	for range 20 {
		if p := g.g1(); !p.IsOnCurve() || p.IsInfinity() {
			t.Fatal("a point of G1 is none")
		}
		if p := g.g2(); !p.IsInSubGroup() || p.IsInfinity() {
			t.Fatal("a point of G2 is none")
		}
	}
}

// forgery is a ceremony of one contribution whose secrets the test knows.
type forgery struct {
	power            int
	tau, alpha, beta *big.Int
	points           int // of each section that are there, twice as many of tauG1
}

// sparse is a file of which only some parts are there.
type sparse struct {
	size  int64
	parts map[int64][]byte
	read  int64
}

func (s *sparse) ReadAt(p []byte, at int64) (int, error) {
	s.read += int64(len(p))
	for start, part := range s.parts {
		if at >= start && at+int64(len(p)) <= start+int64(len(part)) {
			return copy(p, part[at-start:]), nil
		}
	}
	return 0, io.ErrUnexpectedEOF
}

// file writes the forgery.
func (f *forgery) file(t *testing.T) *sparse {
	t.Helper()
	s := &sparse{parts: make(map[int64][]byte)}
	head := append([]byte(magic), 1, 0, 0, 0, 7, 0, 0, 0)
	s.parts[0], s.size = head, int64(len(head))
	n := int64(1) << f.power
	q := fp.Modulus().FillBytes(make([]byte, fp.Bytes))
	slices.Reverse(q)
	header := append(binary.LittleEndian.AppendUint32(nil, fp.Bytes), q...)
	header = binary.LittleEndian.AppendUint32(header, uint32(f.power))
	header = binary.LittleEndian.AppendUint32(header, uint32(f.power))
	s.add(sectionHeader, headerSize, header)
	one := big.NewInt(1)
	s.add(sectionTauG1, (2*n-1)*g1Size, f.g1s(one, min(2*f.points, int(2*n-1))))
	s.add(sectionTauG2, n*g2Size, f.g2s(one, f.points))
	s.add(sectionAlphaTauG1, n*g1Size, f.g1s(f.alpha, f.points))
	s.add(sectionBetaTauG1, n*g1Size, f.g1s(f.beta, f.points))
	s.add(sectionBetaG2, g2Size, f.g2s(f.beta, 1))
	contributions := f.contribution()
	s.add(sectionContributions, int64(len(contributions)), contributions)
	return s
}

func (s *sparse) add(number uint32, size int64, content []byte) {
	part := binary.LittleEndian.AppendUint32(nil, number)
	part = binary.LittleEndian.AppendUint64(part, uint64(size))
	s.parts[s.size] = append(part, content...)
	s.size += sectionPrefix + size
}

// g1s returns the generator times factor and the first n powers of tau.
func (f *forgery) g1s(factor *big.Int, n int) (b []byte) {
	_, _, g1, _ := curve.Generators()
	for _, p := range curve.BatchScalarMultiplicationG1(&g1, f.powers(factor, n)) {
		b = appendNumbers(b, &p.X, &p.Y)
	}
	return b
}

func (f *forgery) g2s(factor *big.Int, n int) (b []byte) {
	_, _, _, g2 := curve.Generators()
	for _, p := range curve.BatchScalarMultiplicationG2(&g2, f.powers(factor, n)) {
		b = appendG2(b, &p)
	}
	return b
}

func (f *forgery) powers(factor *big.Int, n int) []fr.Element {
	out := make([]fr.Element, n)
	var tau fr.Element
	tau.SetBigInt(f.tau)
	out[0].SetBigInt(factor)
	for i := 1; i < n; i++ {
		out[i].Mul(&out[i-1], &tau)
	}
	return out
}

func (f *forgery) contribution() []byte {
	var s TestingOnlySecrets
	s.Tau.SetBigInt(f.tau)
	s.Alpha.SetBigInt(f.alpha)
	s.Beta.SetBigInt(f.beta)
	return TestingOnlyRun(f.power, []TestingOnlySecrets{s}).Chain()
}

// TestLargestFile reads a file of power 28, of which nothing but the first points
// is there.
func TestLargestFile(t *testing.T) {
	forged := forgery{MaxPower, big.NewInt(1234567), big.NewInt(89), big.NewInt(1011), 16}
	s := forged.file(t)
	f, err := Open(s, s.size)
	if err != nil {
		t.Fatal(err)
	}
	if f.Power() != MaxPower || s.size < 96<<30 {
		t.Fatalf("power %d, %d bytes", f.Power(), s.size)
	}
	if _, err := f.Groth16(t.Context(), 16, nil); err != nil {
		t.Error(err)
	}
	if _, err := f.KZG(t.Context(), 32, nil); err != nil {
		t.Error(err)
	}
	if s.read > 20_000 {
		t.Errorf("%d bytes were read", s.read)
	}
}

// TestSeveralChunks reads what the circuit babyjubjub-20 needs, which is more than
// is read at once. The fault is in the last point but one.
func TestSeveralChunks(t *testing.T) {
	const power = 12
	forged := forgery{power, big.NewInt(1234567), big.NewInt(89), big.NewInt(1011), 1 << power}
	s := forged.file(t)
	f, err := Open(s, s.size)
	if err != nil {
		t.Fatal(err)
	}
	srs, err := f.Groth16(t.Context(), 1<<power, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(mpc.SRSBytes(srs)); n != mpc.SRSSize(1<<power) {
		t.Errorf("%d bytes", n)
	}
	if _, err := f.KZG(t.Context(), 2<<power-1, nil); err != nil {
		t.Error(err)
	}
	for _, section := range []uint32{sectionTauG1, sectionTauG2} {
		place := f.sections[section]
		size := int(place.size) / (1 << power)
		if section == sectionTauG1 {
			size = g1Size
		}
		part := s.parts[place.offset-sectionPrefix]
		at := sectionPrefix + int(place.size) - 2*size
		part[at] ^= 1
		_, err := f.Groth16(t.Context(), 1<<power, nil)
		part[at] ^= 1
		var refused *Error
		if want := int(place.size)/size - 2; !errors.As(err, &refused) || refused.Point != want || refused.Section != place.name {
			t.Errorf("got %v, expected %s, point %d", err, place.name, want)
		}
	}
}

// TestTrivialSecrets plants secrets that the contribution proves, and that nobody
// should use.
func TestTrivialSecrets(t *testing.T) {
	root, err := fr.Generator(8)
	if err != nil {
		t.Fatal(err)
	}
	minusOne := new(big.Int).Sub(fr.Modulus(), big.NewInt(1))
	sound := forgery{MaxPower, big.NewInt(1234567), big.NewInt(89), big.NewInt(1011), 16}
	for name, c := range map[string]struct {
		change       func(f *forgery)
		groth16, kzg Check
	}{
		"none":          {func(*forgery) {}, "", ""},
		"tau is 1":      {func(f *forgery) { f.tau = big.NewInt(1) }, CheckKey, CheckKey},
		"alpha is 1":    {func(f *forgery) { f.alpha = big.NewInt(1) }, CheckKey, CheckKey},
		"beta is 1":     {func(f *forgery) { f.beta = big.NewInt(1) }, CheckKey, CheckKey},
		"tau is -1":     {func(f *forgery) { f.tau = minusOne }, CheckTrivial, CheckTrivial},
		"tau is a root": {func(f *forgery) { f.tau = root.BigInt(new(big.Int)) }, CheckTrivial, CheckTrivial},
		"alpha is -1":   {func(f *forgery) { f.alpha = minusOne }, CheckTrivial, ""},
		"beta is -1":    {func(f *forgery) { f.beta = minusOne }, CheckTrivial, ""},
	} {
		t.Run(name, func(t *testing.T) {
			forged := sound
			c.change(&forged)
			s := forged.file(t)
			f, err := Open(s, s.size)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.Groth16(t.Context(), 16, nil)
			expect(t, err, c.groth16)
			_, err = f.KZG(t.Context(), 16, nil)
			expect(t, err, c.kzg)
		})
	}
}

func expect(t *testing.T, err error, check Check) {
	t.Helper()
	if check == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	var refused *Error
	if !errors.As(err, &refused) || refused.Check != check {
		t.Errorf("got %v, expected %q", err, check)
	}
}

// TestTestingOnly: what tests elsewhere go on from is a ceremony like any other.
func TestTestingOnly(t *testing.T) {
	var alice, bob TestingOnlySecrets
	alice.Name, bob.Name = "Alice", "Bob"
	for i, e := range []*fr.Element{&alice.Tau, &alice.Alpha, &alice.Beta, &bob.Tau, &bob.Alpha, &bob.Beta} {
		e.SetUint64(uint64(100 + i))
	}
	beacon := TestingOnlySecrets{Beacon: &Beacon{Value: []byte("a value"), Exponent: 3}}
	made := TestingOnlyRun(MaxPower, []TestingOnlySecrets{alice, bob, beacon})
	chain, err := ParseChain(made.Chain(), MaxPower)
	if err != nil {
		t.Fatal(err)
	}
	srs := made.SRS(16)
	if err := chain.Verify(t.Context(), srs, nil); err != nil {
		t.Error(err)
	}
	if err := mpc.CheckSRS(t.Context(), srs); err != nil {
		t.Error(err)
	}
	if all := chain.Contributions(); len(all) != 3 || all[1].Name != "Bob" || all[2].Beacon == nil || all[0].Response == all[1].Response {
		t.Errorf("%+v", all)
	}
}
