package keys

// Seal returns a payload encrypted under a passphrase, in the way of key files: an
// age file with one scrypt recipient, in ASCII armour. It is for what a member keeps
// beside the key file. It takes about a second. An empty passphrase gives
// [ErrNoPassphrase].
func Seal(payload []byte, passphrase string) ([]byte, error) {
	sealed, err := encrypt(payload, passphrase, ScryptWorkFactor)
	if err != nil {
		return nil, err
	}
	return appendArmor(nil, sealed), nil
}

// Unseal returns the payload of what [Seal] returned. It returns an error wrapping
// [ErrPassphrase] or [ErrNoPassphrase], or [zkkex.ErrMalformed] for anything else
// than Seal returns. Wipe the payload after use.
func Unseal(text []byte, passphrase string) ([]byte, error) {
	sealed, err := parseArmor(text)
	if err != nil {
		return nil, err
	}
	return decrypt(sealed, passphrase)
}
