// Package handshake opens a channel with a session certificate: a Noise handshake
// of one round trip in which the initiator's static key is the certificate's
// session key, and the responder's a short-lived prekey of a venue descriptor.
//
//	initiator                                      responder
//	message 1: e, es, [skem1], e1, s, ss, payload  -->
//	                                          <--  message 2: e, ee, ekem1, se, payload
//	first record                                   -->
//
// docs/spec/handshake.md has all of it, byte by byte, with a sample.
// docs/design/0012-handshake.md says why.
//
// # What it gives
//
// After [Initiator.Finish] the initiator knows that whoever answered holds the
// venue's prekey. After its peer's first record, and [Accepted.Confirm], the
// responder knows that whoever asked holds the session key of a certificate that
// the venue admitted, and that this open counter was not used before. Both know
// that the other saw the same descriptor, suite, certificate and messages: all of
// them are in the transcript. Recorded traffic stays confidential while X25519 or
// ML-KEM-768 holds, message 1 as well with suites of [Suite.EarlyData]; who is
// admitted is as certain as the proofs, which are classical.
//
// There are three kinds of message 1, of the same format and checked in the same
// order: [Open] with a certificate that the venue has admitted, [Admit] to have it
// admitted and no more, [Inline] for both at once.
//
// # Stages
//
// Each type offers what is legal there and nothing else:
//
//	Initiator --Message--> message 1 --Finish(message 2)--> Established --Session--> record.Session
//	Responder --Respond(message 1)--> Accepted --Session--> record.Session
//	                                      |
//	                                      +-- Confirm, once the first record has opened
//
// An [Established] or [Accepted] holds one secret, derived behind the last message
// for the record layer alone, and hands it over once.
//
// # What a stranger gets
//
// Nothing but two short fixed answers: that the descriptor is unknown, and, under
// load, a cookie to be sent back. All else that fails before the payload of
// message 1 has authenticated is dropped without an answer. Refusals after that
// are as long as a yes, and only who sent message 1 can read them, under a key
// that fresh randomness of the responder's went into.
//
// # What is wiped, and what is not
//
// The Noise state when a handshake ends, however it ends; derived keys of
// refusals; the channel's secret when the record layer takes it or when
// [Established.Wipe] or [Accepted.Release] is called. Early data and payloads are not
// wiped, nor what crypto/ecdh, crypto/mlkem and the ciphers keep to themselves.
package handshake
