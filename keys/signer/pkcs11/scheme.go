package pkcs11

import "github.com/zkkex/zkkex/keys/signer"

// scheme describes the kind of keys, as far as it does not depend on how the program
// was built.
var scheme = signer.Scheme{
	Name:    "pkcs11",
	Usage:   "pkcs11:token=TOKEN;object=LABEL?module-path=LIBRARY, a key in a PKCS#11 token (RFC 7512)",
	Example: "pkcs11:token=desk;object=mm-1?module-path=/usr/lib/softhsm/libsofthsm2.so",
}
