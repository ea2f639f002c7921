// Package all registers every kind of keys with package signer. Import it for that
// alone:
//
//	import _ "github.com/zkkex/zkkex/keys/signer/all"
package all

import (
	_ "github.com/zkkex/zkkex/keys/signer/ethereum"  // eth, eip155
	_ "github.com/zkkex/zkkex/keys/signer/keyfile"   // file
	_ "github.com/zkkex/zkkex/keys/signer/pkcs11"    // pkcs11
	_ "github.com/zkkex/zkkex/keys/signer/sshagent"  // ssh-agent
	_ "github.com/zkkex/zkkex/keys/signer/threshold" // threshold
	_ "github.com/zkkex/zkkex/keys/signer/tpm"       // tpm
)
