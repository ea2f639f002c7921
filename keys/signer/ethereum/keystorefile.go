package ethereum

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
	"github.com/zkkex/zkkex/keys/signer/internal/softkey"
)

// openKeystore opens the account in a keystore file. The file's mode is not checked: it
// is encrypted, and wallets export it with any. A chain is not checked either: a file is
// on none.
func openKeystore(t *target, o *signer.Options) (signer.Signer, error) {
	text, _, err := softkey.ReadFile(t.path, MaxKeystore)
	if err != nil {
		return nil, err
	}
	k, err := parseKeystore(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.path, err)
	}
	where := "keystore " + strconv.Quote(filepath.Base(t.path))
	if k.address != nil {
		if _, err := t.among(where, []Address{*k.address}); err != nil {
			return nil, err
		}
	}
	passphrase, err := o.AskPIN("the passphrase of " + where)
	if err != nil {
		return nil, err
	}
	scalar, err := k.open(passphrase)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.path, err)
	}
	defer clear(scalar)
	return k.signer(t, where, scalar)
}

// signer returns the signer of a private key, if it has the address that it should have.
func (k *keystore) signer(t *target, where string, scalar []byte) (signer.Signer, error) {
	key, err := softkey.New(eckey.Secp256k1, scalar, envelope.EIP712, "")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.path, err)
	}
	defer key.Close()
	address, err := AddressOf(key.PublicKey())
	if err != nil {
		return nil, err
	}
	if k.address != nil && address != *k.address {
		return nil, malformed(keystoreFormat, "%s: its address is %v, and its key has %v", t.path, *k.address, address)
	}
	if _, err := t.among(where, []Address{address}); err != nil {
		return nil, err
	}
	return softkey.New(eckey.Secp256k1, scalar, envelope.EIP712, fmt.Sprintf("account %v in %s", address, where))
}
