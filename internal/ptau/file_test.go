package ptau_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
	"golang.org/x/crypto/blake2b"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/ptau"
)

func TestFacts(t *testing.T) {
	b := made(t, "beacon.ptau")
	f := open(t, b)
	if f.Size() != int64(len(b)) || f.Power() != power || f.CeremonyPower() != power {
		t.Errorf("size %d, power %d of %d", f.Size(), f.Power(), f.CeremonyPower())
	}
	digest, err := f.SHA256(t.Context(), nil)
	if err != nil || digest != sha256.Sum256(b) {
		t.Errorf("digest %x, %v", digest, err)
	}
	responses := made(t, "responses")
	contributions := f.Chain().Contributions()
	if len(contributions) != 3 {
		t.Fatalf("%d contributions", len(contributions))
	}
	for i, name := range []string{"Alice", "Bob, of Zürich", "the beacon"} {
		c := contributions[i]
		if c.Number != i+1 || c.Name != name || (c.Beacon != nil) != (i == 2) {
			t.Errorf("contribution %d: %+v", i+1, c)
		}
		if shown := responses[i*blake2b.Size : (i+1)*blake2b.Size]; !bytes.Equal(c.Response[:], shown) {
			t.Errorf("contribution %d: response %x, snarkjs showed %x", i+1, c.Response, shown)
		}
	}
	beacon := contributions[2].Beacon
	if beacon.Exponent != 10 || !bytes.Equal(beacon.Value, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}) {
		t.Errorf("beacon %+v", beacon)
	}
	beacon.Value[0] = 0xff
	if f.Chain().Contributions()[2].Beacon.Value[0] != 1 {
		t.Error("a beacon that was returned is the chain's own")
	}
}

// TestSoundFilesAreAccepted does everything with every kind of file.
func TestSoundFilesAreAccepted(t *testing.T) {
	for _, name := range []string{"one.ptau", "two.ptau", "beacon.ptau", "prepared.ptau", "other.ptau", "cut01.ptau", "cut02.ptau", "cut03.ptau", "cut04.ptau"} {
		if err := examine(t.Context(), made(t, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPointsAreThoseOfSnarkjs compares all points with the form that snarkjs gives
// to other programs.
func TestPointsAreThoseOfSnarkjs(t *testing.T) {
	srs, err := open(t, made(t, "beacon.ptau")).Groth16(t.Context(), 1<<power, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	response := made(t, "responses")[2*blake2b.Size:]
	got.Write(response)
	for i := range srs.G1.Tau {
		b := srs.G1.Tau[i].RawBytes()
		got.Write(b[:])
	}
	for i := range srs.G2.Tau {
		b := srs.G2.Tau[i].RawBytes()
		got.Write(b[:])
	}
	for i := range srs.G1.AlphaTau {
		b := srs.G1.AlphaTau[i].RawBytes()
		got.Write(b[:])
	}
	for i := range srs.G1.BetaTau {
		b := srs.G1.BetaTau[i].RawBytes()
		got.Write(b[:])
	}
	b := srs.G2.Beta.RawBytes()
	got.Write(b[:])
	if !bytes.Equal(got.Bytes(), made(t, "beacon.challenge")) {
		t.Error("points differ from those that snarkjs exports")
	}
}

// TestPrefixes asks for less than the file has.
func TestPrefixes(t *testing.T) {
	full := open(t, made(t, "beacon.ptau"))
	all, err := full.Groth16(t.Context(), 1<<power, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"beacon.ptau", "prepared.ptau", "cut03.ptau"} {
		f := open(t, made(t, name))
		for _, domain := range []int{2, 4, 8} {
			srs, err := f.Groth16(t.Context(), domain, nil)
			if err != nil {
				t.Fatalf("%s, domain %d: %v", name, domain, err)
			}
			var want mpc.SRS
			want.G1.Tau, want.G2.Tau = all.G1.Tau[:2*domain-1], all.G2.Tau[:domain]
			want.G1.AlphaTau, want.G1.BetaTau, want.G2.Beta = all.G1.AlphaTau[:domain], all.G1.BetaTau[:domain], all.G2.Beta
			b := mpc.SRSBytes(srs)
			if !bytes.Equal(b, mpc.SRSBytes(&want)) {
				t.Errorf("%s, domain %d: not the first points", name, domain)
			}
			if _, err := mpc.ParseSRS(b, domain); err != nil {
				t.Errorf("%s, domain %d: %v", name, domain, err)
			}
		}
	}
}

// TestKZGOpens commits to a polynomial and opens it.
func TestKZGOpens(t *testing.T) {
	srs, err := open(t, made(t, "cut03.ptau")).KZG(t.Context(), 15, nil)
	if err != nil {
		t.Fatal(err)
	}
	polynomial := make([]fr.Element, 15)
	for i := range polynomial {
		polynomial[i].SetInt64(int64(7*i - 3))
	}
	var at fr.Element
	at.SetUint64(42)
	commitment, err := kzg.Commit(polynomial, srs.Pk)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := kzg.Open(polynomial, at, srs.Pk)
	if err != nil {
		t.Fatal(err)
	}
	if err := kzg.Verify(&commitment, &proof, at, srs.Vk); err != nil {
		t.Error(err)
	}
	proof.ClaimedValue.Double(&proof.ClaimedValue)
	if kzg.Verify(&commitment, &proof, at, srs.Vk) == nil {
		t.Error("a wrong value verifies")
	}
	trusted, err := kzg.NewSRS(2, big.NewInt(3))
	if err != nil {
		t.Fatal(err)
	}
	if srs.Vk.Lines[0] != trusted.Vk.Lines[0] || srs.Vk.Lines[1] == trusted.Vk.Lines[1] {
		t.Error("the lines are not those of the points")
	}
}

// TestTooSmall asks for more than the file has.
func TestTooSmall(t *testing.T) {
	f := open(t, made(t, "cut03.ptau"))
	for name, ask := range map[string]func() error{
		"domain 16":         func() error { _, err := f.Groth16(t.Context(), 16, nil); return err },
		"domain 2^40":       func() error { _, err := f.Groth16(t.Context(), 1<<40, nil); return err },
		"domain 0":          func() error { _, err := f.Groth16(t.Context(), 0, nil); return err },
		"domain 1":          func() error { _, err := f.Groth16(t.Context(), 1, nil); return err },
		"domain 6":          func() error { _, err := f.Groth16(t.Context(), 6, nil); return err },
		"a domain below 0":  func() error { _, err := f.Groth16(t.Context(), -8, nil); return err },
		"16 powers":         func() error { _, err := f.KZG(t.Context(), 16, nil); return err },
		"1 power":           func() error { _, err := f.KZG(t.Context(), 1, nil); return err },
		"a number below 0":  func() error { _, err := f.KZG(t.Context(), -1, nil); return err },
		"2^40 powers":       func() error { _, err := f.KZG(t.Context(), 1<<40, nil); return err },
		"the largest power": func() error { _, err := f.KZG(t.Context(), 1<<62, nil); return err },
	} {
		err := ask()
		var refused *ptau.Error
		if !errors.As(err, &refused) || refused.Check != ptau.CheckPower || !errors.Is(err, zkkex.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := f.Groth16(t.Context(), 32, nil)
	if want := ".ptau file: power: too small: has power 3, needs 5"; err.Error() != want {
		t.Errorf("%q, expected %q", err, want)
	}
	_, err = f.KZG(t.Context(), 64, nil)
	if want := ".ptau file: power: too small: has power 3, which is 15 powers of tau, needs 64, which is power 6"; err.Error() != want {
		t.Errorf("%q, expected %q", err, want)
	}
}

// TestChainStandsAlone verifies contributions with a prefix of the points, and
// not with those of another ceremony.
func TestChainStandsAlone(t *testing.T) {
	f := open(t, made(t, "cut03.ptau"))
	srs, err := f.Groth16(t.Context(), 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := ptau.ParseChain(f.Chain().Bytes(), f.CeremonyPower())
	if err != nil {
		t.Fatal(err)
	}
	if chain.CeremonyPower() != power || !bytes.Equal(chain.Bytes(), f.Chain().Bytes()) {
		t.Error("the chain is read otherwise than it was written")
	}
	if err := chain.Verify(t.Context(), srs, nil); err != nil {
		t.Error(err)
	}
	other, err := open(t, made(t, "other.ptau")).Groth16(t.Context(), 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	var refused *ptau.Error
	if err := chain.Verify(t.Context(), other, nil); !errors.As(err, &refused) || refused.Check != ptau.CheckLast {
		t.Errorf("points of another ceremony: %v", err)
	}
	if err := chain.Verify(t.Context(), new(mpc.SRS), nil); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("no points: %v", err)
	}
	for _, ceremonyPower := range []int{0, 29} {
		if _, err := ptau.ParseChain(chain.Bytes(), ceremonyPower); !errors.Is(err, zkkex.ErrUnsupported) {
			t.Errorf("power %d: %v", ceremonyPower, err)
		}
	}
}

// TestResponseTellsOtherStates: of contributions that others followed, the state
// of the hash is not compared with anything in the file. It is not the one that
// the contributor published then.
func TestResponseTellsOtherStates(t *testing.T) {
	b := made(t, "beacon.ptau")
	b[contribution(b, 1).at+atPartial] ^= 1
	if err := examine(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	response := open(t, b).Chain().Contributions()[0].Response
	if bytes.Equal(response[:], made(t, "responses")[:blake2b.Size]) {
		t.Error("the response does not depend on the state")
	}
}

// TestNames makes names that do something to a terminal harmless.
func TestNames(t *testing.T) {
	b := made(t, "beacon.ptau")
	at := contribution(b, 1).at + sizeFixed + 2
	for given, want := range map[string]string{
		"Al\x1bce":      "Al\uFFFDce",
		"Al\xffce":      "Al\uFFFDce",
		" \u00e9li":     "\u00e9li",
		"Al\u202e":      "Al\uFFFD",
		"Al\r\n ":       "Al\uFFFD\uFFFD",
		"A\u00a0\u00a0": "A\uFFFD\uFFFD",
	} {
		copy(b[at:], given)
		if got := open(t, b).Chain().Contributions()[0].Name; got != want {
			t.Errorf("%q is shown as %q, expected %q", given, got, want)
		}
	}
}

// TestEveryByte flips bits all over a file that was not truncated.
func TestEveryByte(t *testing.T) {
	sound := made(t, "one.ptau")
	// Nobody can say what was there: a name, and of the hash's state what is
	// left of an earlier block, and a word that is not used.
	one := contribution(sound, 1)
	filled := int(sound[one.at+atPartial+200])
	free := func(at int) bool {
		at -= one.at
		return at >= sizeFixed+2 || at >= atPartial+filled && at < atPartial+128 || at >= atPartial+208 && at < atNext
	}
	for at := 0; at < len(sound); at += 101 {
		if free(at) {
			continue
		}
		b := bytes.Clone(sound)
		b[at] ^= 1 << (at % 8)
		err := examine(t.Context(), b)
		var refused *ptau.Error
		if !errors.As(err, &refused) {
			t.Errorf("byte %d: %v", at, err)
		}
	}
}

// TestProgressAndCancel follows a reader's steps, and stops in the middle.
func TestProgressAndCancel(t *testing.T) {
	b := made(t, "beacon.ptau")
	work := func(ctx context.Context, progress ptau.Progress) error {
		f := open(t, b)
		if err := f.Verify(ctx, progress); err != nil {
			return err
		}
		if _, err := f.SHA256(ctx, progress); err != nil {
			return err
		}
		_, err := f.Groth16(ctx, 8, progress)
		return err
	}
	type report struct {
		step        string
		done, total int
	}
	var reports []report
	note := func(step string, done, total int) { reports = append(reports, report{step, done, total}) }
	if err := work(t.Context(), note); err != nil {
		t.Fatal(err)
	}
	last := make(map[string]report)
	for _, r := range reports {
		if r.done < 1 || r.done > r.total || r.done < last[r.step].done {
			t.Errorf("%+v after %+v", r, last[r.step])
		}
		last[r.step] = r
	}
	if len(last) != 8 {
		t.Errorf("steps %v", last)
	}
	for _, r := range last {
		if r.done != r.total {
			t.Errorf("%s ends at %d of %d", r.step, r.done, r.total)
		}
	}
	for stop := range reports[:len(reports)-1] {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		err := work(ctx, func(string, int, int) {
			if n == stop {
				cancel()
			}
			n++
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at %+v: %v", reports[stop], err)
		}
		cancel()
	}
}

// TestBeaconIsCancelled stops in the middle of a beacon that takes long.
func TestBeaconIsCancelled(t *testing.T) {
	b := made(t, "beacon.ptau")
	b[contribution(b, 3).at+sizeFixed+2+len("the beacon")+1] = 32
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := false
	err := open(t, b).Verify(ctx, func(step string, done, total int) {
		if step == "beacon" {
			begun = done == 1 && total == 1<<12
			cancel()
		}
	})
	if !begun || !errors.Is(err, context.Canceled) {
		t.Errorf("begun %v, %v", begun, err)
	}
}

// TestFileThatChanges: the points that are imported are compared with the chain,
// whatever was there before.
func TestFileThatChanges(t *testing.T) {
	b, other := made(t, "cut03.ptau"), made(t, "other.ptau")
	f := open(t, b)
	if err := f.Verify(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for section := uint32(2); section <= 6; section++ {
		ours, theirs := layout(b)[section], layout(other)[section]
		copy(b[ours.at:ours.at+ours.size], other[theirs.at:])
	}
	for name, work := range map[string]func() error{
		"Verify":  func() error { return f.Verify(t.Context(), nil) },
		"Groth16": func() error { _, err := f.Groth16(t.Context(), 4, nil); return err },
		"KZG":     func() error { _, err := f.KZG(t.Context(), 4, nil); return err },
	} {
		var refused *ptau.Error
		if err := work(); !errors.As(err, &refused) || refused.Check != ptau.CheckLast {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// broken fails after some bytes.
type broken struct {
	io.ReaderAt
	after int64
}

var errBroken = errors.New("disk is broken")

func (b broken) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > b.after {
		return 0, errBroken
	}
	return b.ReaderAt.ReadAt(p, at)
}

// TestReaderFails: what the disk says is said, and is not about the file.
func TestReaderFails(t *testing.T) {
	b := made(t, "one.ptau")
	for after := int64(0); after < int64(len(b)); after += 997 {
		err := func() error {
			f, err := ptau.Open(broken{bytes.NewReader(b), after}, int64(len(b)))
			if err != nil {
				return err
			}
			return f.Verify(t.Context(), nil)
		}()
		if !errors.Is(err, errBroken) || errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("after %d bytes: %v", after, err)
		}
	}
}
