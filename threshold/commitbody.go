package threshold

import (
	"crypto/hpke"
	"fmt"

	"github.com/zkkex/zkkex/threshold/babyjubjub"
	"github.com/zkkex/zkkex/threshold/frost"
)

// commitBody is the first message of a dealer.
type commitBody struct {
	inbox       hpke.PublicKey
	commitments []frost.Element
	proof       *frost.Proof // none in a refresh
}

func (c *commitBody) encode() []byte {
	b := append([]byte(nil), c.inbox.Bytes()...)
	b = append(b, byte(len(c.commitments)))
	for _, e := range c.commitments {
		b = append(b, e.Bytes()...)
	}
	if c.proof != nil {
		b = append(b, c.proof.R.Bytes()...)
		b = append(b, suite().EncodeScalar(c.proof.S)...)
	}
	return b
}

// parseCommit reads and checks a dealer's first message: lengths, points, and the
// proof that it knows its constant term.
func (p *plan) parseCommit(from frost.Identifier, body []byte) (*commitBody, error) {
	f := &fields{rest: body}
	c := &commitBody{}
	var err error
	if c.inbox, err = inboxKEM().NewPublicKey(f.next(inboxSize)); err != nil {
		return nil, fmt.Errorf("%w: inbox: %w", ErrBadMessage, err)
	}
	count := int(f.byte())
	if count > p.setup.Threshold {
		return nil, fmt.Errorf("%w: %w: %d", ErrBadMessage, frost.ErrCommitments, count)
	}
	for i := range count {
		e, err := suite().DecodeElement(f.next(babyjubjub.ElementSize))
		if err != nil {
			return nil, fmt.Errorf("%w: commitment %d: %w", ErrBadMessage, i, err)
		}
		c.commitments = append(c.commitments, e)
	}
	if err := frost.CheckCommitments(p.setup.Threshold, p.refresh(), from, c.commitments); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadMessage, err)
	}
	if p.refresh() {
		return c, f.end()
	}
	c.proof = &frost.Proof{}
	if c.proof.R, err = suite().DecodeElement(f.next(babyjubjub.ElementSize)); err != nil {
		return nil, fmt.Errorf("%w: proof: %w", ErrBadMessage, err)
	}
	if c.proof.S, err = suite().DecodeScalar(f.next(babyjubjub.ScalarSize)); err != nil {
		return nil, fmt.Errorf("%w: proof: %w", ErrBadMessage, err)
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	context := p.context()
	if err := frost.VerifyProof(suite(), context[:], from, c.commitments, c.proof); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadMessage, err)
	}
	return c, nil
}
