package mpc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/point"
	"github.com/zkkex/zkkex/internal/relation"
)

// Offsets in a contribution to phase 1, of a domain of 16.
const (
	offTauKnowledge = point.G1Size
	offDomain       = 3 * proofSize
	offBeta2        = offDomain + 8
	offTau1         = offBeta2 + point.G2Size
	offTau2         = offTau1 + 30*point.G1Size
	offBetaTau      = offTau2 + 15*point.G2Size
	offAlphaTau     = offBetaTau + 16*point.G1Size
	offChallenge1   = offAlphaTau + 16*point.G1Size
)

// badPoint is what no point is encoded as, and why.
type badPoint struct {
	b    []byte
	want error
}

// badG1 are encodings of 32 bytes, by what is wrong.
func badG1(t *testing.T) map[string]badPoint {
	t.Helper()
	_, _, g1, _ := curve.Generators()
	good := g1.Bytes()
	infinity := new(curve.G1Affine).Bytes()
	off := bytes.Clone(good[:])
	for new(curve.G1Affine).Unmarshal(off) == nil {
		off[31]++
	}
	flagged := bytes.Clone(infinity[:])
	flagged[31] = 1
	big := bytes.Repeat([]byte{0xff}, point.G1Size)
	return map[string]badPoint{
		"at infinity":              {infinity[:], point.ErrInfinity},
		"at infinity, with a rest": {flagged, point.ErrInfinity},
		"zeros":                    {make([]byte, point.G1Size), point.ErrEncoding},
		"no flags":                 {append([]byte{good[0] &^ 0xc0}, good[1:]...), point.ErrEncoding},
		"above the field's order":  {big, point.ErrEncoding},
		"off the curve":            {off, point.ErrNotOnCurve},
	}
}

// badG2 are encodings of 64 bytes.
func badG2(t *testing.T) map[string]badPoint {
	t.Helper()
	_, _, _, g2 := curve.Generators()
	good := g2.Bytes()
	infinity := new(curve.G2Affine).Bytes()
	off := bytes.Clone(good[:])
	for decodes := true; decodes; {
		off[63]++
		var p curve.G2Affine
		decodes = curve.NewDecoder(bytes.NewReader(off), curve.NoSubgroupChecks()).Decode(&p) == nil
	}
	second := bytes.Clone(good[:])
	copy(second[32:], bytes.Repeat([]byte{0xff}, 32))
	small := outsideG2(t)
	smallBytes := small.Bytes()
	var mixed curve.G2Affine
	mixed.Add(&g2, &small)
	mixedBytes := mixed.Bytes()
	return map[string]badPoint{
		"at infinity":                {infinity[:], point.ErrInfinity},
		"no flags":                   {append([]byte{good[0] &^ 0xc0}, good[1:]...), point.ErrEncoding},
		"above the field's order":    {second, point.ErrEncoding},
		"off the curve":              {off, point.ErrNotOnCurve},
		"of small order":             {smallBytes[:], point.ErrSubgroup},
		"with a part of small order": {mixedBytes[:], point.ErrSubgroup},
	}
}

// refusal is bytes that are not a contribution.
type refusal struct {
	name string
	b    []byte
	want error // nil if there is no sentinel
	says string
}

func checkRefusals(t *testing.T, parse func([]byte) error, refusals []refusal) {
	t.Helper()
	for _, r := range refusals {
		err := parse(r.b)
		var failed *CheckError
		if !errors.As(err, &failed) || failed.Check != CheckEncoding || !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v, expected the check %q", r.name, err, CheckEncoding)
			continue
		}
		if r.want != nil && !errors.Is(err, r.want) {
			t.Errorf("%s: %v, expected %v", r.name, err, r.want)
		}
		if !strings.Contains(err.Error(), r.says) {
			t.Errorf("%s: %v, expected it to say %q", r.name, err, r.says)
		}
	}
}

// pointRefusals puts every bad point at the offsets of points.
func pointRefusals(t *testing.T, good []byte, g1, g2 map[string]int) (out []refusal) {
	t.Helper()
	put := func(at int, b []byte) []byte {
		out := bytes.Clone(good)
		copy(out[at:], b)
		return out
	}
	for part, at := range g1 {
		for name, bad := range badG1(t) {
			out = append(out, refusal{part + " " + name, put(at, bad.b), bad.want, part})
		}
	}
	for part, at := range g2 {
		for name, bad := range badG2(t) {
			out = append(out, refusal{part + " " + name, put(at, bad.b), bad.want, part})
		}
	}
	return out
}

// shapeRefusals are those of any format with the challenge at the end.
func shapeRefusals(good []byte, challenge int) []refusal {
	short := bytes.Clone(good)
	short[challenge] = 31
	return []refusal{
		{"nothing", nil, nil, "got 0"},
		{"one byte less", good[:len(good)-1], nil, "expected"},
		{"one byte more", append(bytes.Clone(good), 0), nil, "expected"},
		{"twice", append(bytes.Clone(good), good...), nil, "expected"},
		{"without a challenge", append(bytes.Clone(good[:challenge]), 0), nil, "expected"},
		{"a challenge of 31 bytes", short, nil, "size of the challenge: expected 32, got 31"},
	}
}

func TestParsePhase1(t *testing.T) {
	c := held(t)
	good := c.phase1[1].Bytes()
	if len(good) != Phase1Size(c.domain) || len(good) != offChallenge1+1+challengeSize {
		t.Fatalf("%d bytes, expected %d", len(good), Phase1Size(c.domain))
	}
	domain := bytes.Clone(good)
	binary.BigEndian.PutUint64(domain[offDomain:], 1<<60)
	refusals := append(shapeRefusals(good, offChallenge1), refusal{"a huge domain", domain, nil, "domain: expected 16"})
	refusals = append(refusals, pointRefusals(t, good, map[string]int{
		"commitment of the proof of tau":            0,
		"powers of tau in G1: point 1 of 30":        offTau1,
		"powers of tau times beta: point 1 of 16":   offBetaTau,
		"powers of tau times alpha: point 16 of 16": offChallenge1 - point.G1Size,
	}, map[string]int{
		"knowledge of the proof of tau":       offTauKnowledge,
		"knowledge of the proof of beta":      offDomain - point.G2Size,
		"beta in G2":                          offBeta2,
		"powers of tau in G2: point 15 of 15": offBetaTau - point.G2Size,
	})...)
	checkRefusals(t, func(b []byte) error { _, err := ParsePhase1(b, c.domain); return err }, refusals)
	for _, domain := range []int{-1, 0, 1, 3, 17, 8, 32, MaxDomain * 2} {
		if _, err := ParsePhase1(good, domain); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("for a domain of %d: %v", domain, err)
		}
	}
	roundTrip1(t, good, c.domain)
}

func TestParsePhase2(t *testing.T) {
	c := held(t)
	good := c.phase2[1].Bytes()
	if len(good) != Phase2Size(c.size) {
		t.Fatalf("%d bytes, expected %d", len(good), Phase2Size(c.size))
	}
	k, z := lengths(c.size)
	offK := 2 + point.G1Size + 4
	offZ := offK + k*point.G1Size + 4
	offDelta2 := offZ + z*point.G1Size
	offChallenge := len(good) - challengeSize - 1
	put := func(at int, b ...byte) []byte {
		out := bytes.Clone(good)
		copy(out[at:], b)
		return out
	}
	refusals := append(shapeRefusals(good, offChallenge),
		refusal{"a commitment", put(0, 0, 1), nil, "number of commitments: expected 0, got 1"},
		refusal{"points K without end", put(offK-4, 0xff, 0xff, 0xff, 0xff), nil, "number of points K: expected"},
		refusal{"points Z without end", put(offZ-4, 0xff, 0xff, 0xff, 0xff), nil, "number of points Z: expected"},
	)
	refusals = append(refusals, pointRefusals(t, good, map[string]int{
		"delta in G1":                      2,
		"K: point 1 of":                    offK,
		"Z: point 15 of 15":                offDelta2 - point.G1Size,
		"commitment of the proof of delta": offDelta2 + point.G2Size,
	}, map[string]int{
		"delta in G2":                     offDelta2,
		"knowledge of the proof of delta": offChallenge - point.G2Size,
	})...)
	checkRefusals(t, func(b []byte) error { _, err := ParsePhase2(b, c.size); return err }, refusals)
	larger := c.size
	larger.Secret++
	for _, size := range []relation.Size{{}, larger, {Constraints: -1}, {Constraints: MaxDomain + 1}} {
		if _, err := ParsePhase2(good, size); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("for %+v: %v", size, err)
		}
	}
	roundTrip2(t, good, c.size)
}

func TestParseSRS(t *testing.T) {
	c := held(t)
	good := SRSBytes(c.srs)
	if len(good) != SRSSize(c.domain) {
		t.Fatalf("%d bytes, expected %d", len(good), SRSSize(c.domain))
	}
	refusals := pointRefusals(t, good, map[string]int{
		"powers of tau in G1: point 1 of 30":        offTau1 - offDomain,
		"powers of tau times alpha: point 16 of 16": len(good) - point.G1Size,
	}, map[string]int{"beta in G2": 8})
	refusals = append(refusals,
		refusal{"nothing", nil, nil, "got 0"},
		refusal{"one byte less", good[:len(good)-1], nil, "expected"},
		refusal{"one byte more", append(bytes.Clone(good), 0), nil, "expected"},
		refusal{"another domain", append([]byte{0, 0, 0, 0, 0, 0, 0, 8}, good[8:]...), nil, "domain: expected 16, got 8"},
	)
	checkRefusals(t, func(b []byte) error { _, err := ParseSRS(b, c.domain); return err }, refusals)
	if _, err := ParseSRS(good, 12); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("a domain of 12: %v", err)
	}
	roundTripSRS(t, good, c.domain)
	refusesTwelve(t, c.srs)
}

// refusesTwelve has powers, and a contribution, that are right in all but their number.
func refusesTwelve(t *testing.T, srs *SRS) {
	t.Helper()
	const twelve = 12
	odd := *srs
	odd.G1.Tau, odd.G2.Tau = srs.G1.Tau[:2*twelve-1], srs.G2.Tau[:twelve]
	odd.G1.AlphaTau, odd.G1.BetaTau = srs.G1.AlphaTau[:twelve], srs.G1.BetaTau[:twelve]
	_, parsed := ParseSRS(SRSBytes(&odd), twelve)
	_, _, g1, g2 := curve.Generators()
	known := proof{g1, g2}
	p := &Phase1{srs: odd, tau: known, alpha: known, beta: known, challenge: make([]byte, challengeSize)}
	_, contributed := ParsePhase1(p.Bytes(), twelve)
	for name, err := range map[string]error{"parsed": parsed, "contributed": contributed, "checked": CheckSRS(t.Context(), &odd)} {
		var failed *CheckError
		if !errors.As(err, &failed) || failed.Check != CheckEncoding || !strings.Contains(err.Error(), "power of two") {
			t.Errorf("%s: a domain of 12: %v", name, err)
		}
	}
}

// roundTrip1 parses and encodes: what is accepted gives the same bytes back.
func roundTrip1(t *testing.T, b []byte, domain int) {
	t.Helper()
	p, err := ParsePhase1(b, domain)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.Bytes(), b) {
		t.Error("encoded differently")
	}
}

func roundTrip2(t *testing.T, b []byte, size relation.Size) {
	t.Helper()
	p, err := ParsePhase2(b, size)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.Bytes(), b) {
		t.Error("encoded differently")
	}
}

func roundTripSRS(t *testing.T, b []byte, domain int) {
	t.Helper()
	srs, err := ParseSRS(b, domain)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(SRSBytes(srs), b) {
		t.Error("encoded differently")
	}
}

// mustBeMalformed checks the error of a parser that was given anything.
func mustBeMalformed(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("%v, expected %v", err, zkkex.ErrMalformed)
	}
}

func FuzzParsePhase1(f *testing.F) {
	const domain = 4
	p, err := NewPhase1(domain).Contribute(f.Context(), nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.Bytes())
	f.Add(NewPhase1(domain).Bytes())
	f.Add(make([]byte, Phase1Size(domain)))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePhase1(b, domain)
		if err != nil {
			mustBeMalformed(t, err)
			return
		}
		if !bytes.Equal(p.Bytes(), b) {
			t.Error("encoded differently")
		}
		if err := NewPhase1(domain).Verify(t.Context(), p); err != nil && !errors.Is(err, zkkex.ErrRejected) {
			t.Errorf("%v, expected %v", err, zkkex.ErrRejected)
		}
	})
}

func FuzzParsePhase2(f *testing.F) {
	size := relation.Size{Constraints: 3, Public: 2, Secret: 1, Internal: 2}
	_, _, g1, g2 := curve.Generators()
	begin := &Phase2{delta1: g1, delta2: g2, k: []curve.G1Affine{g1, g1, g1}, z: []curve.G1Affine{g1, g1, g1}}
	p, err := begin.Contribute(f.Context(), nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(p.Bytes())
	f.Add(begin.Bytes())
	f.Add(make([]byte, Phase2Size(size)))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePhase2(b, size)
		if err != nil {
			mustBeMalformed(t, err)
			return
		}
		if !bytes.Equal(p.Bytes(), b) {
			t.Error("encoded differently")
		}
		if err := begin.Verify(t.Context(), p); err != nil && !errors.Is(err, zkkex.ErrRejected) {
			t.Errorf("%v, expected %v", err, zkkex.ErrRejected)
		}
	})
}

func FuzzParseSRS(f *testing.F) {
	const domain = 4
	srs, err := NewPhase1(domain).Seal(f.Context(), []byte("beacon"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(SRSBytes(srs))
	f.Add(SRSBytes(&NewPhase1(domain).srs))
	f.Add(make([]byte, SRSSize(domain)))
	f.Fuzz(func(t *testing.T, b []byte) {
		srs, err := ParseSRS(b, domain)
		if err != nil {
			mustBeMalformed(t, err)
			return
		}
		if !bytes.Equal(SRSBytes(srs), b) {
			t.Error("encoded differently")
		}
		if err := CheckSRS(t.Context(), srs); err != nil && !errors.Is(err, zkkex.ErrRejected) {
			t.Errorf("%v, expected %v", err, zkkex.ErrRejected)
		}
	})
}
