package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/verifier"
)

// attack is something that a verifier must refuse, for one reason.
type attack struct {
	what    string
	want    zkkex.Reason
	by      *verifier.Verifier
	shown   *zkkex.Presentation
	message string
}

// refuse tries what others could do with presentations they saw.
func (p *play) refuse(ctx context.Context) error {
	p.story.title("What is refused, each for its one reason")
	first, second := p.person.first, p.person.second
	rerandomised, err := p.rerandomised(first)
	if err != nil {
		return err
	}
	random, err := randomProof()
	if err != nil {
		return err
	}
	elsewhere, err := p.deskOf("other.example/quotes")
	if err != nil {
		return err
	}
	rewritten, err := rewritten(second, otherMessage)
	if err != nil {
		return err
	}
	here := p.desk.Verifier
	for _, a := range []attack{
		{"the same presentation again", zkkex.SlotUsed, here, first, firstMessage},
		{"its proof re-randomised: other bytes, still valid", zkkex.SlotUsed, here, rerandomised, firstMessage},
		{"a proof with one bit flipped", zkkex.BadProof, here, withProof(second, flipped(second.Proof)), secondMessage},
		{"a proof of random points of the right groups", zkkex.BadProof, here, withProof(second, random), secondMessage},
		{"the proof of another presentation", zkkex.BadProof, here, withProof(second, first.Proof), secondMessage},
		{"a good proof beside another message", zkkex.WrongBinding, here, second, otherMessage},
		{"the presentation rewritten for another message", zkkex.BadProof, here, rewritten, otherMessage},
		{"a good proof shown to a verifier of another scope", zkkex.WrongScope, elsewhere, second, secondMessage},
	} {
		if err := p.try(ctx, a); err != nil {
			return err
		}
	}
	// None of it burned the slot: the member's own presentation still counts.
	if err := p.show(ctx, here, second, secondMessage); err != nil {
		return fmt.Errorf("%w: after the attacks, the member's own presentation was refused: %w", ErrUnexpected, err)
	}
	p.story.accepted("the attacked presentation by its owner: no attack used its slot up")
	return nil
}

func (p *play) try(ctx context.Context, a attack) error {
	return p.story.refused(a.what, a.want, p.show(ctx, a.by, a.shown, a.message))
}

// deskOf returns a verifier that differs in its scope alone.
func (p *play) deskOf(scope string) (*verifier.Verifier, error) {
	c := p.desk.config
	c.Scope = verifier.NamedScope{Name: scope, Epochs: p.schedule}
	return verifier.New(c)
}

func withProof(p *zkkex.Presentation, proof zkkex.Proof) *zkkex.Presentation {
	forged := *p
	forged.Proof = proof
	return &forged
}

// rewritten returns the presentation with everything but the proof made to fit
// another message.
func rewritten(p *zkkex.Presentation, message string) (*zkkex.Presentation, error) {
	out := *p
	var err error
	if out.Authorization, err = authorization(message); err != nil {
		return nil, err
	}
	out.Statement.Binding, err = binding(&out, out.Statement.Limit)
	return &out, err
}

func flipped(proof zkkex.Proof) zkkex.Proof {
	out := slices.Clone(proof)
	out[len(out)-1] ^= 1
	return out
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
func (p *play) rerandomised(from *zkkex.Presentation) (*zkkex.Presentation, error) {
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
	if err := p.desk.params.VerifyProof(&out.Statement, out.Proof); err != nil {
		return nil, fmt.Errorf("the re-randomised proof is not valid: %w", err)
	}
	return out, nil
}

func randomScalar() (s fr.Element, err error) {
	_, err = s.SetRandom()
	return s, err
}

// overreach is a member with a modified program, which takes a slot beyond the
// limit.
func (p *play) overreach(ctx context.Context) error {
	m := p.person
	st, w, err := p.beyondLimit()
	if err != nil {
		return err
	}
	set, err := openProving(circuit)
	if err != nil {
		return err
	}
	pr, err := prover.Open(set)
	if err != nil {
		return err
	}
	// There is no proof for a slot that is not below the limit.
	if err := p.tryToProve(ctx, pr, st, w); err != nil {
		return err
	}
	// There is one for a higher limit, which the verifier does not have.
	greedy := *m.last
	greedy.Statement = *st
	if greedy.Statement.Binding, err = binding(&greedy, limit+1); err != nil {
		return err
	}
	greedy.Statement.Limit = limit + 1
	if greedy.Proof, err = pr.Prove(ctx, &greedy.Statement, w); err != nil {
		return err
	}
	// And it does not pass for one of the verifier's limit.
	disguised := greedy
	disguised.Statement.Limit = limit
	if disguised.Statement.Binding, err = binding(&disguised, limit); err != nil {
		return err
	}
	for _, a := range []attack{
		{"a true proof of a fourth slot, of four", zkkex.WrongLimit, p.desk.Verifier, &greedy, lastMessage},
		{"the same, said to be of three", zkkex.BadProof, p.desk.Verifier, &disguised, lastMessage},
	} {
		if err := p.try(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) tryToProve(ctx context.Context, pr *prover.Prover, st *zkkex.Statement, w *circuits.Witness) error {
	const attempt = "a proof of slot 3, where slots are 0 to 2"
	_, err := pr.Prove(ctx, st, w)
	var witness *circuits.WitnessError
	if !errors.As(err, &witness) || witness.Check != "slot" {
		return unexpected(attempt, "slot", err)
	}
	p.story.refusal(refusal{attempt, "prover", "slot", err.Error()})
	return nil
}

// beyondLimit returns a statement and witness for the first slot that is not
// below the limit.
func (p *play) beyondLimit() (*zkkex.Statement, *circuits.Witness, error) {
	m := p.person
	copied, err := m.Mirror(m.registry)
	if err != nil {
		return nil, nil, err
	}
	path, _, err := copied.Path(m.secret.Commitment())
	if err != nil {
		return nil, nil, err
	}
	st := m.last.Statement
	st.Nullifier = m.secret.Nullifier(st.Scope, limit)
	return &st, &circuits.Witness{Secret: m.secret, Path: path, Slot: limit}, nil
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

// revoke has the registrar take the member's leaf back. The member's last
// presentation, made before, is good for nothing then, and there are no more.
func (p *play) revoke(ctx context.Context) error {
	s, m := p.story, p.person
	s.title("A member is revoked")
	if _, err := p.office.registrar.RevokeKey(m.Public(), time.Now()); err != nil {
		return err
	}
	if _, err := p.office.server.Publish(ctx); err != nil {
		return err
	}
	if err := s.timed("sync what one revocation changes", func() error {
		_, err := p.desk.mirror.Sync(ctx)
		return err
	}); err != nil {
		return err
	}
	if err := p.try(ctx, attack{"a proof made before the revocation", zkkex.StaleRoot, p.desk.Verifier, m.last, lastMessage}); err != nil {
		return err
	}
	if _, err := m.Sync(ctx, m.registry); err != nil {
		return err
	}
	_, err := p.presentation(ctx, otherMessage)
	return s.refusedBy("a new proof", "prover", mirror.ErrNotMember, "not_member", err)
}
