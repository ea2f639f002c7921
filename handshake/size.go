package handshake

import (
	"slices"

	"github.com/zkkex/zkkex"
)

const (
	// MaxEarlyData is how many bytes of the application's message 1 can carry.
	MaxEarlyData = 4096
	// EarlyDataStep is what sizes of messages with early data are rounded up to,
	// in bytes, so that they tell little about it.
	EarlyDataStep = 1024

	// certificateHead is the length of a presentation without its proof.
	certificateHead = zkkex.StatementSize + 32 + 32 + 8 + 8 + 4 + 8 + 1 + 32
)

// Sizes of proofs in certificates, in bytes. A test compares them with those of
// all circuits.
const (
	groth16Proof          = 128
	committedGroth16Proof = 192
	plonkProof            = 512
)

// certificateSizes are the lengths that a certificate in message 1 can have, in
// ascending order: none, and one for each size of proofs.
var certificateSizes = [...]int{
	0,
	certificateHead + groth16Proof,
	certificateHead + committedGroth16Proof,
	certificateHead + plonkProof,
}

// sizes are the lengths of message 1 under one descriptor and suite, by the place of
// the certificate's length in certificateSizes.
type sizes struct {
	suite *Suite
	base  [len(certificateSizes)]int
	least [len(certificateSizes)]int // the same before padding
}

func sizesOf(s *Suite, padding [2]uint16) sizes {
	out := sizes{suite: s}
	for i, certificate := range certificateSizes {
		out.least[i] = headerSize + s.protocol.Overhead(0) + payloadHead + certificate + macsSize
		out.base[i] = max(int(padding[min(i, 1)]), out.least[i])
	}
	return out
}

// of returns the length of a message with these contents: a certificate of one of
// the lengths in certificateSizes, and early data. It is below [MaxMessageSize]:
// only what does not fit into the padding adds to it.
func (s sizes) of(certificate, early int) int {
	i := max(slices.Index(certificateSizes[:], certificate), 0)
	over := max(s.least[i]+early-s.base[i], 0)
	return s.base[i] + (over+EarlyDataStep-1)/EarlyDataStep*EarlyDataStep
}

// possible reports whether there is a message of that length.
func (s sizes) possible(size int) bool {
	for _, base := range s.base {
		steps := (size - base) / EarlyDataStep
		if size == base || s.suite.EarlyData() && size > base && (size-base)%EarlyDataStep == 0 && steps <= MaxEarlyData/EarlyDataStep {
			return true
		}
	}
	return false
}

// payload returns the length of the payload of a message with that length.
func (s sizes) payload(size int) int {
	return size - headerSize - s.suite.protocol.Overhead(0) - macsSize
}

// leastFirst is the length of the shortest message 1 of all suites.
func leastFirst() int { return sizesOf(suites()[0], [2]uint16{}).base[0] }

// answerSize is the length of message 2, the same for every suite.
func answerSize(s *Suite) int { return PrefixSize + s.protocol.Overhead(1) + answerPayloadSize }
