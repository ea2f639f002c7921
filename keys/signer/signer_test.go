package signer

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/envelope"
)

// register registers a scheme of the tests for the time of one.
func register(t *testing.T, s Scheme, open Opener) {
	t.Helper()
	Register(s, open)
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		delete(table, s.Name)
	})
}

var errNever = errors.New("no key is ever opened")

func TestOpenDispatches(t *testing.T) {
	var got string
	register(t, Scheme{Name: "test-1", Usage: "test-1:X", Available: true}, func(_ context.Context, rest string, _ *Options) (Signer, error) {
		got = rest
		return nil, errNever
	})
	register(t, Scheme{Name: "test-2", Usage: "build with -tags test2"}, nil)
	ctx := context.Background()
	if _, err := Open(ctx, "test-1:a:b@c", Options{}); !errors.Is(err, errNever) || got != "a:b@c" {
		t.Errorf("%v; the rest is %q", err, got)
	}
	if _, err := Open(ctx, "test-2:a", Options{}); !errors.Is(err, zkkex.ErrUnsupported) || !strings.Contains(err.Error(), "-tags test2") {
		t.Errorf("not available: %v", err)
	}
	for _, unknown := range []string{"test-3:a", "TEST-1:a", "test:a"} {
		if _, err := Open(ctx, unknown, Options{}); !errors.Is(err, zkkex.ErrUnsupported) || !strings.Contains(err.Error(), "test-1, test-2") {
			t.Errorf("%s: %v", unknown, err)
		}
	}
	for _, bad := range []string{"", "test-1", "test-1:", ":a", "test-1:a\n", "test-1:\xff", "test-1:" + strings.Repeat("a", MaxURI)} {
		if _, err := Open(ctx, bad, Options{}); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Open(ended, "test-1:a", Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
	var names []string
	for _, s := range Schemes() {
		names = append(names, s.Name)
	}
	if !slices.Equal(names, []string{"test-1", "test-2"}) {
		t.Errorf("schemes %v", names)
	}
}

func TestRegisterRefuses(t *testing.T) {
	never := func(context.Context, string, *Options) (Signer, error) { return nil, errNever }
	register(t, Scheme{Name: "taken"}, nil)
	for name, c := range map[string]struct {
		scheme Scheme
		open   Opener
	}{
		"twice":      {Scheme{Name: "taken", Available: true}, never},
		"no name":    {Scheme{Available: true}, never},
		"upper case": {Scheme{Name: "Test", Available: true}, never},
		"colon":      {Scheme{Name: "te:st", Available: true}, never},
		"no opener":  {Scheme{Name: "test", Available: true}, nil},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: registered", name)
				}
			}()
			Register(c.scheme, c.open)
		}()
	}
}

// However often a signer asks for the PIN, a person is asked once.
func TestPINOnce(t *testing.T) {
	register(t, Scheme{Name: "test", Available: true}, func(_ context.Context, _ string, o *Options) (Signer, error) {
		var wait sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wait.Go(func() { _, errs[i] = o.AskPIN("the PIN of the test") })
		}
		wait.Wait()
		return nil, errors.Join(errs...)
	})
	asked, last := 0, ""
	_, err := Open(context.Background(), "test:a", Options{PIN: func(what string) (string, error) {
		asked, last = asked+1, what
		return "1234", nil
	}})
	if asked != 1 || last != "the PIN of the test" || !errors.Is(err, ErrPIN) || strings.Contains(err.Error(), "1234") {
		t.Errorf("asked %d times for %s: %v", asked, last, err)
	}
}

func TestAskPIN(t *testing.T) {
	own := errors.New("the terminal is gone")
	answer := func(pin string, err error) *Options {
		return Options{PIN: func(string) (string, error) { return pin, err }}.once()
	}
	if pin, err := answer("1234", nil).AskPIN("it"); pin != "1234" || err != nil {
		t.Errorf("%q, %v", pin, err)
	}
	if _, err := answer("", own).AskPIN("it"); !errors.Is(err, own) {
		t.Errorf("an error: %v", err)
	}
	if _, err := answer("", nil).AskPIN("it"); !errors.Is(err, ErrPIN) {
		t.Errorf("empty: %v", err)
	}
	if _, err := new(Options).AskPIN("it"); !errors.Is(err, ErrPIN) || !strings.Contains(err.Error(), "it is needed") {
		t.Errorf("nobody: %v", err)
	}
	new(Options).Tell("nobody %s", "listens")
	var told string
	(&Options{Notify: func(text string) { told = text }}).Tell("touch %s", "it")
	if told != "touch it" {
		t.Errorf("told %q", told)
	}
}

func TestKeysError(t *testing.T) {
	var err error = &KeysError{Err: ErrAmbiguous, Where: "the agent", Keys: []string{"a:1", "a:2"}}
	if !errors.Is(err, ErrAmbiguous) || errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), "the agent has\n  a:1\n  a:2\n") {
		t.Errorf("%v", err)
	}
	err = &KeysError{Err: ErrNoKey, Where: "the agent"}
	if !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), "the agent has none") {
		t.Errorf("%v", err)
	}
}

// Devices give s in either half, and sometimes something else altogether.
func TestNewECDSA(t *testing.T) {
	key := secp256k1.PrivKeyFromBytes([]byte{7})
	public := key.PubKey().SerializeCompressed()
	m := &envelope.Message{Purpose: envelope.Certificate, Binding: zkkex.Binding{1}}
	digest, err := envelope.Raw.Digest(m)
	if err != nil {
		t.Fatal(err)
	}
	made := ecdsa.Sign(key, digest[:])
	rs, ss := made.R(), made.S()
	rb, sb := rs.Bytes(), ss.Bytes()
	r, s, n := new(big.Int).SetBytes(rb[:]), new(big.Int).SetBytes(sb[:]), eckey.Secp256k1.Order()
	zero, above := new(big.Int), new(big.Int).Add(n, r)
	for name, c := range map[string]struct {
		r, s *big.Int
		want error
	}{
		"low s":     {r, s, nil},
		"high s":    {r, new(big.Int).Sub(n, s), nil},
		"r is 0":    {zero, s, ErrBadSignature},
		"s is 0":    {r, zero, ErrBadSignature},
		"r = order": {n, s, ErrBadSignature},
		"s = order": {r, n, ErrBadSignature},
		"r + order": {above, s, ErrBadSignature},
		"r < 0":     {new(big.Int).Neg(r), s, ErrBadSignature},
		"swapped":   {s, r, ErrBadSignature},
		"2^512":     {new(big.Int).Lsh(n, 256), s, ErrBadSignature},
	} {
		got, err := NewECDSA(zkkex.KeySecp256k1, envelope.Raw, public, m, c.r, c.s)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, expected %v", name, err, c.want)
		}
		if c.want == nil && (!slices.Equal(got.Bytes[:32], rb[:]) || !slices.Equal(got.Bytes[32:], sb[:]) || !slices.Equal(got.PublicKey, public)) {
			t.Errorf("%s: %x under %x", name, got.Bytes, got.PublicKey)
		}
	}
	other := &envelope.Message{Purpose: envelope.Certificate, Binding: zkkex.Binding{2}}
	if _, err := NewECDSA(zkkex.KeySecp256k1, envelope.Raw, public, other, r, s); !errors.Is(err, ErrBadSignature) {
		t.Errorf("another message: %v", err)
	}
	if _, err := NewECDSA(zkkex.KeySecp256k1, envelope.EIP712, public, m, r, s); !errors.Is(err, ErrBadSignature) {
		t.Errorf("another envelope: %v", err)
	}
	if _, err := NewECDSA(zkkex.KeySecp256k1, envelope.Raw, public, &envelope.Message{}, r, s); !errors.Is(err, zkkex.ErrMalformed) || errors.Is(err, ErrBadSignature) {
		t.Errorf("no message: %v", err)
	}
	if _, err := NewECDSA(zkkex.KeySecp256k1, envelope.SSHSIG, public, m, r, s); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("an envelope of other keys: %v", err)
	}
	if _, err := NewECDSA(zkkex.KeyEdDSA, envelope.EdDSA, public, m, r, s); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("no ECDSA key: %v", err)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("file:/home/mm/key.pem")
	f.Add("pkcs11:token=desk;object=mm-1")
	f.Add(":")
	f.Fuzz(func(t *testing.T, uri string) {
		name, rest, err := split(uri)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		if name == "" || rest == "" || strings.Contains(name, ":") || name+":"+rest != uri {
			t.Fatalf("%q is split into %q and %q", uri, name, rest)
		}
	})
}
