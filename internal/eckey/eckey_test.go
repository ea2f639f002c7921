package eckey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secp256k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/zkkex/zkkex"
)

// pair makes a key of a curve, and signs with it by the library of the curve.
func pair(t testing.TB, c Curve) (uncompressed []byte, sign func(digest [32]byte) (r, s *big.Int)) {
	t.Helper()
	if c == P256 {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		b, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b, func(digest [32]byte) (r, s *big.Int) {
			r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
			if err != nil {
				t.Fatal(err)
			}
			return r, s
		}
	}
	key, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key.PubKey().SerializeUncompressed(), func(digest [32]byte) (r, s *big.Int) {
		sig := secp256k1ecdsa.SignCompact(key, digest[:], true)
		return new(big.Int).SetBytes(sig[1:33]), new(big.Int).SetBytes(sig[33:])
	}
}

func each(t *testing.T, f func(t *testing.T, c Curve)) {
	for _, c := range []Curve{P256, Secp256k1} {
		t.Run(c.String(), func(t *testing.T) { f(t, c) })
	}
}

func TestEncodings(t *testing.T) {
	each(t, func(t *testing.T, c Curve) {
		for range 20 {
			b, _ := pair(t, c)
			k, err := c.FromUncompressed(b)
			if err != nil {
				t.Fatal(err)
			}
			if u := k.Uncompressed(); string(u[:]) != string(b) {
				t.Fatalf("read %x, wrote %x", b, u)
			}
			small := k.Bytes()
			again, err := c.Parse(small[:])
			if err != nil || again != k {
				t.Fatalf("%x: %v, %v", small, again, err)
			}
			small[0] ^= 1
			negative, err := c.Parse(small[:])
			if err != nil || negative.X() != k.X() || negative.Y() == k.Y() {
				t.Fatalf("the negative of %x: %v, %v", small, negative, err)
			}
		}
	})
}

func TestKeysRefused(t *testing.T) {
	each(t, func(t *testing.T, c Curve) {
		b, _ := pair(t, c)
		k, err := c.FromUncompressed(b)
		if err != nil {
			t.Fatal(err)
		}
		good := k.Bytes()
		above := func(at int, b []byte) []byte { // a coordinate that is the field's order
			out := append([]byte(nil), b...)
			c.Field().FillBytes(out[at : at+32])
			return out
		}
		off := append([]byte(nil), b...)
		off[64] ^= 1
		noRoot := good
		for i := byte(1); ; i++ {
			noRoot[32] = i
			x := new(big.Int).SetBytes(noRoot[1:])
			if new(big.Int).ModSqrt(c.rightSide(x), c.Field()) == nil {
				break
			}
		}
		other := map[Curve]Curve{P256: Secp256k1, Secp256k1: P256}[c]
		stranger, _ := pair(t, other)
		for name, test := range map[string]struct {
			b    []byte
			want error
		}{
			"nothing":                 {nil, ErrKeyEncoding},
			"infinity":                {[]byte{0}, ErrKeyEncoding},
			"infinity, filled up":     {make([]byte, KeySize), ErrKeyEncoding},
			"a byte short":            {good[:32], ErrKeyEncoding},
			"a byte more":             {append(good[:], 0), ErrKeyEncoding},
			"hybrid":                  {append([]byte{6}, b[1:]...), ErrKeyEncoding},
			"x is the field's order":  {above(1, good[:]), ErrKeyEncoding},
			"no point has this x":     {noRoot[:], ErrNotOnCurve},
			"x above, uncompressed":   {above(1, b), ErrKeyEncoding},
			"y above, uncompressed":   {above(33, b), ErrKeyEncoding},
			"off the curve":           {off, ErrNotOnCurve},
			"all zeros, uncompressed": {append([]byte{4}, make([]byte, 64)...), ErrNotOnCurve},
			"of the other curve":      {stranger, ErrNotOnCurve},
		} {
			parse := c.Parse
			if len(test.b) == UncompressedSize {
				parse = c.FromUncompressed
			}
			if _, err := parse(test.b); !errors.Is(err, test.want) || !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("%s: %v; want %v", name, err, test.want)
			}
		}
		if _, err := c.Parse(b); !errors.Is(err, ErrKeyEncoding) {
			t.Errorf("an uncompressed key where a compressed one belongs: %v", err)
		}
		if _, err := c.FromUncompressed(good[:]); !errors.Is(err, ErrKeyEncoding) {
			t.Errorf("a compressed key where an uncompressed one belongs: %v", err)
		}
	})
}

func TestVerify(t *testing.T) {
	each(t, func(t *testing.T, c Curve) {
		b, sign := pair(t, c)
		k, err := c.FromUncompressed(b)
		if err != nil {
			t.Fatal(err)
		}
		stranger, _ := pair(t, c)
		other, err := c.FromUncompressed(stranger)
		if err != nil {
			t.Fatal(err)
		}
		n := c.Order()
		for i := range byte(20) {
			digest := sha256.Sum256([]byte{i})
			r, s := sign(digest)
			sig, err := c.Normalize(r, s)
			if err != nil {
				t.Fatal(err)
			}
			if flipped, err := c.Normalize(r, new(big.Int).Sub(n, s)); err != nil || flipped != sig {
				t.Fatalf("both signs of s: %x and %x, %v", sig, flipped, err)
			}
			if err := k.Verify(digest, sig); err != nil {
				t.Fatal(err)
			}
			wrong := digest
			wrong[31] ^= 1
			if err := k.Verify(wrong, sig); !errors.Is(err, ErrSignature) {
				t.Errorf("another digest: %v", err)
			}
			if err := other.Verify(digest, sig); !errors.Is(err, ErrSignature) {
				t.Errorf("another key: %v", err)
			}
			set := func(at int, v *big.Int) (out [SignatureSize]byte) {
				out = sig
				v.FillBytes(out[at : at+32])
				return out
			}
			low := new(big.Int).SetBytes(sig[32:])
			for name, bad := range map[string]struct {
				sig  [SignatureSize]byte
				want error
			}{
				"s is high": {set(32, new(big.Int).Sub(n, low)), ErrHighS},
				"s is 0":    {set(32, new(big.Int)), ErrScalar},
				"r is 0":    {set(0, new(big.Int)), ErrScalar},
				"s is n":    {set(32, n), ErrScalar},
				"r is n":    {set(0, n), ErrScalar},
				"r is 2^256-1": {
					set(0, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))), ErrScalar,
				},
			} {
				if err := k.Verify(digest, bad.sig); !errors.Is(err, bad.want) {
					t.Errorf("%s: %v; want %v", name, err, bad.want)
				}
			}
		}
		for name, scalars := range map[string][2]*big.Int{
			"r is 0": {new(big.Int), big.NewInt(1)}, "s is 0": {big.NewInt(1), new(big.Int)},
			"r is n": {n, big.NewInt(1)}, "s is n": {big.NewInt(1), n}, "r is negative": {big.NewInt(-1), big.NewInt(1)},
		} {
			if _, err := c.Normalize(scalars[0], scalars[1]); !errors.Is(err, ErrScalar) {
				t.Errorf("Normalize, %s: %v", name, err)
			}
		}
	})
}

// Half of the order is the highest s that is low.
func TestHighS(t *testing.T) {
	each(t, func(t *testing.T, c Curve) {
		half := new(big.Int).Rsh(c.Order(), 1)
		if c.high(half) || !c.high(new(big.Int).Add(half, big.NewInt(1))) {
			t.Error("the border between low and high is elsewhere")
		}
	})
}

func TestRecover(t *testing.T) {
	key, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	want, err := Secp256k1.FromUncompressed(key.PubKey().SerializeUncompressed())
	if err != nil {
		t.Fatal(err)
	}
	for i := range byte(20) {
		digest := sha256.Sum256([]byte{i})
		sig := secp256k1ecdsa.SignCompact(key, digest[:], false)
		r, s, id := new(big.Int).SetBytes(sig[1:33]), new(big.Int).SetBytes(sig[33:]), sig[0]-27
		if got, err := Recover(digest, r, s, id); err != nil || got != want {
			t.Fatalf("%v, %v", got, err)
		}
		high := new(big.Int).Sub(Secp256k1.Order(), s)
		if got, err := Recover(digest, r, high, id^1); err != nil || got != want {
			t.Fatalf("with the high s: %v, %v", got, err)
		}
		if got, err := Recover(digest, r, s, id^1); err == nil && got == want {
			t.Fatal("the other recovery id gives the same key")
		}
	}
	digest, one := sha256.Sum256(nil), big.NewInt(1)
	for name, f := range map[string]func() (PublicKey, error){
		"id 4":   func() (PublicKey, error) { return Recover(digest, one, one, 4) },
		"r is 0": func() (PublicKey, error) { return Recover(digest, new(big.Int), one, 0) },
		"s is n": func() (PublicKey, error) { return Recover(digest, one, Secp256k1.Order(), 0) },
		"r + n":  func() (PublicKey, error) { return Recover(digest, new(big.Int).Sub(Secp256k1.Order(), one), one, 2) },
	} {
		if _, err := f(); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	generator, err := hex.DecodeString("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798") // SEC 2
	if err != nil {
		f.Fatal(err)
	}
	f.Add(true, generator)
	f.Add(false, generator)
	f.Add(true, append([]byte{4}, make([]byte, 64)...))
	f.Fuzz(func(t *testing.T, secp bool, b []byte) {
		c := P256
		if secp {
			c = Secp256k1
		}
		k, err := c.Parse(b)
		if err == nil {
			again := k.Bytes()
			u := k.Uncompressed()
			if same, err := c.FromUncompressed(u[:]); string(again[:]) != string(b) || err != nil || same != k {
				t.Fatalf("read %x, wrote %x: %v", b, again, err)
			}
		} else if !errors.Is(err, zkkex.ErrMalformed) {
			t.Fatalf("an error of no class: %v", err)
		}
		if k, err := c.FromUncompressed(b); err == nil {
			if u := k.Uncompressed(); string(u[:]) != string(b) {
				t.Fatalf("read %x, wrote %x", b, u)
			}
		}
	})
}
