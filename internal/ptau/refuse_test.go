package ptau_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fp"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/ptau"
)

// plant changes a sound file.
type plant func(t *testing.T, b []byte) []byte

// put writes part at an offset that the file's layout gives.
func put(at func(b []byte) int, part ...byte) plant {
	return func(_ *testing.T, b []byte) []byte {
		copy(b[at(b):], part)
		return b
	}
}

func whole(offset int) func([]byte) int { return func([]byte) int { return offset } }

// in gives an offset in a section.
func in(section uint32, offset int) func([]byte) int {
	return func(b []byte) int { return layout(b)[section].at + offset }
}

// of gives an offset in a contribution.
func of(number, offset int) func([]byte) int {
	return func(b []byte) int { return contribution(b, number).at + offset }
}

func u32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
func u64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

// fault is a planted fault and the single reason why the file is refused.
type fault struct {
	name         string
	file         string
	plant        plant
	section      string
	contribution int
	point        int
	check        ptau.Check
}

func (f fault) test(t *testing.T) {
	b := f.plant(t, made(t, f.file))
	if bytes.Equal(b, made(t, f.file)) {
		t.Fatal("nothing was planted")
	}
	err := examine(t.Context(), b)
	var refused *ptau.Error
	if !errors.As(err, &refused) {
		t.Fatalf("got %v, expected a *ptau.Error", err)
	}
	if refused.Section != f.section || refused.Contribution != f.contribution || refused.Point != f.point || refused.Check != f.check {
		t.Errorf("refused by %q, section %q, contribution %d, point %d: %v\nexpected %q, %q, %d, %d",
			refused.Check, refused.Section, refused.Contribution, refused.Point, err, f.check, f.section, f.contribution, f.point)
	}
	if class := class(f.check); !errors.Is(err, class) {
		t.Errorf("%v is not %v", err, class)
	}
}

func class(c ptau.Check) error {
	switch c {
	case ptau.CheckFormat, ptau.CheckCanonical, ptau.CheckInfinity, ptau.CheckOnCurve, ptau.CheckSubgroup:
		return zkkex.ErrMalformed
	case ptau.CheckCurve, ptau.CheckPower, ptau.CheckEffort:
		return zkkex.ErrUnsupported
	}
	return zkkex.ErrRejected
}

func testFaults(t *testing.T, faults []fault) {
	for _, f := range faults {
		t.Run(f.name, f.test)
	}
}

// TestContainerIsRefused covers the list of sections and the header.
func TestContainerIsRefused(t *testing.T) {
	format := func(name, section string, p plant) fault {
		return fault{name, "beacon.ptau", p, section, 0, -1, ptau.CheckFormat}
	}
	withHeader := func(at int, part []byte) plant { return put(in(1, at), part...) }
	prefix := func(section uint32, offset int, part []byte) plant { return put(in(section, offset-12), part...) }
	testFaults(t, []fault{
		format("magic", "", put(whole(0), []byte("zkey")...)),
		format("version", "", put(whole(4), 2)),
		format("a section less than there are", "", put(whole(8), 6)),
		format("a section more than there are", "", put(whole(8), 8)),
		format("more sections than there may be", "", put(whole(8), u32(math.MaxUint32)...)),
		format("unknown section", "", prefix(6, 0, u32(8))),
		format("section twice", "tauG1", prefix(3, 0, u32(2))),
		format("section missing", "betaG2", prefix(6, 0, u32(12))),
		format("section of the largest size", "tauG2", prefix(3, 4, u64(math.MaxUint64))),
		format("section of a size that is negative", "tauG2", prefix(3, 4, u64(1<<63))),
		format("last section is longer than the file", "contributions", func(_ *testing.T, b []byte) []byte {
			s := layout(b)[7]
			copy(b[s.at-8:], u64(uint64(s.size)+1))
			return b
		}),
		format("section that ends early", "", func(_ *testing.T, b []byte) []byte {
			// What follows is a point, not a section.
			s := layout(b)[4]
			copy(b[s.at-8:], u64(uint64(s.size)-64))
			return b
		}),
		format("trailing byte", "", func(_ *testing.T, b []byte) []byte { return append(b, 0) }),
		format("no byte", "", func(*testing.T, []byte) []byte { return nil }),
		format("section of points is shorter", "alphaTauG1", func(_ *testing.T, b []byte) []byte { return resize(b, 4, -64) }),
		format("section of points is longer", "betaG2", func(_ *testing.T, b []byte) []byte { return resize(b, 6, 128) }),
		{"section of contributions is shorter", "beacon.ptau", func(_ *testing.T, b []byte) []byte { return resize(b, 7, -1) },
			"contributions", 3, -1, ptau.CheckFormat},
		format("section of contributions is longer", "contributions", func(_ *testing.T, b []byte) []byte { return resize(b, 7, 1) }),
		format("section of contributions is empty", "contributions", func(_ *testing.T, b []byte) []byte {
			return resize(b, 7, -layout(b)[7].size)
		}),
		format("section of contributions is too long", "contributions", func(_ *testing.T, b []byte) []byte {
			return resize(b, 7, ptau.MaxChainSize)
		}),
		format("header is longer", "header", func(_ *testing.T, b []byte) []byte { return resize(b, 1, 4) }),
		format("header is shorter", "header", func(_ *testing.T, b []byte) []byte { return resize(b, 1, -4) }),
		format("header is huge", "header", func(_ *testing.T, b []byte) []byte { return resize(b, 1, 1<<20) }),
		format("power 0", "header", withHeader(36, u32(0))),
		format("power above the ceremony's", "header", withHeader(36, u32(power+1))),
		format("power of a larger file", "tauG1", withHeader(36, append(u32(power+1), u32(power+1)...))),
		format("power of a smaller file", "tauG1", withHeader(36, u32(power-1))),
		format("ceremony's power above 28", "header", withHeader(40, u32(29))),
		{"size of numbers", "beacon.ptau", withHeader(0, u32(31)), "header", 0, -1, ptau.CheckCurve},
		{"modulus", "beacon.ptau", withHeader(4, []byte{0x48}), "header", 0, -1, ptau.CheckCurve},
		{"another curve", "beacon.ptau", func(t *testing.T, _ []byte) []byte { return made(t, "bls.ptau") }, "header", 0, -1, ptau.CheckCurve},
		// The ceremony's power is part of what the first contribution goes on from.
		{"ceremony's power is another one", "beacon.ptau", withHeader(40, u32(power+1)), "contributions", 1, -1, ptau.CheckKey},
	})
}

// resize makes a section longer by zeros, or shorter, and tells its true size.
func resize(b []byte, section uint32, by int) []byte {
	s := layout(b)[section]
	copy(b[s.at-8:], u64(uint64(s.size+by)))
	end := s.at + s.size
	if by < 0 {
		return slices.Delete(b, end+by, end)
	}
	return slices.Insert(b, end, make([]byte, by)...)
}

// TestTruncatedIsRefused cuts a file anywhere.
func TestTruncatedIsRefused(t *testing.T) {
	b := made(t, "one.ptau")
	lengths := []int{len(b) - 1}
	for n := 0; n < len(b); n += 61 {
		lengths = append(lengths, n)
	}
	for _, s := range layout(b) {
		lengths = append(lengths, s.at-12, s.at-11, s.at, s.at+1)
	}
	for _, n := range lengths {
		if _, err := ptau.Open(bytes.NewReader(b[:n]), int64(n)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		// The size is told wrongly, and the file ends while it is read.
		err := readAll(t, b[:n], int64(len(b)))
		if !errors.Is(err, zkkex.ErrMalformed) {
			t.Fatalf("%d bytes that claim to be %d: %v", n, len(b), err)
		}
	}
}

func readAll(t *testing.T, b []byte, size int64) error {
	t.Helper()
	f, err := ptau.Open(bytes.NewReader(b), size)
	if err != nil {
		return err
	}
	return f.Verify(t.Context(), nil)
}

// points says where the points of a file are, by section.
var points = []struct {
	section uint32
	name    string
	size    int
}{
	{2, "tauG1", 64}, {3, "tauG2", 128}, {4, "alphaTauG1", 64}, {5, "betaTauG1", 64}, {6, "betaG2", 128},
}

// TestEncodingIsRefused covers what is no point, in every section.
func TestEncodingIsRefused(t *testing.T) {
	var faults []fault
	for _, p := range points {
		at := 3
		if p.section == 6 {
			at = 0
		}
		add := func(name string, check ptau.Check, plant plant) {
			faults = append(faults, fault{p.name + ": " + name, "cut04.ptau", plant, p.name, 0, at, check})
		}
		offset := in(p.section, at*p.size)
		for number := 0; number < p.size; number += fp.Bytes {
			add(fmt.Sprintf("number %d not canonical", number/fp.Bytes), ptau.CheckCanonical, aliased(in(p.section, at*p.size+number)))
		}
		add("infinity", ptau.CheckInfinity, put(offset, make([]byte, p.size)...))
		add("off the curve", ptau.CheckOnCurve, flipped(offset))
		if p.size == 128 {
			add("off the subgroup", ptau.CheckSubgroup, func(t *testing.T, b []byte) []byte {
				copy(b[offset(b):], outsideG2(t))
				return b
			})
		}
	}
	testFaults(t, faults)
}

// TestEncodingOfContributionsIsRefused covers what is no point in a contribution.
func TestEncodingOfContributionsIsRefused(t *testing.T) {
	var faults []fault
	for _, p := range contributionPoints {
		add := func(name string, check ptau.Check, plant plant) {
			faults = append(faults, fault{p.name + ": " + name, "beacon.ptau", plant, "contributions", 2, -1, check})
		}
		add("not canonical", ptau.CheckCanonical, aliased(of(2, p.at)))
		add("infinity", ptau.CheckInfinity, put(of(2, p.at), make([]byte, p.size)...))
		add("off the curve", ptau.CheckOnCurve, flipped(of(2, p.at)))
		if p.size == 128 {
			add("off the subgroup", ptau.CheckSubgroup, func(t *testing.T, b []byte) []byte {
				copy(b[of(2, p.at)(b):], outsideG2(t))
				return b
			})
		}
	}
	testFaults(t, faults)
}

// aliased adds the modulus to a number: the same point to those who reduce.
func aliased(at func([]byte) int) plant {
	return func(_ *testing.T, b []byte) []byte {
		number := b[at(b) : at(b)+fp.Bytes]
		slices.Reverse(number)
		sum := new(big.Int).SetBytes(number)
		sum.Add(sum, fp.Modulus()).FillBytes(number)
		slices.Reverse(number)
		return b
	}
}

// flipped flips the lowest bit.
func flipped(at func([]byte) int) plant {
	return func(_ *testing.T, b []byte) []byte {
		b[at(b)] ^= 1
		return b
	}
}

// TestPowersAreRefused puts a sound point in another's place. The file is a
// truncated one, so that no hash tells.
func TestPowersAreRefused(t *testing.T) {
	other := map[int][]byte{64: otherG1(), 128: otherG2()}
	var faults []fault
	for _, p := range points {
		for _, at := range []int{0, 1, 2, 15} {
			f := fault{fmt.Sprintf("%s: point %d", p.name, at), "cut04.ptau",
				put(in(p.section, at*p.size), other[p.size]...), p.name, 0, -1, ptau.CheckPowers}
			switch {
			case at == 0 && p.section <= 3:
				f.point, f.check = 0, ptau.CheckGenerator
			case at == 0 || at == 1 && p.section <= 3:
				f.point, f.check = at, ptau.CheckLast
			case p.section == 6:
				continue
			}
			faults = append(faults, f)
		}
	}
	faults = append(faults,
		fault{"last power of tau", "cut04.ptau", put(in(2, 30*64), otherG1()...), "tauG1", 0, -1, ptau.CheckPowers},
		fault{"no contribution", "beacon.ptau", func(t *testing.T, _ []byte) []byte { return made(t, "new.ptau") }, "contributions", 0, -1, ptau.CheckContributed},
		fault{"nothing but a beacon", "beacon.ptau", func(t *testing.T, _ []byte) []byte { return made(t, "only.ptau") }, "contributions", 0, -1, ptau.CheckContributed},
		// Points that no contribution to a small circuit would read.
		fault{"a point, and the hash of all points", "beacon.ptau", put(in(2, 60*64), otherG1()...), "contributions", 3, -1, ptau.CheckChallenge},
		fault{"a number, and the hash of all points", "beacon.ptau", aliased(in(3, 30*128)), "tauG2", 0, -1, ptau.CheckCanonical},
	)
	testFaults(t, faults)
}

// TestPowersForKZGAreRefused: nothing else is read there that would tell.
func TestPowersForKZGAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		plant plant
		check ptau.Check
	}{
		"another point":  {put(in(2, 5*64), otherG1()...), ptau.CheckPowers},
		"two exchanged":  {exchanged(in(2, 5*64), in(2, 6*64), 64), ptau.CheckPowers},
		"the generator":  {exchanged(in(2, 5*64), in(2, 0), 64), ptau.CheckGenerator},
		"tau in G1":      {put(in(2, 64), otherG1()...), ptau.CheckLast},
		"tau in G2":      {put(in(3, 128), otherG2()...), ptau.CheckLast},
		"G2's generator": {put(in(3, 0), otherG2()...), ptau.CheckGenerator},
	} {
		f := open(t, c.plant(t, made(t, "beacon.ptau")))
		_, err := f.KZG(t.Context(), 16, nil)
		var refused *ptau.Error
		if !errors.As(err, &refused) || refused.Check != c.check || !errors.Is(err, zkkex.ErrRejected) {
			t.Errorf("%s: got %v, expected %q", name, err, c.check)
		}
	}
}

// exchanged exchanges two parts of a size.
func exchanged(one, other func([]byte) int, size int) plant {
	return func(_ *testing.T, b []byte) []byte {
		kept := bytes.Clone(b[one(b) : one(b)+size])
		copy(b[one(b):], b[other(b):other(b)+size])
		copy(b[other(b):], kept)
		return b
	}
}

// contributionPoints says where the points of a contribution are.
var contributionPoints = []struct {
	name     string
	at, size int
	// check refuses another point in a contribution that is no beacon.
	check ptau.Check
}{
	{"tau in G1", atTau1, 64, ptau.CheckStep},
	{"tau in G2", atTau2, 128, ptau.CheckStep},
	{"alpha in G1", atAlpha1, 64, ptau.CheckStep},
	{"beta in G1", atBeta1, 64, ptau.CheckStep},
	{"beta in G2", atBeta2, 128, ptau.CheckStep},
	{"key for tau, s", atKeyTau, 64, ptau.CheckKey},
	{"key for tau, sx", atKeyTau + 64, 64, ptau.CheckKey},
	{"key for tau, spx", atProofTau, 128, ptau.CheckKey},
	{"key for alpha, s", atKeyAlpha, 64, ptau.CheckKey},
	{"key for alpha, sx", atKeyAlpha + 64, 64, ptau.CheckKey},
	{"key for alpha, spx", atProofAlpha, 128, ptau.CheckKey},
	{"key for beta, s", atKeyBeta, 64, ptau.CheckKey},
	{"key for beta, sx", atKeyBeta + 64, 64, ptau.CheckKey},
	{"key for beta, spx", atProofBeta, 128, ptau.CheckKey},
}

// TestContributionsAreRefused plants faults in the chain that leave every point a
// sound one.
func TestContributionsAreRefused(t *testing.T) {
	other := map[int][]byte{64: otherG1(), 128: otherG2()}
	var faults []fault
	add := func(name string, contribution int, check ptau.Check, plant plant) {
		faults = append(faults, fault{name, "beacon.ptau", plant, "contributions", contribution, -1, check})
	}
	for _, p := range contributionPoints {
		for number := 1; number <= 3; number++ {
			check := p.check
			if number == 3 && check == ptau.CheckKey {
				check = ptau.CheckBeacon
			}
			add(fmt.Sprintf("%s of %d", p.name, number), number, check, put(of(number, p.at), other[p.size]...))
		}
	}
	for _, key := range []struct{ s, proof int }{{atKeyTau, atProofTau}, {atKeyAlpha, atProofAlpha}, {atKeyBeta, atProofBeta}} {
		// A key that anyone can make: the secret is 1, whatever hashing gives.
		add(fmt.Sprintf("key at %d is 1", key.s), 2, ptau.CheckKey, func(_ *testing.T, b []byte) []byte {
			at := contribution(b, 2).at + key.s
			copy(b[at+64:at+128], b[at:])
			return b
		})
		// The keys of another contributor are sound ones, for another challenge.
		add(fmt.Sprintf("key at %d is another's", key.s), 2, ptau.CheckKey, func(_ *testing.T, b []byte) []byte {
			from, to := contribution(b, 1).at, contribution(b, 2).at
			copy(b[to+key.s:to+key.s+128], b[from+key.s:])
			copy(b[to+key.proof:to+key.proof+128], b[from+key.proof:])
			return b
		})
	}
	add("challenge of the first", 2, ptau.CheckKey, flipped(of(1, atNext)))
	add("challenge of the second", 3, ptau.CheckBeacon, flipped(of(2, atNext)))
	add("challenge of the last", 3, ptau.CheckChallenge, flipped(of(3, atNext)))
	add("state of the last one's hash", 3, ptau.CheckChallenge, flipped(of(3, atPartial)))
	add("state with more than a block", 2, ptau.CheckFormat, put(of(2, atPartial+200), 129))
	add("state with part of a block", 2, ptau.CheckFormat, flipped(of(2, atPartial+192)))
	add("type unknown", 2, ptau.CheckFormat, put(of(2, atType), 2))
	add("beacon without a value", 2, ptau.CheckFormat, put(of(2, atType), 1))
	add("contribution with a beacon's value", 3, ptau.CheckFormat, put(of(3, atType), 0))
	add("beacon's value", 3, ptau.CheckBeacon, put(ofParameters(3, 2+len("the beacon")+2+2), 0xff))
	add("beacon's exponent", 3, ptau.CheckBeacon, put(ofParameters(3, 2+len("the beacon")+1), 11))
	add("beacon's exponent out of reach", 3, ptau.CheckEffort, put(ofParameters(3, 2+len("the beacon")+1), 63))
	add("beacon's exponent impossible", 3, ptau.CheckFormat, put(ofParameters(3, 2+len("the beacon")+1), 64))
	add("parameter unknown", 2, ptau.CheckFormat, put(ofParameters(2, 0), 4))
	add("parameter 0", 2, ptau.CheckFormat, put(ofParameters(2, 0), 0))
	add("parameters out of order", 3, ptau.CheckFormat, put(ofParameters(3, 0), 3))
	add("name longer than the parameters", 1, ptau.CheckFormat, put(ofParameters(1, 1), 200))
	add("parameters longer than allowed", 3, ptau.CheckFormat, put(of(3, atParameters), u32(600)...))
	add("parameters longer than the section", 3, ptau.CheckFormat, put(of(3, atParameters), u32(math.MaxUint32)...))
	add("more contributions than there are", 0, ptau.CheckFormat, put(in(7, 0), 4))
	add("many more contributions than there are", 0, ptau.CheckFormat, put(in(7, 0), u32(math.MaxUint32)...))
	add("fewer contributions than there are", 0, ptau.CheckFormat, put(in(7, 0), 2))
	add("first is missing", 1, ptau.CheckKey, without(1))
	add("second is missing", 2, ptau.CheckBeacon, without(2))
	add("order", 1, ptau.CheckKey, func(_ *testing.T, b []byte) []byte {
		one, two := contribution(b, 1), contribution(b, 2)
		first := bytes.Clone(b[one.at : one.at+one.size])
		second := bytes.Clone(b[two.at : two.at+two.size])
		copy(b[one.at:], append(second, first...))
		return b
	})
	faults = append(faults,
		fault{"beacon is missing", "beacon.ptau", without(3), "tauG1", 0, 1, ptau.CheckLast},
		fault{"chain of another ceremony", "beacon.ptau", func(t *testing.T, b []byte) []byte {
			other := made(t, "other.ptau")
			theirs, ours := layout(other)[7], layout(b)[7]
			copy(b[ours.at-8:], u64(uint64(theirs.size)))
			return append(b[:ours.at], other[theirs.at:]...)
		}, "tauG1", 0, 1, ptau.CheckLast},
	)
	testFaults(t, faults)
}

// ofParameters gives an offset in the parameters of a contribution.
func ofParameters(number, offset int) func([]byte) int { return of(number, sizeFixed+offset) }

// without takes a contribution out.
func without(number int) plant {
	return func(_ *testing.T, b []byte) []byte {
		s, c := layout(b)[7], contribution(b, number)
		copy(b[s.at:], u32(binary.LittleEndian.Uint32(b[s.at:])-1))
		copy(b[s.at-8:], u64(uint64(s.size-c.size)))
		return slices.Delete(b, c.at, c.at+c.size)
	}
}
