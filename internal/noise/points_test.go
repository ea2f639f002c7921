package noise

import (
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/zkkex/zkkex"
)

// smallOrderPoints are the u-coordinates of small order, on the curve and on its
// twist, in their canonical encodings (RFC 7748, section 7; Cremers and Jackson,
// "Prime, Order Please!", 2019).
var smallOrderPoints = []string{
	"0000000000000000000000000000000000000000000000000000000000000000", // 0
	"0100000000000000000000000000000000000000000000000000000000000000", // 1
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800", // order 8
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157", // order 8
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p-1
}

// A point of small order is refused at every DH, whoever computes it (trap T2).
func TestSmallOrderAtEveryDH(t *testing.T) {
	ours := dhKeyOf(privateKey(t, seed("ours")))
	good := privateKey(t, seed("good")).PublicKey()
	for _, point := range smallOrderPoints {
		bad := publicKey(t, unhex(t, point))
		for _, dh := range []token{tokenEE, tokenES, tokenSE, tokenSS} {
			for _, role := range []Role{Initiator, Responder} {
				h := &HandshakeState{role: role, symmetric: newSymmetricState(parse(t, hybridName)), s: ours, e: ours, rs: good, re: good}
				if err := h.mixDH(dh); err != nil {
					t.Fatal(err)
				}
				if dh[role.peer()] == 'e' {
					h.re = bad
				} else {
					h.rs = bad
				}
				before := h.symmetric.ck
				if err := h.mixDH(dh); !errors.Is(err, ErrPublicKey) || !errors.Is(err, zkkex.ErrMalformed) {
					t.Errorf("%s as %s with %s: got %v", dh, role, point, err)
				}
				if h.symmetric.ck != before {
					t.Error("the shared secret was mixed in")
				}
			}
		}
	}
}

// The same, by messages: every key a stranger can choose.
func TestSmallOrderInMessages(t *testing.T) {
	for _, point := range smallOrderPoints {
		bad := unhex(t, point)
		for _, r := range readers(t) {
			message := slices.Clone(r.genuine)
			copy(message, bad)
			requireRefused(t, r.begin(t), message, ErrPublicKey)
		}
		for _, name := range []string{hybridName, prekeyName} {
			ip, rp := pair(t, parse(t, name), name)
			x := straightFor(t, name, name)
			x.forged = map[string][]byte{"s": bad}
			requireRefused(t, rp.begin(t), x.run(t).message1, ErrPublicKey)

			ip.config.PeerStatic = publicKey(t, bad)
			h := ip.begin(t)
			if _, err := h.WriteMessage(nil, nil); !errors.Is(err, ErrPublicKey) {
				t.Errorf("a responder of small order: got %v", err)
			}
			requireDead(t, h)
		}
		// NN computes its first DH when it writes.
		_, rp := pair(t, parse(t, "Noise_NN_25519_AESGCM_SHA256"), "nn")
		h := rp.begin(t)
		deliver(t, h, bad, nil)
		if _, err := h.WriteMessage(nil, nil); !errors.Is(err, ErrPublicKey) {
			t.Errorf("NN: got %v", err)
		}
		requireDead(t, h)
	}
}

// Every key has one encoding: the 19 integers from 2^255-19 on, and everything
// with the highest bit, are refused.
func TestPublicKeysAreCanonical(t *testing.T) {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	encode := func(v *big.Int) []byte {
		b := v.FillBytes(make([]byte, 32))
		slices.Reverse(b)
		return b
	}
	for i := int64(-40); i < 19; i++ {
		key, err := parsePublicKey(encode(new(big.Int).Add(p, big.NewInt(i))))
		if (err == nil) != (i < 0) || (i >= 0 && !errors.Is(err, ErrPublicKey)) {
			t.Errorf("p%+d: got %v, %v", i, key, err)
		}
	}
	for _, s := range append([]string{hex.EncodeToString(seed("any"))}, smallOrderPoints...) {
		b := unhex(t, s)
		b[31] |= 0x80
		if _, err := parsePublicKey(b); !errors.Is(err, ErrPublicKey) {
			t.Errorf("%x: got %v", b, err)
		}
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := parsePublicKey(make([]byte, n)); !errors.Is(err, ErrPublicKey) {
			t.Errorf("%d bytes: got %v", n, err)
		}
	}
}

// Each of the list is what it says, and an integer near it is not.
func TestSmallOrderPointsAreSmall(t *testing.T) {
	private := privateKey(t, seed("any"))
	for _, s := range smallOrderPoints {
		b := unhex(t, s)
		if _, err := parsePublicKey(b); err != nil {
			t.Errorf("%s is not canonical: %v", s, err)
		}
		if _, err := private.ECDH(publicKey(t, b)); err == nil {
			t.Errorf("%s is not of small order", s)
		}
		b[0] ^= 4
		if _, err := private.ECDH(publicKey(t, b)); err != nil {
			t.Errorf("%x is of small order", b)
		}
	}
	if n := len(smallOrderPoints); n != 5 {
		t.Errorf("%d points, expected 5", n)
	}
}
