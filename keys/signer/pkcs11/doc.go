// Package pkcs11 signs with keys in PKCS#11 tokens: HSMs, smart cards, YubiKeys,
// SoftHSM. It registers the scheme "pkcs11" of package signer, with the URIs of
// RFC 7512:
//
//	pkcs11:token=desk;object=mm-1?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/etc/zkkex/pin
//
// A token's maker gives a library in C, so this needs cgo and the build tag pkcs11:
//
//	go build -tags pkcs11 ./cmd/zkkex
//
// Without the tag the scheme is there, and opening a key says so. The library runs
// inside the process: it sees what the process sees, so it is named by an absolute
// path.
//
// Keys are on P-256 or secp256k1, private, and allowed to sign; the token signs the
// SHA-256 digest of a message (CKM_ECDSA). Nothing of the key leaves it. A key that may
// derive, too, is a [signer.Deriver].
//
// # PIN
//
// A PIN is tried once. It is kept in memory until the key is closed, for two reasons
// only: a token that was away is logged into again by itself, once, and keys that want
// a PIN for every signature get it. A token that reports a wrong try since the last
// right one is given no PIN without a person: not one from memory, and not one from a
// file, so that a program that is started again and again locks nothing.
package pkcs11
