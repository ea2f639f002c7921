package envelope

import "github.com/zkkex/zkkex"

// OfCircuit returns the envelope of the signatures that a circuit proves, or 0 if it
// proves no signature on a digest: for [zkkex.EdDSA20] the message is the binding
// itself, as a field element.
func OfCircuit(id zkkex.CircuitID) Kind {
	switch id {
	case zkkex.P256Sig20, zkkex.P256Sig32, zkkex.Secp256k1Sig20, zkkex.Secp256k1Sig32:
		return Raw
	case zkkex.P256SSH20, zkkex.P256SSH32:
		return SSHSIG
	case zkkex.Secp256k1EIP71220, zkkex.Secp256k1EIP71232:
		return EIP712
	default:
		return 0
	}
}
