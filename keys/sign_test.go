package keys

import (
	"bytes"
	"errors"
	"io"
	"math/big"
	"testing"
	"testing/iotest"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"github.com/zkkex/zkkex"
)

func mustSign(t testing.TB, s *Secret, msg []byte) [SignatureSize]byte {
	t.Helper()
	sig, err := s.Sign(msg)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func TestSignVerify(t *testing.T) {
	s, other := vectorSecret(t, "a"), vectorSecret(t, "b")
	for _, msg := range [][]byte{nil, {0}, []byte("message"), make([]byte, 1<<16)} {
		sig := mustSign(t, s, msg)
		if err := s.Public().Verify(msg, sig); err != nil {
			t.Errorf("%d bytes: %v", len(msg), err)
		}
		if err := s.Public().Verify(append(msg, 0), sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%d bytes, one more: %v; want ErrSignature", len(msg), err)
		}
		if err := other.Public().Verify(msg, sig); !errors.Is(err, ErrSignature) {
			t.Errorf("%d bytes, another key: %v; want ErrSignature", len(msg), err)
		}
	}
}

// s*G = R + e*A, with everything but the signature computed by the reference.
func TestSignatureAgainstReference(t *testing.T) {
	s, msg := vectorSecret(t, "a"), []byte("message")
	sig := mustSign(t, s, msg)
	a := refMultiply(refBase, scalarOf(s))
	encodedA := refEncode(a)
	e := refHashToScalar("zkkex/v1 schnorr challenge", sig[:32], encodedA[:], msg)
	left := refMultiply(refBase, new(big.Int).SetBytes(sig[32:]))
	minusE := new(big.Int).Sub(refOrder, e)
	if r := refEncode(refAdd(minusOne, refD, left, refMultiply(a, minusE))); !bytes.Equal(r[:], sig[:32]) {
		t.Errorf("R = %x, want %x", sig[:32], r)
	}
}

func TestNonceAgainstReference(t *testing.T) {
	s, msg, hedge := vectorSecret(t, "a"), []byte("message"), bytes.Repeat([]byte{7}, 32)
	sig, err := s.sign(bytes.NewReader(hedge), msg)
	if err != nil {
		t.Fatal(err)
	}
	sk := s.RevealScalar()
	k := refHashToScalar("zkkex/v1 schnorr nonce", sk[:], hedge, msg)
	if r := refEncode(refMultiply(refBase, k)); !bytes.Equal(r[:], sig[:32]) {
		t.Errorf("R = %x, want %x", sig[:32], r)
	}
}

// Neither the randomness nor the message alone decides about the nonce.
func TestNonceIsHedged(t *testing.T) {
	s := vectorSecret(t, "a")
	sign := func(random byte, msg string) string {
		sig, err := s.sign(bytes.NewReader(bytes.Repeat([]byte{random}, 32)), []byte(msg))
		if err != nil {
			t.Fatal(err)
		}
		return string(sig[:PointSize])
	}
	if sign(1, "a") == sign(2, "a") {
		t.Error("other randomness, same nonce")
	}
	if sign(1, "a") == sign(1, "b") {
		t.Error("other message, same nonce")
	}
}

func TestSignNeedsRandomness(t *testing.T) {
	s := vectorSecret(t, "a")
	broken := errors.New("no entropy")
	if _, err := s.sign(iotest.ErrReader(broken), nil); !errors.Is(err, broken) {
		t.Errorf("%v; want the source's error", err)
	}
	if _, err := s.sign(bytes.NewReader(make([]byte, 31)), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v; want io.ErrUnexpectedEOF", err)
	}
	if _, err := s.sign(iotest.OneByteReader(bytes.NewReader(make([]byte, 32))), nil); err != nil {
		t.Errorf("a slow source: %v", err)
	}
}

func TestVerifyRefusesOtherEncodings(t *testing.T) {
	s, msg := vectorSecret(t, "a"), []byte("message")
	public, sig := s.Public(), mustSign(t, s, msg)
	response := new(big.Int).SetBytes(sig[PointSize:])
	for name, test := range map[string]struct {
		r, s []byte
		want error
	}{
		"s + order":        {nil, response.Add(response, refOrder).FillBytes(make([]byte, 32)), ErrSignatureScalar},
		"s = order":        {nil, refOrder.FillBytes(make([]byte, 32)), ErrSignatureScalar},
		"s all ones":       {nil, bytes.Repeat([]byte{0xff}, 32), ErrSignatureScalar},
		"R identity":       {encoded(identity()), nil, ErrIdentity},
		"R of order 2":     {encoded(torsion(t, 2)), nil, ErrSmallOrder},
		"R plus order 2":   {encoded(plusTorsion(t, sig, 2)), nil, ErrNotInSubgroup},
		"R plus order 8":   {encoded(plusTorsion(t, sig, 8)), nil, ErrNotInSubgroup},
		"R off the curve":  {offCurve(t), nil, ErrNotOnCurve},
		"R not below r":    {nonCanonical(sig[:PointSize]), nil, ErrPointEncoding},
		"R all ones":       {bytes.Repeat([]byte{0xff}, 32), nil, ErrPointEncoding},
		"R negated":        {flipped(sig[:PointSize], 31, 0x80), nil, ErrSignature},
		"s with other bit": {nil, flipped(sig[PointSize:], 31, 1), ErrSignature},
		"s zero":           {nil, make([]byte, 32), ErrSignature},
	} {
		changed := sig
		copy(changed[:PointSize], test.r)
		copy(changed[PointSize:], test.s)
		if changed == sig {
			t.Fatalf("%s: nothing was changed", name)
		}
		err := public.Verify(msg, changed)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
		if malformed := test.want != ErrSignature; errors.Is(err, zkkex.ErrMalformed) != malformed {
			t.Errorf("%s: %v; malformed should be %v", name, err, malformed)
		}
	}
}

// craft makes a signature with a nonce and an addition to R of the forger's
// choice, such that s*G = R + e*A holds but for the addition.
func craft(s *Secret, k *big.Int, addition twistededwards.PointAffine, msg []byte) (sig [SignatureSize]byte) {
	r := multiplyBase(k)
	r.Add(&r, &addition)
	copy(sig[:], encoded(r))
	e := challenge([PointSize]byte(sig[:]), [PointSize]byte(s.Public().Bytes()), msg)
	response := e.Mul(e, scalarOf(s))
	response.Mod(response.Add(response, k), refOrder).FillBytes(sig[PointSize:])
	return sig
}

// Signatures whose only fault is R: the equation holds, or holds times 8.
func TestVerifyRefusesCraftedR(t *testing.T) {
	s, msg, k := vectorSecret(t, "a"), []byte("message"), big.NewInt(12345)
	for name, test := range map[string]struct {
		sig  [SignatureSize]byte
		want error
	}{
		"none":         {craft(s, k, identity(), msg), nil},
		"nonce 0":      {craft(s, big.NewInt(0), identity(), msg), ErrIdentity},
		"of order 2":   {craft(s, big.NewInt(0), torsion(t, 2), msg), ErrSmallOrder},
		"plus order 2": {craft(s, k, torsion(t, 2), msg), ErrNotInSubgroup},
		"plus order 4": {craft(s, k, torsion(t, 4), msg), ErrNotInSubgroup},
		"plus order 8": {craft(s, k, torsion(t, 8), msg), ErrNotInSubgroup},
	} {
		if err := s.Public().Verify(msg, test.sig); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
	}
}

// A Public that nobody made is the point with y = 0, of order 4. For it, s = k
// satisfies the equation whenever e is a multiple of 4, without any secret.
func TestVerifyWithTheZeroPublic(t *testing.T) {
	var zero Public
	k := big.NewInt(12345)
	r := multiplyBase(k)
	var sig [SignatureSize]byte
	copy(sig[:], encoded(r))
	k.FillBytes(sig[PointSize:])
	msg := []byte{0}
	for challenge([PointSize]byte(sig[:]), zero.point(), msg).Bit(0) != 0 || challenge([PointSize]byte(sig[:]), zero.point(), msg).Bit(1) != 0 {
		msg[0]++
	}
	if err := zero.Verify(msg, sig); !errors.Is(err, ErrSmallOrder) {
		t.Errorf("%v; want ErrSmallOrder", err)
	}
}

func flipped(b []byte, at int, mask byte) []byte {
	out := bytes.Clone(b)
	out[at] ^= mask
	return out
}
