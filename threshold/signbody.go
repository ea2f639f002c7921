package threshold

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/threshold/babyjubjub"
	"github.com/zkkex/zkkex/threshold/frost"
)

// The texts below are what is sealed in the messages of a signing session.

// requestText is what is to be signed, and until when.
type requestText struct {
	expires int64 // Unix seconds
	message envelope.Message
}

func (r *requestText) encode() []byte {
	m := &r.message
	b := binary.BigEndian.AppendUint64(nil, uint64(r.expires))
	b = append(b, byte(m.Purpose))
	b = append(b, m.Registry[:]...)
	b = append(b, m.NullifierKeyHash[:]...)
	b = append(b, m.Delegate[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Until))
	b = append(b, m.Nonce[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Expiry))
	return append(b, m.Binding[:]...)
}

func parseRequestText(b []byte) (*requestText, error) {
	f := &fields{rest: b}
	r := &requestText{expires: int64(f.uint64())}
	r.message = envelope.Message{
		Purpose:          envelope.Purpose(f.byte()),
		Registry:         zkkex.RegistryID(f.hash()),
		NullifierKeyHash: f.hash(),
		Delegate:         zkkex.Commitment(f.hash()),
		Until:            int64(f.uint64()),
		Nonce:            f.hash(),
		Expiry:           int64(f.uint64()),
		Binding:          zkkex.Binding(f.hash()),
	}
	if err := f.end(); err != nil {
		return nil, err
	}
	if _, err := envelope.EdDSA.Digest(&r.message); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadMessage, err)
	}
	return r, nil
}

// appendCommitment appends a commitment without its identifier.
func appendCommitment(b []byte, c frost.Commitment) []byte {
	return append(append(b, c.Hiding.Bytes()...), c.Binding.Bytes()...)
}

// commitment reads what [appendCommitment] wrote.
func (f *fields) commitment(id frost.Identifier) (frost.Commitment, error) {
	hiding, err := suite().DecodeElement(f.next(babyjubjub.ElementSize))
	if err != nil {
		return frost.Commitment{}, fmt.Errorf("%w: hiding commitment: %w", ErrBadMessage, err)
	}
	binding, err := suite().DecodeElement(f.next(babyjubjub.ElementSize))
	if err != nil {
		return frost.Commitment{}, fmt.Errorf("%w: binding commitment: %w", ErrBadMessage, err)
	}
	return frost.Commitment{ID: id, Hiding: hiding, Binding: binding}, nil
}

func parseCommitment(id frost.Identifier, b []byte) (frost.Commitment, error) {
	f := &fields{rest: b}
	c, err := f.commitment(id)
	if err != nil {
		return c, err
	}
	return c, f.end()
}

// encodePackage returns the text of a package: who signs, and with which commitments.
func encodePackage(list []frost.Commitment) []byte {
	b := []byte{byte(len(list))}
	for _, c := range list {
		b = appendCommitment(binary.BigEndian.AppendUint16(b, uint16(c.ID)), c)
	}
	return b
}

func parsePackage(b []byte) ([]frost.Commitment, error) {
	f := &fields{rest: b}
	var list []frost.Commitment
	count := int(f.byte())
	if count > frost.MaxParticipants {
		return nil, fmt.Errorf("%w: %d signers", ErrBadMessage, count)
	}
	for range count {
		c, err := f.commitment(frost.Identifier(f.uint16()))
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, f.end()
}

// shareText is a signer's answer to a package, with a commitment for another one,
// should this one come to nothing.
type shareText struct {
	pack [sha256.Size]byte // digest of the package's text
	z    *big.Int
	next frost.Commitment
}

func (s *shareText) encode() []byte {
	b := append(s.pack[:], suite().EncodeScalar(s.z)...)
	return appendCommitment(b, s.next)
}

func parseShareText(id frost.Identifier, b []byte) (*shareText, error) {
	f := &fields{rest: b}
	s := &shareText{pack: f.hash()}
	var err error
	if s.z, err = suite().DecodeScalar(f.next(babyjubjub.ScalarSize)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWrongShare, err)
	}
	if s.next, err = f.commitment(id); err != nil {
		return nil, err
	}
	return s, f.end()
}
