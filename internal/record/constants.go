package record

import (
	"crypto/mlkem"
	"time"
)

// Lengths of the format, in bytes.
const (
	// HeaderSize is the length of what stands before the sealed part.
	HeaderSize = 1 + 2 + 4
	// trailerSize is the length of what follows content and padding.
	trailerSize = 2 + 1
	// tagSize is what the AEAD adds.
	tagSize = 16
	// Overhead is what a record without padding adds to its content.
	Overhead = HeaderSize + trailerSize + tagSize
	// MaxPlaintext is the longest content.
	MaxPlaintext = 16 << 10
	// MaxRecord is the longest record, with its header.
	MaxRecord = MaxPlaintext + Overhead

	maxInner = MaxPlaintext + trailerSize
	minBody  = trailerSize + tagSize
	maxBody  = maxInner + tagSize

	secretSize           = 32
	publicKeySize        = 32
	encapsulationKeySize = mlkem.EncapsulationKeySize768
	ciphertextSize       = mlkem.CiphertextSize768
	offerSize            = publicKeySize + encapsulationKeySize
	replySize            = publicKeySize + ciphertextSize
	confirmationSize     = 32
)

// Padding, in bytes of content and zeros.
const (
	// minBucket is the smallest bucket; each next one is twice as long, up to
	// MaxPlaintext.
	minBucket = 64
	// ratchetBucket is the length that every record of a ratchet has.
	ratchetBucket = 2048
)

// Limits of one phase of a direction. What seals takes a symmetric step before
// it would exceed one; what opens refuses a peer that exceeds the first two.
const (
	// MaxRecords is how many records are sealed under one key.
	MaxRecords = 1 << 16
	// MaxBytes is how many bytes are sealed under one key, padding and trailers
	// included.
	MaxBytes = 1 << 30
	// MaxStepAge is how old a key gets until the next sealing replaces it.
	MaxStepAge = 60 * time.Second
)

// Limits of one generation, the secrets between two ratchets.
const (
	// MaxRatchetAge is the age at which the initiator begins a ratchet, on a
	// channel that is used.
	MaxRatchetAge = 120 * time.Second
	// MaxStaleAge is the age from which nothing of the application's is sealed.
	MaxStaleAge = 180 * time.Second
)

const (
	// requestLead is how long before MaxStaleAge a responder asks for a ratchet
	// that the initiator has not begun by itself.
	requestLead = 30 * time.Second
	// minRatchetGap is the time between the beginnings of two ratchets.
	minRatchetGap = time.Second
)
