package demo

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

// workshop is where an attacker makes certificates that no honest program makes. It
// knows what anybody can fetch.
type workshop struct {
	newest *descriptor.Signed
	venue  *handshake.Venue
	epoch  zkkex.Epoch
	terms  descriptor.EpochTerms
	dial   *line

	// Of the offender: a presentation that was opened, and one that never was.
	opened, unused       *zkkex.Presentation
	openedKey, unusedKey *ecdh.PrivateKey
}

// workshop fetches the venue's newest descriptor.
func (p *play) workshop(ctx context.Context, dial *line) (*workshop, error) {
	client, err := venueclient.New(venueclient.Config{URL: p.house.url()})
	if err != nil {
		return nil, err
	}
	chain, err := descriptor.NewChain(descriptor.ChainConfig{Identity: p.house.identity})
	if err != nil {
		return nil, err
	}
	if _, err := client.Update(ctx, chain); err != nil {
		return nil, err
	}
	w := &workshop{dial: dial}
	if w.newest, err = chain.Current(time.Now()); err != nil {
		return nil, err
	}
	if w.epoch, err = w.newest.Schedule.At(time.Now()); err != nil {
		return nil, err
	}
	var named bool
	if w.terms, named = w.newest.Terms(w.epoch.Number); !named {
		return nil, fmt.Errorf("descriptor %d does not name epoch %d", w.newest.Number, w.epoch.Number)
	}
	w.venue, err = venueclient.Handshake(w.newest, w.newest.Suites[0])
	return w, err
}

// newKey returns a fresh session key, and what authorises it.
func newKey() (*ecdh.PrivateKey, zkkex.Authorization, error) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, zkkex.Authorization{}, err
	}
	return key, zkkex.SessionKey([32]byte(key.PublicKey().Bytes())), nil
}

// prove makes an honest presentation for a fresh session key: it takes a slot.
func (w *workshop) prove(ctx context.Context, t *trader) (*zkkex.Presentation, *ecdh.PrivateKey, error) {
	key, a, err := newKey()
	if err != nil {
		return nil, nil, err
	}
	shown, err := t.Prove(ctx, t.registry, zkkex.Claim{
		Scope: w.newest.Scope(w.epoch.Number), Epoch: w.epoch, Limit: w.terms.Limit, Authorization: a,
	})
	return shown, key, err
}

// open shows a certificate to the venue, over the network.
func (w *workshop) open(ctx context.Context, shown *zkkex.Presentation, key *ecdh.PrivateKey) (*handshake.Conn, error) {
	c, err := session.New(shown, key)
	if err != nil {
		return nil, err
	}
	d := &handshake.Dialer{
		Venue: func(context.Context, bool) (*handshake.Venue, []handshake.Address, error) {
			return w.venue, []handshake.Address{{Network: "tcp", Place: w.dial.relay}}, nil
		},
		Dial: w.dial.dial,
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return d.Open(ctx, c, nil)
}

// try shows a certificate, and returns why the venue refused it.
func (w *workshop) try(ctx context.Context, shown *zkkex.Presentation, key *ecdh.PrivateKey) error {
	conn, err := w.open(ctx, shown, key)
	if err != nil {
		return err
	}
	// The venue confirms a channel with the first record: what it refuses then, it
	// says in an alert.
	if _, err = conn.Write([]byte("zkkex/o1")); err == nil {
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		_, err = conn.Read(make([]byte, 1))
	}
	return errors.Join(err, conn.Close())
}

func withProof(p *zkkex.Presentation, proof zkkex.Proof) *zkkex.Presentation {
	forged := *p
	forged.Proof = proof
	return &forged
}

func flipped(proof zkkex.Proof) zkkex.Proof {
	out := slices.Clone(proof)
	out[len(out)-1] ^= 1
	return out
}

// stolen returns somebody's presentation with one's own session key put in. With
// rebound, what binds the statement to the key is made to fit as well.
func stolen(p *zkkex.Presentation, rebound bool) (*zkkex.Presentation, *ecdh.PrivateKey, error) {
	key, a, err := newKey()
	if err != nil {
		return nil, nil, err
	}
	out := *p
	out.Authorization = a
	if rebound {
		out.Statement.Binding, err = binding(&out, out.Statement.Limit)
	}
	return &out, key, err
}

// binding returns what a presentation would have to be bound to under a limit.
func binding(p *zkkex.Presentation, limit uint32) (zkkex.Binding, error) {
	return p.Authorization.Binding(zkkex.BindingContext{
		Circuit:      p.Statement.Circuit,
		Params:       p.Params,
		Registry:     p.Registry,
		RootSequence: p.RootSequence,
		Scope:        p.Statement.Scope,
		Limit:        limit,
	})
}

// byStranger returns a presentation of somebody who is not a member: all is as it
// must be, but the nullifier is a random number and the proof is random points.
func byStranger(like *zkkex.Presentation) (*zkkex.Presentation, *ecdh.PrivateKey, error) {
	out, key, err := stolen(like, true)
	if err != nil {
		return nil, nil, err
	}
	s, err := randomScalar()
	if err != nil {
		return nil, nil, err
	}
	out.Statement.Nullifier = zkkex.Nullifier(s.Bytes())
	out.Proof, err = randomProof()
	return out, key, err
}

// randomProof returns three random points of the right groups.
func randomProof() (zkkex.Proof, error) {
	_, _, g1, g2 := curve.Generators()
	var scalars [3]big.Int
	for i := range scalars {
		s, err := randomScalar()
		if err != nil {
			return nil, err
		}
		s.BigInt(&scalars[i])
	}
	var p groth16.Proof
	p.A.ScalarMultiplication(&g1, &scalars[0])
	p.B.ScalarMultiplication(&g2, &scalars[1])
	p.C.ScalarMultiplication(&g1, &scalars[2])
	return p.Bytes(), nil
}

// rerandomised returns the presentation with another valid proof, which takes
// no secret: e(s*A, B/s) = e(A, B).
func rerandomised(from *zkkex.Presentation) (*zkkex.Presentation, error) {
	proof, err := groth16.ParseProof(from.Proof)
	if err != nil {
		return nil, err
	}
	s, err := randomScalar()
	if err != nil {
		return nil, err
	}
	var scalar, inverse big.Int
	s.BigInt(&scalar)
	s.Inverse(&s).BigInt(&inverse)
	proof.A.ScalarMultiplication(&proof.A, &scalar)
	proof.B.ScalarMultiplication(&proof.B, &inverse)
	out := withProof(from, proof.Bytes())
	if bytes.Equal(out.Proof, from.Proof) {
		return nil, errors.New("the re-randomised proof has the same bytes")
	}
	set, err := openVerifying(from.Statement.Circuit, from.Params)
	if err != nil {
		return nil, err
	}
	if err := set.VerifyProof(&out.Statement, out.Proof); err != nil {
		return nil, fmt.Errorf("the re-randomised proof is not valid: %w", err)
	}
	return out, nil
}

func randomScalar() (s fr.Element, err error) {
	_, err = s.SetRandom()
	return s, err
}

// greedy is a member with a modified program, which counts its slots as it likes.
type greedy struct {
	*trader
	prover *prover.Prover
	like   *zkkex.Presentation // an honest one of the same trader
}

func (p *play) greedy(t *trader, like *zkkex.Presentation) (*greedy, error) {
	set, err := p.proving(circuit)
	if err != nil {
		return nil, err
	}
	pr, err := prover.Open(set)
	return &greedy{t, pr, like}, err
}

// prove makes a presentation of a slot, under a limit, for a fresh session key.
func (g *greedy) prove(ctx context.Context, slot, limit uint32) (*zkkex.Presentation, *ecdh.PrivateKey, error) {
	copied, err := g.Mirror(g.registry)
	if err != nil {
		return nil, nil, err
	}
	path, _, err := copied.PathAt(g.secret.Commitment(), g.like.RootSequence)
	if err != nil {
		return nil, nil, err
	}
	out, key, err := stolen(g.like, false)
	if err != nil {
		return nil, nil, err
	}
	st := &out.Statement
	st.Nullifier, st.Limit = g.secret.Nullifier(st.Scope, slot), limit
	if st.Binding, err = binding(out, limit); err != nil {
		return nil, nil, err
	}
	out.Proof, err = g.prover.Prove(ctx, st, &circuits.Witness{Secret: g.secret, Path: path, Slot: slot})
	return out, key, err
}
