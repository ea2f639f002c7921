package keys

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/zkkex/zkkex"
)

func TestGenerateIsFreshAndInRange(t *testing.T) {
	seen := map[[32]byte]bool{}
	for range 50 {
		s, err := Generate()
		if err != nil {
			t.Fatal(err)
		}
		sk, nk := s.RevealScalar(), s.RevealNullifierKey()
		if again, err := ParseSecret(sk, nk); err != nil || !again.Equal(s) {
			t.Fatalf("not read back: %v", err)
		}
		if seen[sk] || seen[nk] || sk == nk {
			t.Fatal("a value came twice")
		}
		seen[sk], seen[nk] = true, true
	}
}

func TestGenerateReducesAllRandomBytes(t *testing.T) {
	// sk and nk are the two halves of the randomness, each modulo its order.
	random := make([]byte, 2*wideSize)
	for i := range random {
		random[i] = byte(i * 7)
	}
	s, err := generate(iotest.OneByteReader(bytes.NewReader(random)))
	if err != nil {
		t.Fatal(err)
	}
	sk, nk := s.RevealScalar(), s.RevealNullifierKey()
	for _, half := range []struct {
		got    [32]byte
		random []byte
		order  *big.Int
	}{{sk, random[:64], refOrder}, {nk, random[64:], refP}} {
		want := new(big.Int).SetBytes(half.random)
		if want.Mod(want, half.order); new(big.Int).SetBytes(half.got[:]).Cmp(want) != 0 {
			t.Errorf("%x, want %x", half.got, want)
		}
	}
	if _, err := generate(bytes.NewReader(random[:127])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("one byte short: %v; want io.ErrUnexpectedEOF", err)
	}
}

func TestUniformSkipsZero(t *testing.T) {
	multiple := new(big.Int).Mul(refOrder, big.NewInt(12345)).FillBytes(make([]byte, wideSize))
	one := append(make([]byte, wideSize-1), 1)
	got, err := uniform(bytes.NewReader(append(multiple, one...)), order())
	if err != nil || got != [32]byte{31: 1} {
		t.Errorf("%x, %v; want 1", got, err)
	}
}

func TestParseSecretRefuses(t *testing.T) {
	good := vectorSecret(t, "a")
	sk, nk := good.RevealScalar(), good.RevealNullifierKey()
	add := func(b [32]byte, m *big.Int) (out [32]byte) {
		v := new(big.Int).SetBytes(b[:])
		v.Add(v, m).FillBytes(out[:])
		return out
	}
	for name, test := range map[string]struct {
		sk, nk [32]byte
		want   error
	}{
		"scalar 0":              {[32]byte{}, nk, ErrScalarRange},
		"scalar = order":        {add([32]byte{}, refOrder), nk, ErrScalarRange},
		"scalar + order":        {add(sk, refOrder), nk, ErrScalarRange},
		"nullifier key 0":       {sk, [32]byte{}, ErrNullifierKey},
		"nullifier key = r":     {sk, add([32]byte{}, refP), ErrNullifierKey},
		"nullifier key + r":     {sk, add(nk, refP), ErrNullifierKey},
		"nullifier key maximal": {sk, [32]byte(bytes.Repeat([]byte{0xff}, 32)), ErrNullifierKey},
	} {
		if _, err := ParseSecret(test.sk, test.nk); !errors.Is(err, test.want) || !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
	}
}

// Two scalars for one key must not give one member two secrets.
func TestScalarPlusOrderIsTheSameKey(t *testing.T) {
	s := vectorSecret(t, "a")
	sum := new(big.Int).Add(scalarOf(s), refOrder)
	p := refEncode(refMultiply(refBase, sum))
	if p != [PointSize]byte(s.Public().Bytes()) {
		t.Fatal("another key")
	}
	if _, err := ParseSecret([32]byte(sum.FillBytes(make([]byte, 32))), s.RevealNullifierKey()); !errors.Is(err, ErrScalarRange) {
		t.Errorf("%v; want ErrScalarRange", err)
	}
}

func TestNegatedKeyHasTheSameCommitment(t *testing.T) {
	for i := range 20 {
		s := vectorSecret(t, fmt.Sprint("negated ", i))
		minus := new(big.Int).Sub(refOrder, scalarOf(s)).FillBytes(make([]byte, 32))
		negated, err := ParseSecret([32]byte(minus), s.RevealNullifierKey())
		if err != nil {
			t.Fatal(err)
		}
		if [PointSize]byte(negated.Public().Bytes()) == [PointSize]byte(s.Public().Bytes()) {
			t.Fatal("the negative is the key itself")
		}
		if negated.Commitment() != s.Commitment() || negated.Commitment() != s.Public().Commitment() {
			t.Error("a key and its negative have two commitments")
		}
	}
}

func TestNullifierDependsOnNullifierKeyAlone(t *testing.T) {
	a, b := vectorSecret(t, "a"), vectorSecret(t, "b")
	mixed, err := ParseSecret(b.RevealScalar(), a.RevealNullifierKey())
	if err != nil {
		t.Fatal(err)
	}
	scope := zkkex.Scope{1}
	if mixed.Nullifier(scope, 3) != a.Nullifier(scope, 3) {
		t.Error("the nullifier depends on the identity key")
	}
	if mixed.Commitment() == a.Commitment() || mixed.Commitment() == b.Commitment() {
		t.Error("the commitment does not depend on both keys")
	}
	seen := map[zkkex.Nullifier]string{}
	for _, s := range []*Secret{a, b} {
		for _, scope := range []zkkex.Scope{{1}, {2}} {
			for slot := range uint32(3) {
				n := s.Nullifier(scope, slot)
				what := fmt.Sprint(s == a, scope, slot)
				if other, twice := seen[n]; twice {
					t.Errorf("%s and %s have one nullifier", what, other)
				}
				seen[n] = what
			}
		}
	}
}

func TestImportSeedDrawsANullifierKey(t *testing.T) {
	seed := [32]byte{1, 2, 3}
	a, err := ImportSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ImportSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Public().Bytes(), b.Public().Bytes()) {
		t.Error("one seed gave two identity keys")
	}
	if a.RevealNullifierKey() == b.RevealNullifierKey() {
		t.Error("the nullifier key follows from the seed")
	}
}

func TestSecretNeverPrints(t *testing.T) {
	s := vectorSecret(t, "a")
	sk, nk := s.RevealScalar(), s.RevealNullifierKey()
	type holder struct {
		Exported   Secret
		unexported Secret
		pointer    *Secret
		double     **Secret
	}
	nested := holder{*s, *s, s, &s}
	file, err := unencryptedFile(s, created)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, v := range []any{s, *s, nested, &nested, []*Secret{s}, []Secret{*s}, map[string]*Secret{"s": s}, file, *file} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%c", "%e", "%p", "%t", "%U", "%o", "%O", "%y"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		if err := json.NewEncoder(&out).Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprintln(&out, s, s.String(), s.GoString(), fmt.Errorf("wrapped: %v", s))
	if err := gob.NewEncoder(&out).Encode(s); err == nil {
		t.Error("gob accepts a secret")
	}
	for name, secret := range map[string][32]byte{"scalar": sk, "nullifier key": nk} {
		for form, leaked := range map[string]string{
			"hexadecimal": fmt.Sprintf("%x", secret), "upper case": fmt.Sprintf("%X", secret),
			"bytes": fmt.Sprint(secret[:8])[1:20], "raw": string(secret[:]),
			"integer": new(big.Int).SetBytes(secret[:]).String(), "Go syntax": fmt.Sprintf("%#v", secret[:4])[7:20],
		} {
			if strings.Contains(out.String(), leaked) {
				t.Errorf("the %s is printed, in %s", name, form)
			}
		}
	}
	if !strings.Contains(out.String(), redacted) {
		t.Error("nothing says that a secret was left out")
	}
}

// The check above must notice a type that does print.
func TestLeakCheckWouldNotice(t *testing.T) {
	s := vectorSecret(t, "a")
	if sk := s.RevealScalar(); !strings.Contains(fmt.Sprintf("%v", *s.reveal()), fmt.Sprint(sk[:8])[1:20]) {
		t.Error("printing the material itself shows no scalar, so the search is wrong")
	}
}

func TestWipe(t *testing.T) {
	s := vectorSecret(t, "a")
	duplicate := *s
	s.Wipe()
	s.Wipe()
	if *duplicate.reveal() != (material{}) {
		t.Error("secrets are left in a copy")
	}
	for name, use := range map[string]func(){
		"Sign":      func() { s.Sign(nil) },
		"Nullifier": func() { s.Nullifier(zkkex.Scope{}, 0) },
		"reveal":    func() { s.RevealScalar() },
		"zero":      func() { new(Secret).Commitment() },
	} {
		if !panics(use) {
			t.Errorf("%s with a wiped secret goes on", name)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	s := vectorSecret(t, "a")
	want := s.Nullifier(zkkex.Scope{1}, 1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			sig, err := s.Sign([]byte("message"))
			if err != nil || s.Public().Verify([]byte("message"), sig) != nil {
				t.Errorf("signing: %v", err)
			}
			if s.Nullifier(zkkex.Scope{1}, 1) != want || s.Commitment() != s.Public().Commitment() {
				t.Error("another nullifier or commitment")
			}
		})
	}
	wg.Wait()
}

func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}

func TestEqual(t *testing.T) {
	a, b := vectorSecret(t, "a"), vectorSecret(t, "b")
	mixed, err := ParseSecret(a.RevealScalar(), b.RevealNullifierKey())
	if err != nil {
		t.Fatal(err)
	}
	if !a.Equal(vectorSecret(t, "a")) || a.Equal(b) || a.Equal(mixed) || b.Equal(mixed) {
		t.Error("Equal is wrong")
	}
}
