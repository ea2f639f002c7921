package plonk_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"

	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/internal/point"
)

func checkOf(err error) string {
	var failed *plonk.CheckError
	if errors.As(err, &failed) {
		return failed.Check
	}
	return ""
}

func TestSRS(t *testing.T) {
	s := load(t).srs
	b := s.Bytes()
	if len(b) != plonk.SRSSize(domain) {
		t.Fatalf("%d bytes, expected %d", len(b), plonk.SRSSize(domain))
	}
	parsed, err := plonk.ParseSRS(b, domain)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(parsed.Bytes(), b) {
		t.Error("the encoding changed on the way")
	}
	if err := parsed.Check(); err != nil {
		t.Error(err)
	}
}

// Each change is refused by its one check.
func TestSRSCheck(t *testing.T) {
	root := fft.NewDomain(domain).Generator
	one, minus := fr.One(), fr.One()
	minus.Neg(&minus)
	_, _, _, g2 := curve.Generators()
	for _, test := range []struct {
		name  string
		tau   fr.Element
		spoil func(*plonk.SRS)
		check string
		want  error
	}{
		{"first power is another", plonktest.Tau(), func(s *plonk.SRS) { s.Powers[0] = s.Powers[1] }, plonk.CheckGenerator, plonk.ErrGenerator},
		{"first power is the negative generator", plonktest.Tau(), func(s *plonk.SRS) { s.Powers[0].Neg(&s.Powers[0]) }, plonk.CheckGenerator, plonk.ErrGenerator},
		{"tau is 1", one, nil, plonk.CheckTau, plonk.ErrTrivial},
		{"tau is -1", minus, nil, plonk.CheckTau, plonk.ErrTrivial},
		{"tau is a root of unity of the domain", root, nil, plonk.CheckUnity, plonk.ErrUnity},
		{"second power is another", plonktest.Tau(), func(s *plonk.SRS) { s.Powers[1] = s.Powers[2] }, plonk.CheckPowers, plonk.ErrPowers},
		{"a power is negated", plonktest.Tau(), func(s *plonk.SRS) { s.Powers[9].Neg(&s.Powers[9]) }, plonk.CheckPowers, plonk.ErrPowers},
		{"last power is another", plonktest.Tau(), func(s *plonk.SRS) { s.Powers[domain+2] = s.Powers[domain+1] }, plonk.CheckPowers, plonk.ErrPowers},
		{"powers of another tau", plonktest.Tau(), func(s *plonk.SRS) { s.Powers = plonktest.SRS(domain, fr.NewElement(5)).Powers }, plonk.CheckPowers, plonk.ErrPowers},
		{"tau in G2 is another", plonktest.Tau(), func(s *plonk.SRS) { s.Tau.Add(&s.Tau, &g2) }, plonk.CheckPowers, plonk.ErrPowers},
		{"first Lagrange point is another", plonktest.Tau(), func(s *plonk.SRS) { s.Lagrange[0] = s.Lagrange[1] }, plonk.CheckLagrange, plonk.ErrLagrange},
		{"two Lagrange points are swapped", plonktest.Tau(), func(s *plonk.SRS) { s.Lagrange[3], s.Lagrange[4] = s.Lagrange[4], s.Lagrange[3] }, plonk.CheckLagrange, plonk.ErrLagrange},
		{"two Lagrange points whose sum is right", plonktest.Tau(), func(s *plonk.SRS) {
			s.Lagrange[3].Add(&s.Lagrange[3], &s.Powers[0])
			s.Lagrange[4].Sub(&s.Lagrange[4], &s.Powers[0])
		}, plonk.CheckLagrange, plonk.ErrLagrange},
		{"a Lagrange basis of another tau", plonktest.Tau(), func(s *plonk.SRS) { s.Lagrange = plonktest.SRS(domain, fr.NewElement(5)).Lagrange }, plonk.CheckLagrange, plonk.ErrLagrange},
	} {
		s := plonktest.SRS(domain, test.tau)
		if test.spoil != nil {
			test.spoil(s)
		}
		if err := s.Check(); checkOf(err) != test.check || !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %s: %v", test.name, err, test.check, test.want)
		}
	}
}

func TestParseSRSRefuses(t *testing.T) {
	good := load(t).srs.Bytes()
	end := len(good)
	with := func(at int, part ...byte) []byte {
		out := bytes.Clone(good)
		copy(out[at:], part)
		return out
	}
	const lagrange = 4 + (domain+3)*64
	p := fp.Modulus().FillBytes(make([]byte, 32))
	for _, test := range []struct {
		name  string
		b     []byte
		check string
		want  error
	}{
		{"empty", nil, plonk.CheckSize, plonk.ErrLength},
		{"last byte missing", good[:end-1], plonk.CheckSize, plonk.ErrLength},
		{"one byte too many", append(bytes.Clone(good), 0), plonk.CheckSize, plonk.ErrLength},
		{"another domain", with(0, 0, 0, 0, 64), plonk.CheckDomain, plonk.ErrDomain},
		{"a power at infinity", with(4+5*64, make([]byte, 64)...), plonk.CheckPoints, point.ErrInfinity},
		{"a power off the curve", with(4+5*64+63, good[4+5*64+63]^1), plonk.CheckPoints, point.ErrNotOnCurve},
		{"a power that is not canonical", with(4+5*64, p...), plonk.CheckPoints, point.ErrEncoding},
		{"a power with flags", with(4+5*64, good[4+5*64]|0x80), plonk.CheckPoints, point.ErrEncoding},
		{"a Lagrange point at infinity", with(lagrange, make([]byte, 64)...), plonk.CheckPoints, point.ErrInfinity},
		{"a Lagrange point off the curve", with(lagrange+63, good[lagrange+63]^1), plonk.CheckPoints, point.ErrNotOnCurve},
		{"tau at infinity", with(end-128, make([]byte, 128)...), plonk.CheckPoints, point.ErrInfinity},
		{"tau off the curve", with(end-1, good[end-1]^1), plonk.CheckPoints, point.ErrNotOnCurve},
		{"tau that is not canonical", with(end-32, p...), plonk.CheckPoints, point.ErrEncoding},
		{"tau outside of the subgroup", with(end-128, outside(t)...), plonk.CheckPoints, point.ErrSubgroup},
	} {
		if _, err := plonk.ParseSRS(test.b, domain); checkOf(err) != test.check || !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %s: %v", test.name, err, test.check, test.want)
		}
	}
	for _, n := range []int{-1, 0, 4, 31, 2 * plonk.MaxDomain} {
		if _, err := plonk.ParseSRS(good, n); checkOf(err) != plonk.CheckDomain {
			t.Errorf("domain %d: %v", n, err)
		}
		if _, err := plonk.NewSRS(n, load(t).srs.Powers, &load(t).srs.Tau); !errors.Is(err, plonk.ErrDomain) {
			t.Errorf("domain %d: %v", n, err)
		}
	}
	if _, err := plonk.NewSRS(domain, load(t).srs.Powers[:domain+2], &load(t).srs.Tau); !errors.Is(err, plonk.ErrDomain) {
		t.Errorf("a power too few: %v", err)
	}
}

// outside returns an uncompressed point on the twist that is not in the subgroup.
func outside(t *testing.T) []byte {
	t.Helper()
	for x := byte(1); x != 0; x++ {
		b := append([]byte{0x80}, make([]byte, 63)...)
		b[63] = x
		var p curve.G2Affine
		if err := curve.NewDecoder(bytes.NewReader(b), curve.NoSubgroupChecks()).Decode(&p); err == nil && !p.IsInSubGroup() {
			raw := p.RawBytes()
			return raw[:]
		}
	}
	t.Fatal("found none")
	return nil
}

func TestVerifyingKeyRefuses(t *testing.T) {
	f := load(t)
	points := f.proving.Points()
	good := points.Bytes()
	parsed, err := plonk.ParsePoints(good)
	if err != nil || !bytes.Equal(parsed.Bytes(), good) {
		t.Fatalf("a good key: %v", err)
	}
	if err := plonk.NewVerifyingKey(parsed).Verify(f.proof, f.inputs); err != nil {
		t.Errorf("by the parsed key: %v", err)
	}
	_, _, _, g2 := curve.Generators()
	compressed := func(p curve.G2Affine) []byte { b := p.Bytes(); return b[:] }
	var negative curve.G2Affine
	negative.Neg(&g2)
	with := func(at int, part ...byte) []byte {
		out := bytes.Clone(good)
		copy(out[at:], part)
		return out
	}
	infinity := append([]byte{0x40}, make([]byte, 63)...)
	for _, test := range []struct {
		name string
		b    []byte
		want error
	}{
		{"empty", nil, plonk.ErrLength},
		{"last byte missing", good[:len(good)-1], plonk.ErrLength},
		{"one byte too many", append(bytes.Clone(good), 0), plonk.ErrLength},
		{"a domain of 0", with(0, 0, 0, 0, 0), plonk.ErrDomain},
		{"a domain of 33", with(0, 0, 0, 0, 33), plonk.ErrDomain},
		{"a domain of 4", with(0, 0, 0, 0, 4), plonk.ErrDomain},
		{"a domain without end", with(0, 0x80), plonk.ErrDomain},
		{"tau at infinity", with(4, infinity...), point.ErrInfinity},
		{"tau is the generator", with(4, compressed(g2)...), plonk.ErrTrivial},
		{"tau is its negative", with(4, compressed(negative)...), plonk.ErrTrivial},
		{"a selector at infinity", with(4+64+3*32, infinity[:32]...), point.ErrInfinity},
		{"the last one at infinity", with(len(good)-32, infinity[:32]...), point.ErrInfinity},
		{"a commitment off the curve", with(4+64, offCurve()...), point.ErrNotOnCurve},
		{"a commitment without flags", with(4+64, good[4+64]&0x3f), point.ErrEncoding},
	} {
		if _, err := plonk.ParsePoints(test.b); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	// A key of another domain, tau or circuit verifies nothing.
	for name, change := range map[string]func(*plonk.Points){
		"domain":      func(p *plonk.Points) { p.Domain *= 2 },
		"tau":         func(p *plonk.Points) { p.Tau.Double(&p.Tau) },
		"permutation": func(p *plonk.Points) { p.Permutation[0] = p.Permutation[1] },
		"selector":    func(p *plonk.Points) { p.Left = p.Right },
	} {
		changed := points
		change(&changed)
		if err := plonk.NewVerifyingKey(&changed).Verify(f.proof, f.inputs); !errors.Is(err, plonk.ErrNoProof) {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

func FuzzParsePoints(f *testing.F) {
	points := load(f).proving.Points()
	f.Add(points.Bytes())
	f.Add(points.Bytes()[:100])
	f.Add(make([]byte, plonk.VerifyingKeySize))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := plonk.ParsePoints(b)
		if err == nil && !bytes.Equal(p.Bytes(), b) {
			t.Fatalf("%x is accepted and encoded as %x", b, p.Bytes())
		}
	})
}

func FuzzParseSRS(f *testing.F) {
	s := plonktest.SRS(8, plonktest.Tau())
	f.Add(s.Bytes())
	f.Add(s.Bytes()[:64])
	f.Add(binary.BigEndian.AppendUint32(nil, 8))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := plonk.ParseSRS(b, 8)
		if err != nil {
			if checkOf(err) == "" {
				t.Fatalf("an error without a check: %v", err)
			}
			return
		}
		if !bytes.Equal(s.Bytes(), b) {
			t.Fatal("accepted and encoded differently")
		}
	})
}
