package frost_test

import (
	"errors"
	"math/big"
	"testing"

	"github.com/zkkex/zkkex/threshold/frost"
)

func TestRefresh(t *testing.T) {
	const threshold, participants = 2, 3
	g, old := generate(t, threshold, participants)
	var dealings []*frost.Dealing
	var all [][]frost.Element
	for range participants {
		d, err := frost.DealRefresh(jubjub, threshold)
		if err != nil {
			t.Fatal(err)
		}
		dealings, all = append(dealings, d), append(all, d.Commitments())
	}
	next, err := g.Refreshed(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Check(); err != nil {
		t.Fatal(err)
	}
	if !next.Key.Equal(g.Key) {
		t.Error("the key changed")
	}
	shares := collect(t, next, old, dealings)
	if _, err := begin(t, next, shares[0], shares[2]).sign(message(t, "m")); err != nil {
		t.Error(err)
	}
	// An old share and a new one sign nothing, in either group, and the old
	// share's owner is named.
	for _, group := range []*frost.Group{g, next} {
		if _, err := begin(t, group, old[0], shares[1]).sign(message(t, "m")); !errors.Is(err, frost.ErrSignature) {
			t.Errorf("a mixture: %v", err)
		}
	}
	r, msg := begin(t, next, old[0], shares[1]), message(t, "m")
	z, err := next.Sign(old[0], r.nonces[0], msg, r.commitments)
	if err != nil {
		t.Fatal(err)
	}
	var culprit *frost.Culprit
	if err := next.VerifyShare(1, z, msg, r.commitments); !errors.As(err, &culprit) || culprit.ID != 1 {
		t.Errorf("got %v", err)
	}
	if _, err := next.NewKeyShare(1, old[0].Encode(jubjub)); !errors.Is(err, frost.ErrShare) {
		t.Errorf("an old share in the new group: %v", err)
	}
}

func TestRefreshNeedsEverybody(t *testing.T) {
	g, _ := generate(t, 2, 3)
	d, err := frost.DealRefresh(jubjub, 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Refreshed([][]frost.Element{d.Commitments(), d.Commitments()}); !errors.Is(err, frost.ErrThreshold) {
		t.Errorf("got %v", err)
	}
}

// Whoever speaks last and knows the others' constant terms chooses a commitment
// that makes the key his own; he cannot prove to know its logarithm.
func TestRogueKey(t *testing.T) {
	context := []byte("generation 1")
	victim, err := frost.Deal(jubjub, 2)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := frost.Deal(jubjub, 2)
	if err != nil {
		t.Fatal(err)
	}
	minus := new(big.Int).Sub(jubjub.Order(), big.NewInt(1))
	rogue := mine.Commitments()
	rogue[0] = rogue[0].Add(victim.Commitments()[0].Mul(minus))
	if g, err := frost.Found(jubjub, 2, [][]frost.Element{victim.Commitments(), rogue}); err != nil || !g.Key.Equal(mine.Commitments()[0]) {
		t.Fatalf("the attack as such does not work: %v", err)
	}
	proof, err := mine.Prove(context, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := frost.VerifyProof(jubjub, context, 2, rogue, proof); !errors.Is(err, frost.ErrProof) {
		t.Errorf("got %v", err)
	}
}

func TestProofs(t *testing.T) {
	d, err := frost.Deal(jubjub, 3)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Prove([]byte("context"), 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := frost.VerifyProof(jubjub, []byte("context"), 2, d.Commitments(), p); err != nil {
		t.Fatal(err)
	}
	other := &frost.Proof{R: p.R, S: new(big.Int).Add(p.S, jubjub.Order())}
	for name, err := range map[string]error{
		"replayed by another": frost.VerifyProof(jubjub, []byte("context"), 1, d.Commitments(), p),
		"of another attempt":  frost.VerifyProof(jubjub, []byte("contexs"), 2, d.Commitments(), p),
		"of another term":     frost.VerifyProof(jubjub, []byte("context"), 2, d.Commitments()[1:], p),
		"not reduced":         frost.VerifyProof(jubjub, []byte("context"), 2, d.Commitments(), other),
	} {
		if !errors.Is(err, frost.ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadDealing(t *testing.T) {
	d, err := frost.Deal(jubjub, 2)
	if err != nil {
		t.Fatal(err)
	}
	longer, err := frost.Deal(jubjub, 3)
	if err != nil {
		t.Fatal(err)
	}
	c := d.Commitments()
	over := new(big.Int).Add(new(big.Int).SetBytes(d.Share(2)), jubjub.Order())
	for name, test := range map[string]struct{ err, want error }{
		"a higher degree":       {frost.CheckCommitments(2, false, 1, longer.Commitments()), frost.ErrCommitments},
		"a lower degree":        {frost.CheckCommitments(3, false, 1, c), frost.ErrCommitments},
		"the identity":          {frost.CheckCommitments(2, false, 1, []frost.Element{c[0], jubjub.Identity()}), frost.ErrIdentity},
		"a constant in refresh": {frost.CheckCommitments(2, true, 1, c), frost.ErrCommitments},
		"another's share":       {frost.CheckShare(jubjub, false, 1, 2, c, d.Share(3)), frost.ErrShare},
		"a refresh that deals":  {frost.CheckShare(jubjub, true, 1, 2, c[1:], d.Share(2)), frost.ErrShare},
	} {
		var culprit *frost.Culprit
		if !errors.Is(test.err, test.want) || !errors.As(test.err, &culprit) || culprit.ID != 1 {
			t.Errorf("%s: got %v, want %v", name, test.err, test.want)
		}
	}
	if over.BitLen() <= 256 {
		if err := frost.CheckShare(jubjub, false, 1, 2, c, over.FillBytes(make([]byte, 32))); err == nil {
			t.Error("a share above the order is accepted")
		}
	}
	if _, err := frost.Found(jubjub, 2, [][]frost.Element{c, longer.Commitments()}); !errors.Is(err, frost.ErrCommitments) {
		t.Errorf("founding with a longer polynomial: %v", err)
	}
	minus := []frost.Element{c[0].Mul(new(big.Int).Sub(jubjub.Order(), big.NewInt(1))), c[1]}
	if _, err := frost.Found(jubjub, 2, [][]frost.Element{c, minus}); !errors.Is(err, frost.ErrIdentity) {
		t.Errorf("a key that is the identity: %v", err)
	}
}

func TestSizes(t *testing.T) {
	for _, size := range []struct {
		threshold, participants int
		ok                      bool
	}{{2, 2, true}, {2, 64, true}, {64, 64, true}, {1, 3, false}, {0, 3, false}, {4, 3, false}, {2, 65, false}, {-1, -1, false}} {
		if err := frost.CheckSize(size.threshold, size.participants); (err == nil) != size.ok || err != nil && !errors.Is(err, frost.ErrThreshold) {
			t.Errorf("%d of %d: %v", size.threshold, size.participants, err)
		}
	}
}

// A group file with parts of two groups is refused.
func TestGroupCheck(t *testing.T) {
	g, _ := generate(t, 2, 4)
	other, _ := generate(t, 2, 4)
	for i := range g.Shares {
		mixed := *g
		mixed.Shares = append([]frost.Element(nil), g.Shares...)
		mixed.Shares[i] = other.Shares[i]
		if err := mixed.Check(); !errors.Is(err, frost.ErrShare) {
			t.Errorf("share %d of another group: %v", i+1, err)
		}
	}
	mixed := *g
	mixed.Key = other.Key
	if err := mixed.Check(); !errors.Is(err, frost.ErrShare) {
		t.Errorf("the key of another group: %v", err)
	}
}
