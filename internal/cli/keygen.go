package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/signer"
	"github.com/zkkex/zkkex/member"
)

func (a *app) keygenCommand() *cobra.Command {
	var o keygenOptions
	c := &cobra.Command{
		Use:     "keygen",
		GroupID: groupMember,
		Short:   "make a key and a state directory for it",
		Long: `Keygen makes an identity key and a nullifier key, and a state directory for
them. The key file is encrypted under a passphrase, which is asked for on the
terminal or read from --passphrase-file. The public part goes to standard
output; it is no secret, and a registrar gets to see it.

With --seed-file, the identity key follows from a seed that is kept elsewhere:
32 bytes, or 64 hexadecimal digits. The nullifier key is always drawn, so that
the seed is no backup: see "zkkex backup --help".

With --derive-from, it follows from a key in a device that does key agreement
(ECDH), and can be had again from that device alone. It is meant to be what that
device delegates to: see "zkkex enroll --key".`,
		Example: `  zkkex keygen > me.pub
  zkkex keygen --home ./alice --passphrase-file alice.pass
  zkkex keygen --seed-file seed.hex
  zkkex keygen --derive-from "pkcs11:token=desk;object=mm-1?module-path=/usr/lib/libpkcs11.so"`,
		Args: noArguments,
	}
	c.Flags().StringVar(&o.seedFile, "seed-file", "", "make the identity key from the seed in `FILE`")
	c.Flags().StringVar(&o.device.uri, "derive-from", "", "make the identity key from a secret of the key at `URI`; see \"zkkex keys\"")
	c.Flags().StringVar(&o.device.pinFile, "pin-file", "", "with --derive-from, read PIN or passphrase of that key from `FILE`\n(default $"+pinEnv+", or the terminal)")
	_ = c.RegisterFlagCompletionFunc("derive-from", completeSchemes)
	c.Flags().StringVar(&o.slots, "slots", "", slotsUsage)
	c.Flags().BoolVar(&o.unencrypted, "insecure-unencrypted-key-file", false, "write the key file without a passphrase: whoever reads the file has the key")
	c.RunE = a.run(func(ctx context.Context, _ []string) (result, error) { return a.keygen(ctx, o) })
	return c
}

type keygenOptions struct {
	seedFile    string
	device      deviceFlags
	slots       string
	unencrypted bool
}

func (a *app) keygen(ctx context.Context, o keygenOptions) (result, error) {
	dir, err := a.homeDir()
	if err != nil {
		return nil, err
	}
	slotRange, err := parseRange(o.slots)
	if err != nil {
		return nil, err
	}
	// Before anybody thinks of a passphrase.
	if err := refuseKey(dir); err != nil {
		return nil, err
	}
	s, err := a.newSecret(ctx, &o)
	if err != nil {
		return nil, err
	}
	defer s.Wipe()
	if o.unencrypted {
		a.warnf("the key file is not encrypted: whoever reads it, or a backup of the disk, has the key")
		err = member.CreateWithUnencryptedKey(dir, s, slotRange, a.env.Now())
	} else {
		var passphrase string
		if passphrase, err = a.newPassphrase(ctx); err != nil {
			return nil, err
		}
		done := a.progress("encrypting the key")
		err = member.Create(dir, s, passphrase, slotRange, a.env.Now())
		done()
	}
	if err != nil {
		return nil, err
	}
	a.notef("made a key in %s", dir)
	home := ""
	if a.home != "" {
		home = " --home " + a.home
	}
	a.notef("keep a backup of it: zkkex%s backup FILE", home)
	return newPublicResult(s.Public(), dir), nil
}

func (a *app) newSecret(ctx context.Context, o *keygenOptions) (*keys.Secret, error) {
	switch {
	case o.device.uri != "" && o.seedFile != "":
		return nil, usagef("--seed-file and --derive-from: give one of them")
	case o.device.uri != "":
		return a.deriveSecret(ctx, &o.device)
	case o.seedFile == "":
		return keys.Generate()
	}
	text, err := a.read(o.seedFile, "seed", 2*32+2)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	seed, err := parseSeed(text)
	if err != nil {
		return nil, err
	}
	defer clear(seed[:])
	return keys.ImportSeed(seed)
}

// derivedLabel is what a device derives the identity key for. It is never changed: the
// key would be another.
const derivedLabel = "zkkex/v1 identity"

// deriveSecret makes the identity key from a secret that a device derives.
func (a *app) deriveSecret(ctx context.Context, f *deviceFlags) (*keys.Secret, error) {
	device, err := a.openDevice(ctx, f)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	deriver, ok := device.(signer.Deriver)
	if !ok {
		return nil, fmt.Errorf("%w: %s derives no secrets: keys in PKCS#11 tokens do, if they have CKA_DERIVE", signer.ErrUnsupportedKey, device.Name())
	}
	seed, err := deriver.Derive(ctx, derivedLabel)
	if err != nil {
		return nil, err
	}
	defer clear(seed[:])
	return keys.ImportSeed(seed)
}

// parseSeed reads 32 bytes, or as many in hexadecimal. No error quotes them.
func parseSeed(text []byte) (seed [32]byte, err error) {
	if len(text) == len(seed) {
		return [32]byte(text), nil
	}
	digits := bytes.TrimRight(text, "\r\n")
	if len(digits) == 2*len(seed) {
		if _, err := hex.Decode(seed[:], digits); err == nil {
			return seed, nil
		}
	}
	return seed, &zkkex.ParseError{Format: "seed", Err: errors.New("expected 32 bytes, or 64 hexadecimal digits")}
}

func refuseKey(dir string) error {
	path := filepath.Join(dir, "key")
	if _, err := os.Lstat(path); err == nil {
		return withHint(fmt.Errorf("%s: there is a key already, and it is never overwritten: %w", path, fs.ErrExist),
			"name another state directory with --home, or move this one away as a whole")
	}
	return nil
}

// publicResult is the public part of a key.
type publicResult struct {
	KeyType          string `json:"key_type"`
	PublicKey        string `json:"public_key"`
	NullifierKeyHash string `json:"nullifier_key_hash"`
	Commitment       string `json:"commitment"`
	Home             string `json:"home,omitempty"`

	file []byte
}

func newPublicResult(p *keys.Public, home string) *publicResult {
	key, hash := p.Bytes(), p.NullifierKeyHash()
	text, _ := p.MarshalText()
	return &publicResult{
		KeyType:          p.KeyType().String(),
		PublicKey:        hex.EncodeToString(key[:]),
		NullifierKeyHash: hex.EncodeToString(hash[:]),
		Commitment:       p.Commitment().String(),
		Home:             home,
		file:             text,
	}
}

// text is the public key file, so that it can be redirected into one.
func (r *publicResult) text() string { return string(r.file) }

func (r *publicResult) artefact() {}
