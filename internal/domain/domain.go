// Package domain is the one table of domain separation tags, and the framed
// hash that uses them.
//
// Two kinds of hash appear in zkkex. Inside circuits, Poseidon2 compresses
// field elements, and the tag is a small integer in the first lane. Outside,
// SHA-256 hashes bytes, and the tag is a string. No tag is used for two
// meanings, and none is ever reused for a changed meaning: a new meaning gets a
// new tag.
package domain

import (
	"crypto/sha256"
	"encoding/binary"
)

// Tags of Poseidon2 compressions. Each stands in lane 0, alone or combined as
// its comment says. See docs/spec/hashes.md.
const (
	// NullifierKey tags H(nk) = f_2(tag, nk).
	NullifierKey = 1
	// Leaf tags leaf = f_3(tag + keytype*2^16, k, H(nk)).
	Leaf = 2
	// Nullifier tags nullifier = f_3(tag*2^64 + slot, scope, nk).
	Nullifier = 3
	// ECKey tags the coordinate of a P-256 or secp256k1 key in its leaf:
	// f_3(tag, upper half of x, lower half of x), halves of 128 bits.
	ECKey = 4
	// SignedDigest tags the digest that a device signed, as a public input:
	// f_3(tag, upper half, lower half), halves of 128 bits.
	SignedDigest = 5
	// EdDSAChallenge tags a signature's challenge,
	// e = f_4(tag, R.x, R.y, f_4(EdDSAMessage, A.x, A.y, m)).
	EdDSAChallenge = 6
	// EdDSAMessage tags the inner compression of a signature's challenge.
	EdDSAMessage = 7
)

// Tag is the domain separation tag of a SHA-256 or SHA-512 hash.
type Tag string

// Tags of byte hashes.
const (
	// ScopeVenue tags the scope of sessions at a venue.
	ScopeVenue Tag = "zkkex/v1 scope venue"
	// ScopeNamed tags a scope that is a string agreed on by prover and verifier.
	ScopeNamed Tag = "zkkex/v1 scope named"
	// BindingSession tags a binding that authorises a session public key.
	BindingSession Tag = "zkkex/v1 binding session"
	// BindingMessage tags a binding that authorises the digest of a message.
	BindingMessage Tag = "zkkex/v1 binding message"
	// MessageDigest tags the digest of a message itself.
	MessageDigest Tag = "zkkex/v1 message"
	// RegistryID tags the identifier of a registry, made of its verifier key.
	RegistryID Tag = "zkkex/v1 registry id"
	// Params tags the digest of a parameter set.
	Params Tag = "zkkex/v1 params"
	// Presentation tags the digest that a store of spent nullifiers keeps.
	Presentation Tag = "zkkex/v1 presentation"
	// Circuit tags the digest of a compiled constraint system.
	Circuit Tag = "zkkex/v1 circuit"
	// DevelopmentWaste tags the derivation of the secrets that a development set is
	// made from, which everybody knows.
	DevelopmentWaste Tag = "zkkex/v1 development waste"
	// SparseCircuit tags the digest of a compiled sparse constraint system.
	SparseCircuit Tag = "zkkex/v1 sparse circuit"
	// Possession tags what a proof of possession signs.
	Possession Tag = "zkkex/v1 possession"
	// Challenge tags the registrar's authentication of an enrolment challenge.
	Challenge Tag = "zkkex/v1 enrolment challenge"
	// EnrolmentRequest tags the identifier of an enrolment request.
	EnrolmentRequest Tag = "zkkex/v1 enrolment request"
	// SchnorrNonce tags the derivation of a signature's nonce.
	SchnorrNonce Tag = "zkkex/v1 schnorr nonce"
	// SchnorrChallenge tags the challenge of a signature.
	SchnorrChallenge Tag = "zkkex/v1 schnorr challenge"
	// EdDSANonce tags the derivation of an EdDSA signature's nonce.
	EdDSANonce Tag = "zkkex/v1 eddsa nonce"
	// SeedIdentity tags the derivation of an identity key from a raw seed.
	SeedIdentity Tag = "zkkex/v1 seed identity"
	// VenueID tags the identifier of a venue, made of its identity keys.
	VenueID Tag = "zkkex/v1 venue id"
	// Descriptor tags the digest of a venue descriptor.
	Descriptor Tag = "zkkex/v1 venue descriptor"
	// Channel tags the secret that a handshake hands to the record layer.
	Channel Tag = "zkkex/v1 channel"
	// Record tags every derivation of the record layer, with a label of its own.
	Record Tag = "zkkex/v1 record"
	// Certificate tags the digest of a session certificate.
	Certificate Tag = "zkkex/v1 session certificate"
	// Handshake tags the prologue of a handshake.
	Handshake Tag = "zkkex/v1 handshake"
	// HandshakeMAC tags the key of a first message's outer MAC.
	HandshakeMAC Tag = "zkkex/v1 handshake mac"
	// HandshakeCookie tags the key that a cookie is sealed with.
	HandshakeCookie Tag = "zkkex/v1 handshake cookie"
	// Reject tags the key of a refusal.
	Reject Tag = "zkkex/v1 reject"
	// Renew tags the proof that a renewal's sender holds the new session key.
	Renew Tag = "zkkex/v1 renew"
	// OrderSession tags the venue's name for a session of orders.
	OrderSession Tag = "zkkex/v1 order session"
	// OrderID tags the venue's name for an order.
	OrderID Tag = "zkkex/v1 order id"
	// OrderClientID tags the derivation of the sender's name for a request.
	OrderClientID Tag = "zkkex/v1 order client id"
	// OrderKey tags the derivation of an order's own key.
	OrderKey Tag = "zkkex/v1 order key"
	// OrderProof tags what an order's own key signs.
	OrderProof Tag = "zkkex/v1 order proof"
	// OrderState tags what a client's state of its sessions is named and sealed by.
	OrderState Tag = "zkkex/v1 order state"
	// OrderCommand tags the name of what a gateway does on its own: an order that
	// expired, a session that was cancelled.
	OrderCommand Tag = "zkkex/v1 order command"
	// OrderRequest tags the digest of a request, by which a repetition is told from
	// another request with the same ID.
	OrderRequest Tag = "zkkex/v1 order request"
	// FIXSession tags the pseudonym of a FIX session, made of its CompID and
	// password.
	FIXSession Tag = "zkkex/v1 fix session"
	// FIXClaim tags the pseudonym that a CompID has without its password.
	FIXClaim Tag = "zkkex/v1 fix claim"
	// FIXName tags the ID of a request whose sender named it in FIX.
	FIXName Tag = "zkkex/v1 fix name"
	// DevicePossession tags what a device's key signs to enter a registry.
	DevicePossession Tag = "zkkex/v1 device possession"
	// DeviceDelegation tags what a device's key signs to delegate.
	DeviceDelegation Tag = "zkkex/v1 device delegation"
	// DeviceCertificate tags what a device's key signs for a proof.
	DeviceCertificate Tag = "zkkex/v1 device certificate"
	// DevicePoint tags the hash of a label to a point, of which a device computes a
	// multiple.
	DevicePoint Tag = "zkkex/v1 device point"
	// DeviceSecret tags the derivation of a secret from what a device computed.
	DeviceSecret Tag = "zkkex/v1 device secret"
	// DelegatePossession tags what a delegate's key signs to be admitted.
	DelegatePossession Tag = "zkkex/v1 delegate possession"
	// FROST tags the hashes of threshold signatures and their key generation.
	FROST Tag = "zkkex/v1 frost"
	// ThresholdSetup tags the digest of a threshold group's setup.
	ThresholdSetup Tag = "zkkex/v1 threshold setup"
	// ThresholdGroup tags the digest of a threshold group after its key
	// generation, or a refresh.
	ThresholdGroup Tag = "zkkex/v1 threshold group"
	// ThresholdAttempt tags what names an attempt at a key generation or a refresh.
	ThresholdAttempt Tag = "zkkex/v1 threshold attempt"
	// ThresholdMessage tags what a participant's key signs of each message.
	ThresholdMessage Tag = "zkkex/v1 threshold message"
	// ThresholdSeal tags the context of what is sealed to a participant: a share
	// that is dealt, the key of a session.
	ThresholdSeal Tag = "zkkex/v1 threshold seal"
	// ThresholdSession tags what names a signing session.
	ThresholdSession Tag = "zkkex/v1 threshold session"
	// CeremonySecret tags the derivation of a contribution's secret factors.
	CeremonySecret Tag = "zkkex/v1 ceremony secret"
)

// Frame returns tag and fields in the one framing that is hashed: each of them
// preceded by its length as a big-endian uint32. No two lists of fields share a
// framing.
func Frame(tag Tag, fields ...[]byte) []byte {
	n := 4 + len(tag)
	for _, f := range fields {
		n += 4 + len(f)
	}
	return appendFrame(make([]byte, 0, n), tag, fields)
}

func appendFrame(out []byte, tag Tag, fields [][]byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(tag)))
	out = append(out, tag...)
	for _, f := range fields {
		out = appendFramed(out, f)
	}
	return out
}

// Hash returns SHA-256 over [Frame] of tag and fields.
func Hash(tag Tag, fields ...[]byte) [sha256.Size]byte {
	var room [256]byte // on the stack, for what is short
	return sha256.Sum256(appendFrame(room[:0], tag, fields))
}

// Uint16 encodes v as two big-endian bytes.
func Uint16(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }

// Uint32 encodes v as four big-endian bytes.
func Uint32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// Uint64 encodes v as eight big-endian bytes.
func Uint64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func appendFramed(out, field []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(field)))
	return append(out, field...)
}
