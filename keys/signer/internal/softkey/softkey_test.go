package softkey

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"sync"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

var curves = []eckey.Curve{eckey.P256, eckey.Secp256k1}

// The generators of SEC 2, compressed.
var generators = map[eckey.Curve]string{
	eckey.P256:      "\x03\x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96",
	eckey.Secp256k1: "\x02\x79\xbe\x66\x7e\xf9\xdc\xbb\xac\x55\xa0\x62\x95\xce\x87\x0b\x07\x02\x9b\xfc\xdb\x2d\xce\x28\xd9\x59\xf2\x81\x5b\x16\xf8\x17\x98",
}

func TestRange(t *testing.T) {
	for _, c := range curves {
		n := c.Order()
		at := func(delta int64) []byte { return new(big.Int).Add(n, big.NewInt(delta)).FillBytes(make([]byte, 32)) }
		small := func(v byte) []byte { return append(make([]byte, 31), v) }
		for name, k := range map[string]struct {
			scalar []byte
			ok     bool
		}{
			"0":         {small(0), false},
			"1":         {small(1), true},
			"order - 1": {at(-1), true},
			"order":     {at(0), false},
			"order + 1": {at(1), false},
			"2^256 - 1": {bytes.Repeat([]byte{0xff}, 32), false},
			"31 bytes":  {small(1)[1:], false},
			"33 bytes":  {append([]byte{0}, small(1)...), false},
			"none":      {nil, false},
		} {
			key, err := New(c, k.scalar, envelope.Raw, name)
			if k.ok != (err == nil) || err != nil && !(errors.Is(err, ErrRange) && errors.Is(err, zkkex.ErrMalformed)) {
				t.Errorf("%v, %s: %v", c, name, err)
			}
			if name == "1" && string(key.PublicKey()) != generators[c] {
				t.Errorf("%v: the public key of 1 is %x", c, key.PublicKey())
			}
		}
	}
}

// A key keeps a copy: neither its maker's scalar nor its user's is the one it holds.
func TestCopies(t *testing.T) {
	scalar := append(make([]byte, 31), 5)
	k, err := New(eckey.P256, scalar, envelope.Raw, "test")
	if err != nil {
		t.Fatal(err)
	}
	scalar[31] = 6
	for range 2 {
		if err := k.WithScalar(func(sk []byte) error {
			if sk[31] != 5 {
				t.Errorf("the scalar is %x", sk)
			}
			sk[31] = 7
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	k.PublicKey()[0] = 9
	if k.PublicKey()[0] == 9 {
		t.Error("the public key can be changed")
	}
	own := errors.New("mine")
	if err := k.WithScalar(func([]byte) error { return own }); !errors.Is(err, own) {
		t.Errorf("%v", err)
	}
}

// A key that is closed while others sign gives each of them a signature or ErrClosed.
func TestCloseWhileSigning(t *testing.T) {
	m := &envelope.Message{Purpose: envelope.Certificate, Binding: zkkex.Binding{1}}
	for _, c := range curves {
		k, err := New(c, append(make([]byte, 31), 5), envelope.Raw, "test")
		if err != nil {
			t.Fatal(err)
		}
		signed := make(chan struct{}, 4)
		var wait sync.WaitGroup
		for range cap(signed) {
			wait.Go(func() {
				for first := true; ; first = false {
					sig, err := k.Sign(context.Background(), m)
					if err == nil {
						err = envelope.Raw.Verify(c.KeyType(), k.PublicKey(), m, sig.Bytes)
					}
					if first {
						signed <- struct{}{}
					}
					if errors.Is(err, signer.ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		<-signed
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		wait.Wait()
		if err := k.WithScalar(func([]byte) error { return nil }); !errors.Is(err, signer.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	}
}
