// Package frost is the two-round threshold signature scheme FROST as RFC 9591
// structures it, over any [Ciphersuite], with its distributed key generation.
//
// A [Group] is what everybody knows: a key, the threshold, and each
// participant's verification share. A [KeyShare] is what one participant knows.
// To sign, each of at least the threshold's number of participants draws
// [Nonces] and tells their [Commitment] (round one); then each is told the
// message and all commitments, and answers with a signature share (round two),
// which is verified singly, so that whoever lies is named by a [Culprit]. The sum
// of the shares is a plain signature under the group's key, which exists nowhere.
//
// Each share is bound to the key, the message and the list of all commitments
// (RFC 9591, section 4.4), so that shares of parallel sessions do not combine.
// Nonces sign once: [Group.Sign] deletes them before it computes anything.
// They have no encoding, so that nobody keeps them.
//
// Key generation is Pedersen's, with a proof that each participant knows its
// constant term (Komlo and Goldberg, "FROST", section 5.1), without which the
// last one to speak chooses the key. [Dealing] holds the secret side. Transport,
// agreement on what was said, and complaints are the caller's: see package
// threshold.
//
// # What is not constant time
//
// Scalars are of math/big, and groups are as their libraries make them: neither
// promises constant time. Do not sign beside code that you do not trust on the same
// processor.
package frost
