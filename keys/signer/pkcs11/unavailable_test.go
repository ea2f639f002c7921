//go:build !pkcs11 || !cgo

package pkcs11

import (
	"errors"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/signer"
)

func TestWithoutPKCS11(t *testing.T) {
	_, err := signer.Open(t.Context(), "pkcs11:token=desk?module-path=/lib/token.so", signer.Options{})
	if !errors.Is(err, zkkex.ErrUnsupported) || !strings.Contains(err.Error(), "go build -tags pkcs11 ./cmd/zkkex") {
		t.Errorf("%v, want ErrUnsupported that says how to get it", err)
	}
}
