package frost_test

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/zkkex/zkkex/keys/eddsa"
	"github.com/zkkex/zkkex/threshold/babyjubjub"
	"github.com/zkkex/zkkex/threshold/frost"
)

var jubjub = babyjubjub.Suite()

// generate runs a key generation of honest participants.
func generate(t *testing.T, threshold, participants int) (*frost.Group, []*frost.KeyShare) {
	t.Helper()
	var all [][]frost.Element
	var dealings []*frost.Dealing
	for range participants {
		d, err := frost.Deal(jubjub, threshold)
		if err != nil {
			t.Fatal(err)
		}
		dealings, all = append(dealings, d), append(all, d.Commitments())
	}
	g, err := frost.Found(jubjub, threshold, all)
	if err != nil {
		t.Fatal(err)
	}
	return g, collect(t, g, nil, dealings)
}

// collect returns the shares of a key generation, or a refresh of old ones.
func collect(t *testing.T, g *frost.Group, old []*frost.KeyShare, dealings []*frost.Dealing) (shares []*frost.KeyShare) {
	t.Helper()
	for i := range dealings {
		id := frost.Identifier(i + 1)
		var dealt [][]byte
		for j, d := range dealings {
			if err := frost.CheckShare(jubjub, old != nil, frost.Identifier(j+1), id, d.Commitments(), d.Share(id)); err != nil {
				t.Fatal(err)
			}
			dealt = append(dealt, d.Share(id))
		}
		var before *frost.KeyShare
		if old != nil {
			before = old[i]
		}
		share, err := g.Collect(id, before, dealt)
		if err != nil {
			t.Fatal(err)
		}
		shares = append(shares, share)
	}
	return shares
}

func message(t *testing.T, label string) []byte {
	t.Helper()
	m := eddsa.Message([32]byte(seed(label)))
	return m[:]
}

// round is a session of some signers, up to their shares.
type round struct {
	group       *frost.Group
	signers     []*frost.KeyShare
	nonces      []*frost.Nonces
	commitments []frost.Commitment
}

func begin(t *testing.T, g *frost.Group, signers ...*frost.KeyShare) *round {
	t.Helper()
	r := &round{group: g, signers: signers}
	for _, s := range signers {
		n, err := g.Commit(s)
		if err != nil {
			t.Fatal(err)
		}
		r.nonces, r.commitments = append(r.nonces, n), append(r.commitments, n.Commitment())
	}
	return r
}

func (r *round) sign(msg []byte) (*frost.Signature, error) {
	var parts []*big.Int
	for i, s := range r.signers {
		z, err := r.group.Sign(s, r.nonces[i], msg, r.commitments)
		if err != nil {
			return nil, err
		}
		parts = append(parts, z)
	}
	return r.group.Aggregate(msg, r.commitments, parts)
}

func encode(sig *frost.Signature) [64]byte {
	return [64]byte(append(sig.R.Bytes(), jubjub.EncodeScalar(sig.S)...))
}

func TestEveryQuorumSigns(t *testing.T) {
	for _, size := range []struct{ threshold, participants int }{{2, 2}, {2, 3}, {3, 5}, {7, 10}} {
		t.Run(fmt.Sprintf("%d of %d", size.threshold, size.participants), func(t *testing.T) {
			g, shares := generate(t, size.threshold, size.participants)
			if err := g.Check(); err != nil {
				t.Fatal(err)
			}
			for first := 0; first+size.threshold <= size.participants; first++ {
				msg := message(t, fmt.Sprint(first))
				sig, err := begin(t, g, shares[first:first+size.threshold]...).sign(msg)
				if err != nil {
					t.Fatal(err)
				}
				if err := eddsa.Verify([32]byte(g.Key.Bytes()), [32]byte(msg), encode(sig)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestAllSign(t *testing.T) {
	g, shares := generate(t, 2, 3)
	if _, err := begin(t, g, shares...).sign(message(t, "all")); err != nil {
		t.Error(err)
	}
}

func TestLiarIsNamed(t *testing.T) {
	g, shares := generate(t, 2, 3)
	r, msg := begin(t, g, shares[0], shares[2]), message(t, "lie")
	honest, err := g.Sign(shares[0], r.nonces[0], msg, r.commitments)
	if err != nil {
		t.Fatal(err)
	}
	z, err := g.Sign(shares[2], r.nonces[1], msg, r.commitments)
	if err != nil {
		t.Fatal(err)
	}
	lies := map[string]*big.Int{
		"another value": new(big.Int).Add(z, big.NewInt(1)),
		"zero":          new(big.Int),
		"not reduced":   new(big.Int).Add(z, jubjub.Order()),
		"negative":      big.NewInt(-1),
	}
	for name, lie := range lies {
		t.Run(name, func(t *testing.T) {
			err := g.VerifyShare(3, lie, msg, r.commitments)
			var culprit *frost.Culprit
			if !errors.As(err, &culprit) || culprit.ID != 3 || !errors.Is(err, frost.ErrShare) {
				t.Errorf("got %v", err)
			}
			sig, err := g.Aggregate(msg, r.commitments, []*big.Int{honest, lie})
			if name != "not reduced" && !errors.Is(err, frost.ErrSignature) {
				t.Errorf("aggregated to %v: %v", sig, err)
			}
		})
	}
	if err := g.VerifyShare(1, honest, msg, r.commitments); err != nil {
		t.Errorf("the honest one: %v", err)
	}
}

func TestNoncesSignOnce(t *testing.T) {
	g, shares := generate(t, 2, 2)
	r := begin(t, g, shares...)
	if _, err := r.sign(message(t, "one")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.sign(message(t, "two")); !errors.Is(err, frost.ErrNonces) {
		t.Errorf("the second time: %v", err)
	}
	discarded := begin(t, g, shares...)
	discarded.nonces[0].Discard()
	if _, err := discarded.sign(message(t, "one")); !errors.Is(err, frost.ErrNonces) {
		t.Errorf("discarded: %v", err)
	}
	// Also when the first time fails: nothing is tried again with other lists.
	failed := begin(t, g, shares...)
	if _, err := g.Sign(shares[0], failed.nonces[0], []byte("no field element"), failed.commitments); !errors.Is(err, babyjubjub.ErrMessage) {
		t.Errorf("a bad message: %v", err)
	}
	if _, err := failed.sign(message(t, "one")); !errors.Is(err, frost.ErrNonces) {
		t.Errorf("after a failure: %v", err)
	}
}

// One of many goroutines gets the nonces.
func TestNoncesSignOnceConcurrently(t *testing.T) {
	g, shares := generate(t, 2, 2)
	r, msg := begin(t, g, shares...), message(t, "race")
	var wg sync.WaitGroup
	signed := make(chan bool, 16)
	for range cap(signed) {
		wg.Go(func() {
			_, err := g.Sign(shares[0], r.nonces[0], msg, r.commitments)
			signed <- err == nil
		})
	}
	wg.Wait()
	close(signed)
	times := 0
	for ok := range signed {
		if ok {
			times++
		}
	}
	if times != 1 {
		t.Errorf("signed %d times", times)
	}
}

func TestBadLists(t *testing.T) {
	g, shares := generate(t, 2, 3)
	stranger := begin(t, g, shares[0], shares[1]).commitments
	for name, c := range map[string]struct {
		change func(list []frost.Commitment) []frost.Commitment
		want   error
	}{
		"too few":     {func(l []frost.Commitment) []frost.Commitment { return l[:1] }, frost.ErrThreshold},
		"too many":    {func(l []frost.Commitment) []frost.Commitment { return append(append(l, l...), l...) }, frost.ErrThreshold},
		"empty":       {func(l []frost.Commitment) []frost.Commitment { return nil }, frost.ErrThreshold},
		"twice":       {func(l []frost.Commitment) []frost.Commitment { l[1] = l[0]; return l }, frost.ErrIdentifier},
		"descending":  {func(l []frost.Commitment) []frost.Commitment { l[0], l[1] = l[1], l[0]; return l }, frost.ErrIdentifier},
		"zero":        {func(l []frost.Commitment) []frost.Commitment { l[0].ID = 0; return l }, frost.ErrIdentifier},
		"unknown":     {func(l []frost.Commitment) []frost.Commitment { l[1].ID = 4; return l }, frost.ErrIdentifier},
		"identity":    {func(l []frost.Commitment) []frost.Commitment { l[1].Hiding = jubjub.Identity(); return l }, frost.ErrIdentity},
		"not mine":    {func(l []frost.Commitment) []frost.Commitment { l[0] = stranger[0]; return l }, frost.ErrNonces},
		"without me":  {func(l []frost.Commitment) []frost.Commitment { l[0].ID, l[1].ID = 2, 3; return l }, frost.ErrNonces},
		"mine, moved": {func(l []frost.Commitment) []frost.Commitment { l[1] = l[0]; l[1].ID = 2; l[0] = stranger[0]; return l }, frost.ErrNonces},
	} {
		t.Run(name, func(t *testing.T) {
			r := begin(t, g, shares[0], shares[1])
			_, err := g.Sign(shares[0], r.nonces[0], message(t, "m"), c.change(r.commitments))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// A coordinator that shows each signer another list gets shares that do not add
// up, and neither fits the other list.
func TestDifferentLists(t *testing.T) {
	g, shares := generate(t, 2, 3)
	r, other, msg := begin(t, g, shares[0], shares[1]), begin(t, g, shares[2]), message(t, "m")
	z1, err := g.Sign(shares[0], r.nonces[0], msg, r.commitments)
	if err != nil {
		t.Fatal(err)
	}
	shown := []frost.Commitment{r.commitments[1], other.commitments[0]}
	z2, err := g.Sign(shares[1], r.nonces[1], msg, shown)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Aggregate(msg, r.commitments, []*big.Int{z1, z2}); !errors.Is(err, frost.ErrSignature) {
		t.Errorf("got %v", err)
	}
	if err := g.VerifyShare(2, z2, msg, r.commitments); !errors.Is(err, frost.ErrShare) {
		t.Errorf("got %v", err)
	}
	if err := g.VerifyShare(2, z2, msg, shown); err != nil {
		t.Errorf("got %v", err)
	}
}

// Every binding factor depends on the message, the key and each commitment: what
// Drijvers' attack and ROS need is that one does not (RFC 9591, section 7).
func TestBindingFactorsBind(t *testing.T) {
	g, shares := generate(t, 2, 3)
	r, other := begin(t, g, shares[0], shares[1]), begin(t, g, shares[0], shares[1])
	_, base := g.BindingFactors(message(t, "m"), r.commitments)
	check := func(name string, g *frost.Group, msg []byte, list []frost.Commitment) {
		_, factors := g.BindingFactors(msg, list)
		for i := range base {
			if factors[i].Cmp(base[i]) == 0 {
				t.Errorf("factor %d does not depend on the %s", i, name)
			}
		}
	}
	check("message", g, message(t, "other"), r.commitments)
	changed := *g
	changed.Key = g.Key.Add(jubjub.Base())
	check("key", &changed, message(t, "m"), r.commitments)
	for i := range base {
		list := append([]frost.Commitment(nil), r.commitments...)
		list[i].Hiding = other.commitments[i].Hiding
		check(fmt.Sprintf("hiding commitment %d", i), g, message(t, "m"), list)
		list = append([]frost.Commitment(nil), r.commitments...)
		list[i].Binding = other.commitments[i].Binding
		check(fmt.Sprintf("binding commitment %d", i), g, message(t, "m"), list)
	}
	if base[0].Cmp(base[1]) == 0 {
		t.Error("two signers have one factor")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	g, shares := generate(t, 2, 2)
	n := begin(t, g, shares[0]).nonces[0]
	d, err := frost.Deal(jubjub, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []any{shares[0], n, d} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			if text := fmt.Sprintf(verb, secret); !strings.Contains(text, "redacted") || len(text) > 40 {
				t.Errorf("%s of %T: %s", verb, secret, text)
			}
		}
	}
}
