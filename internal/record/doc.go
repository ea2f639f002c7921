// Package record is the channel that a handshake opens: records with a key
// phase, symmetric steps, a ratchet of X25519 and ML-KEM-768, an authenticated
// end of each direction, and exported keys. It knows no socket and no
// handshake: a caller gives it a secret, a transcript hash and a role, and then
// bytes go in and bytes, or a typed error, come out.
//
// A record is
//
//	type 1 | length 2 | phase 4 | sealed: content | zeros | content length 2 | content type 1 | tag 16
//
// with the first 7 bytes authenticated. docs/spec/record.md has all of it, byte
// by byte, with a sample.
//
// Secrets move through types, each of which offers what is legal there and
// nothing else, and is overwritten when it has been used:
//
//	channelSecret     one per generation: begins with the handshake's secret
//	  | generation
//	  +-> phaseSecret (one per direction) -> AEAD key and IV, next phaseSecret
//	  +-> ratchetSecret + X25519 + ML-KEM-768 -> next channelSecret
//	  +-> confirmation (one per direction)
//	  +-> exporterSecret (of the first generation only)
//
// # How it is driven
//
// [Session.Seal] and [Session.Open] carry records. Control records come out of
// [Session.Control] while [Session.NeedsControl] reports true; the expensive part
// of a ratchet is [Session.Prepare], called while [Session.NeedsPrepare] reports
// true, from any goroutine and while sealing and opening go on. Whoever drives a
// session asks both before sealing and after opening. When Seal returns
// [ErrStale], a ratchet has to complete first.
//
// # What is wiped, and what is not
//
// Our own copies of secrets are overwritten. Go offers no way to overwrite what
// crypto/ecdh, crypto/mlkem, crypto/aes and crypto/hmac keep to themselves, nor
// copies that the runtime makes when it moves a stack: those are dropped.
package record
