package eddsa

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/babyjubjub"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/redact"
)

func newKey(t testing.TB, seed byte) *PrivateKey {
	t.Helper()
	k, err := ParsePrivateKey([PrivateSize]byte(append(make([]byte, 2), bytes.Repeat([]byte{seed}, PrivateSize-2)...)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sign(t testing.TB, k *PrivateKey, message [MessageSize]byte) [SignatureSize]byte {
	t.Helper()
	sig, err := k.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func TestSignVerify(t *testing.T) {
	k, other := newKey(t, 1), newKey(t, 2)
	largest := fr.Modulus()
	largest.Sub(largest, big.NewInt(1))
	for _, message := range [][MessageSize]byte{
		{}, {MessageSize - 1: 1}, Message([32]byte{0xff, 1}), [MessageSize]byte(largest.FillBytes(make([]byte, MessageSize))),
	} {
		sig := sign(t, k, message)
		if err := Verify(k.Public(), message, sig); err != nil {
			t.Errorf("message %x: %v", message, err)
		}
		if err := Verify(other.Public(), message, sig); !errors.Is(err, ErrSignature) {
			t.Errorf("message %x, another key: %v", message, err)
		}
		changed := message
		changed[MessageSize-1] ^= 2
		if err := Verify(k.Public(), changed, sig); err == nil {
			t.Errorf("message %x: the signature holds for another one", message)
		}
		if again := sign(t, k, message); again == sig {
			t.Error("two signatures with one nonce")
		}
	}
}

// The equation, put together from the specification's words.
func TestSignatureIsAsSpecified(t *testing.T) {
	k, message := newKey(t, 1), Message([32]byte{7})
	sig := sign(t, k, message)
	r, err := babyjubjub.Parse([32]byte(sig[:32]))
	if err != nil {
		t.Fatal(err)
	}
	m, err := field.Parse(message)
	if err != nil {
		t.Fatal(err)
	}
	sk := k.Reveal()
	a := babyjubjub.MultiplyBase(new(big.Int).SetBytes(sk[:]))
	inner := field.Compress4([4]field.Element{field.FromUint64(7), a.X, a.Y, m})
	e := field.Compress4([4]field.Element{field.FromUint64(6), r.X, r.Y, inner})
	challenge, err := Challenge([32]byte(sig[:32]), k.Public(), message)
	if err != nil || challenge != field.Bytes(e) {
		t.Errorf("challenge %x, %v; want %x", challenge, err, field.Bytes(e))
	}
	left := babyjubjub.MultiplyBase(new(big.Int).SetBytes(sig[32:]))
	var right babyjubjub.Point
	right.ScalarMultiplication(&a, e.BigInt(new(big.Int))) // the whole integer
	right.Add(&right, &r)
	if !left.Equal(&right) {
		t.Error("s*G is not R + e*A")
	}
}

// Neither randomness nor message alone decides about the nonce.
func TestNonceIsHedged(t *testing.T) {
	k := newKey(t, 1)
	nonce := func(key *PrivateKey, random, message byte) string {
		sig, err := key.sign(bytes.NewReader(bytes.Repeat([]byte{random}, 32)), Message([32]byte{message}))
		if err != nil {
			t.Fatal(err)
		}
		return string(sig[:PublicSize])
	}
	base := nonce(k, 1, 1)
	if nonce(k, 1, 1) != base {
		t.Error("the nonce depends on something else")
	}
	if nonce(k, 2, 1) == base || nonce(k, 1, 2) == base || nonce(newKey(t, 2), 1, 1) == base {
		t.Error("a nonce is used twice")
	}
}

func TestSignRefuses(t *testing.T) {
	k := newKey(t, 1)
	if _, err := k.Sign(order()); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("a message of the field's order: %v", err)
	}
	broken := errors.New("no entropy")
	if _, err := k.sign(iotest.ErrReader(broken), [32]byte{}); !errors.Is(err, broken) {
		t.Errorf("no randomness: %v", err)
	}
	if _, err := k.sign(bytes.NewReader(make([]byte, 31)), [32]byte{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("too little randomness: %v", err)
	}
}

func order() [32]byte { return [32]byte(fr.Modulus().FillBytes(make([]byte, 32))) }

func TestPrivateKeyRange(t *testing.T) {
	n := babyjubjub.Order()
	for _, v := range []*big.Int{new(big.Int), n, new(big.Int).Add(n, big.NewInt(1))} {
		_, err := ParsePrivateKey([32]byte(v.FillBytes(make([]byte, 32))))
		if !errors.Is(err, ErrPrivateRange) || !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%v: %v", v, err)
		}
	}
	for _, v := range []*big.Int{big.NewInt(1), new(big.Int).Sub(n, big.NewInt(1))} {
		b := [32]byte(v.FillBytes(make([]byte, 32)))
		if k, err := ParsePrivateKey(b); err != nil || k.Reveal() != b {
			t.Errorf("%v: %v", v, err)
		}
	}
	a, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := Generate(); err != nil || a.Public() == b.Public() {
		t.Errorf("two keys are one: %v", err)
	}
}

func TestWipeAndSilence(t *testing.T) {
	k := newKey(t, 0x5e)
	held := k.reveal()
	for _, shown := range []string{fmt.Sprint(k), fmt.Sprintf("%+v %#v %x", *k, k, k), fmt.Sprintf("%v", struct{ k PrivateKey }{*k})} {
		if strings.Contains(shown, "5e5e") || strings.Contains(shown, "94, 94") || strings.Contains(shown, "94 94") {
			t.Errorf("shown: %s", shown)
		}
	}
	if k.String() != redact.Text {
		t.Errorf("a key is shown as %s", k)
	}
	k.Wipe()
	k.Wipe()
	if *held != [32]byte{} {
		t.Error("the key is left in memory")
	}
	defer func() {
		if recover() == nil {
			t.Error("a wiped key signs")
		}
	}()
	_, _ = k.Sign([32]byte{})
}

// Verifying what a stranger sent: no panic, errors of two classes, and only the
// canonical encodings of a signature.
func FuzzVerify(f *testing.F) {
	k, message := newKey(f, 1), Message([32]byte{7})
	public, sig := k.Public(), sign(f, k, message)
	f.Add(public[:], message[:], sig[:])
	f.Add(public[:], message[:], bytes.Repeat([]byte{0xff}, SignatureSize))
	f.Add(make([]byte, 32), make([]byte, 32), make([]byte, SignatureSize))
	f.Add(sig[:32], message[:], append(public[:], make([]byte, 32)...))
	f.Fuzz(func(t *testing.T, a, m, s []byte) {
		if len(a) != PublicSize || len(m) != MessageSize || len(s) != SignatureSize {
			return // the types exclude it
		}
		err := Verify([PublicSize]byte(a), [MessageSize]byte(m), [SignatureSize]byte(s))
		if err != nil && !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, ErrSignature) {
			t.Fatalf("an error of no class: %v", err)
		}
		e, challengeErr := Challenge([32]byte(s[:32]), [PublicSize]byte(a), [MessageSize]byte(m))
		if err == nil && challengeErr != nil {
			t.Fatalf("verified, but %v", challengeErr)
		}
		if _, canonical := field.Parse(e); canonical != nil {
			t.Fatalf("the challenge %x is not canonical", e)
		}
	})
}
