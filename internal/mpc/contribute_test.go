package mpc

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha512"
	"errors"
	"io"
	"math/big"
	"testing"
	"testing/iotest"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// TestSecrets computes a secret again and changes what it is made of.
func TestSecrets(t *testing.T) {
	fresh := bytes.Repeat([]byte{7}, freshSize)
	draw := func(fresh []byte, own, name string) fr.Element {
		t.Helper()
		s := &source{random: bytes.NewReader(fresh), own: []byte(own)}
		x, err := s.secret(name)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	got := draw(fresh, "own", "tau")

	salt := "\x00\x00\x00\x18zkkex/v1 ceremony secret"
	wide, err := hkdf.Key(sha512.New, append(bytes.Clone(fresh), "own"...), []byte(salt), "tau", 64)
	if err != nil {
		t.Fatal(err)
	}
	var want fr.Element
	want.SetBigInt(new(big.Int).Mod(new(big.Int).SetBytes(wide), fr.Modulus()))
	if !got.Equal(&want) {
		t.Error("not what the specification says")
	}

	otherFresh := bytes.Clone(fresh)
	otherFresh[freshSize-1] ^= 1
	for what, other := range map[string]fr.Element{
		"the system's generator": draw(otherFresh, "own", "tau"),
		"the contributor's own":  draw(fresh, "Own", "tau"),
		"none of the own":        draw(fresh, "", "tau"),
		"the name":               draw(fresh, "own", "alpha"),
	} {
		if other.Equal(&got) {
			t.Errorf("%s does not matter", what)
		}
	}
}

// TestSecretsNeedTheGenerator fails where the system gives fewer bytes.
func TestSecretsNeedTheGenerator(t *testing.T) {
	for _, random := range []io.Reader{
		bytes.NewReader(make([]byte, freshSize-1)),
		iotest.ErrReader(io.ErrClosedPipe),
		bytes.NewReader(make([]byte, 2*freshSize)), // enough for tau and alpha
	} {
		s := &source{random: random, own: []byte("enough of my own")}
		if _, err := s.factors1(); err == nil {
			t.Error("no error")
		}
	}
}

func TestNonTrivial(t *testing.T) {
	values := []int64{0, 1, -1, 2, 3}
	x, err := nonTrivial(func() (fr.Element, error) {
		v := values[0]
		values = values[1:]
		return *number(v), nil
	})
	if err != nil || !x.Equal(number(2)) {
		t.Errorf("%v, %v, expected 2", x, err)
	}
	if _, err := nonTrivial(func() (fr.Element, error) { return fr.Element{}, io.ErrUnexpectedEOF }); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v, expected %v", err, io.ErrUnexpectedEOF)
	}
}

// TestContributionsDiffer makes sure that nobody gets the same twice.
func TestContributionsDiffer(t *testing.T) {
	c := held(t)
	a, err := c.phase2[0].Contribute(t.Context(), []byte("the same"), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.phase2[0].Contribute(t.Context(), []byte("the same"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the system's generator does not matter")
	}
}

func TestWipe(t *testing.T) {
	k := new(big.Int).SetBytes(bytes.Repeat([]byte{0xaa}, 32))
	words := k.Bits()
	words = words[:cap(words)]
	x := *number(42)
	wipe(k, &x)
	for _, w := range words {
		if w != 0 {
			t.Fatal("a word is left")
		}
	}
	if k.Sign() != 0 || !x.IsZero() {
		t.Error("not wiped")
	}
	s := &sequence{*number(2), *number(3)}
	s.wipe()
	f := &factors1{*number(2), *number(3), *number(4)}
	f.wipe()
	if *s != (sequence{}) || *f != (factors1{}) {
		t.Error("not wiped")
	}
}

// steps are all that take a context.
func (c *ceremony) steps() map[string]func(context.Context, Progress) error {
	return map[string]func(context.Context, Progress) error{
		"contributing to phase 1": func(ctx context.Context, p Progress) error {
			_, err := c.phase1[0].Contribute(ctx, nil, p)
			return err
		},
		"sealing phase 1": func(ctx context.Context, p Progress) error {
			_, err := c.phase1[1].Seal(ctx, beacon1, p)
			return err
		},
		"beginning phase 2": func(ctx context.Context, p Progress) error {
			_, _, err := NewPhase2(ctx, c.system, c.srs, p)
			return err
		},
		"contributing to phase 2": func(ctx context.Context, p Progress) error {
			_, err := c.phase2[0].Contribute(ctx, nil, p)
			return err
		},
	}
}

func TestProgress(t *testing.T) {
	for name, do := range held(t).steps() {
		done, total := map[string]int{}, map[string]int{}
		err := do(t.Context(), func(step string, d, n int) {
			if d < done[step] || d > n || n <= 0 {
				t.Errorf("%s, %s: %d of %d after %d", name, step, d, n, done[step])
			}
			if was, ok := total[step]; ok && was != n {
				t.Errorf("%s, %s: a total of %d after %d", name, step, n, was)
			}
			done[step], total[step] = d, n
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(total) == 0 {
			t.Errorf("%s: nothing was reported", name)
		}
		for step, n := range total {
			if done[step] != n {
				t.Errorf("%s, %s: ended at %d of %d", name, step, done[step], n)
			}
		}
	}
}

// TestCancel gives up before the beginning and after the first report.
func TestCancel(t *testing.T) {
	c := held(t)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, do := range c.steps() {
		if err := do(over, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, expected %v", name, err, context.Canceled)
		}
	}
	for name, do := range map[string]func(context.Context) error{
		"verifying phase 1": func(ctx context.Context) error { return c.phase1[0].Verify(ctx, c.phase1[1]) },
		"verifying phase 2": func(ctx context.Context) error { return c.phase2[0].Verify(ctx, c.phase2[1]) },
		"checking an SRS":   func(ctx context.Context) error { return CheckSRS(ctx, c.srs) },
		"sealing phase 2": func(ctx context.Context) error {
			_, _, err := c.phase2[1].Seal(ctx, c.srs, c.evals, beacon2)
			return err
		},
	} {
		if err := do(over); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, expected %v", name, err, context.Canceled)
		}
	}

	large := NewPhase1(256)
	ctx, cancel := context.WithCancel(t.Context())
	reached := 0
	_, err := large.Contribute(ctx, nil, func(_ string, done, total int) {
		cancel()
		reached = done
		if done == total {
			t.Error("went on to the end")
		}
	})
	if !errors.Is(err, context.Canceled) || reached == 0 {
		t.Errorf("%v after %d points, expected %v", err, reached, context.Canceled)
	}
}
