//go:build !pkcs11 || !cgo

package pkcs11

import "github.com/zkkex/zkkex/keys/signer"

func init() {
	s := scheme
	s.Usage = "it was built without PKCS#11, which needs cgo and a C compiler: build it with CGO_ENABLED=1 go build -tags pkcs11 ./cmd/zkkex"
	signer.Register(s, nil)
}
