// Package noise is a state machine of the Noise Protocol Framework, revision
// 34, that knows nothing of sockets: bytes go in, bytes or a typed error come
// out. Beside the framework's own patterns it knows two hybrid ones,
//
//	IKhfs:                            IKhfs+skem1:
//	  <- s                              <- s, s1
//	  ...                               ...
//	  -> e, es, e1, s, ss               -> e, es, skem1, e1, s, ss
//	  <- e, ee, ekem1, se               <- e, ee, ekem1, se
//
// in which ML-KEM-768 stands beside X25519: e1 is an ephemeral encapsulation
// key, ekem1 a ciphertext for it (Noise extension "KEM-based Hybrid Forward
// Secrecy", revision 1), s1 a static encapsulation key that the initiator knows
// in advance, and skem1 a ciphertext for that. docs/spec/noise.md has all of it,
// byte by byte.
//
// Secrets move through two types, each of which offers what is legal there and
// nothing else:
//
//	HandshakeState   messages, in turn; any failure ends it
//	      | Split
//	Transport        Seal and Open; the role decides which key is whose
//
// with the framework's SymmetricState and CipherState inside.
//
// # What is wiped, and what is not
//
// Chaining keys, shared secrets and derived keys are overwritten as soon as
// they are used up. Go offers no way to overwrite what crypto/ecdh,
// crypto/mlkem, crypto/aes and crypto/hmac keep to themselves, nor copies that
// the runtime makes when it moves a stack: those are dropped, and overwritten
// whenever the memory is used again.
//
// Comparisons of secrets are the AEAD's comparison of tags, which takes
// constant time, as do X25519 and ML-KEM decapsulation.
package noise
