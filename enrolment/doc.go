// Package enrolment is how a member asks a registrar for admission, and how the
// registrar checks the request.
//
// The registrar issues a [Challenge]. The member signs it together with its own
// leaf, with the identity key, and sends the [Request]. The registrar checks
// the key, recomputes the leaf, and checks signature and challenge; the request
// holds no leaf that could be believed. What it proves is possession of the
// identity key, now, to this registrar, for this leaf. Everything in both texts
// is public, and they can travel by any means, such as a file.
//
// The registrar learns the public key and H(nk), never the nullifier key: it
// cannot link its members' sessions to them.
//
// A request, in text form:
//
//	zkkex/v1 enrolment request
//	type: babyjubjub
//	public-key: 64 hexadecimal digits, the compressed point
//	nullifier-key-hash: 64 hexadecimal digits
//	registry: 64 hexadecimal digits
//	nonce: 64 hexadecimal digits
//	expiry: Unix seconds, decimal
//	signature: 128 hexadecimal digits, R and s
//
// Keys that only sign, of devices, wallets and groups, ask with a [DeviceRequest].
// The device signs an envelope (package keys/envelope), which says that its key
// enters the registry, or that for a while another key does beside it: a delegate,
// a Baby Jubjub key whose leaf carries the same H(nk) and has no slots of its own.
//
//	zkkex/v1 device request
//	type: p256, secp256k1 or eddsa
//	public-key: 66 hexadecimal digits, 64 of eddsa
//	envelope: raw, sshsig, eip712 or eddsa
//	nullifier-key-hash: 64 hexadecimal digits
//	delegate: 64 hexadecimal digits, or none
//	until: Unix seconds, decimal, when the delegation ends; 0 for none
//	registry: 64 hexadecimal digits
//	nonce: 64 hexadecimal digits
//	expiry: Unix seconds, decimal
//	signature: 128 hexadecimal digits
//	delegate-signature: 128 hexadecimal digits, or none
//
// Samples, checked by a test, are in docs/spec/enrolment.md.
package enrolment
