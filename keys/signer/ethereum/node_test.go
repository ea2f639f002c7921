package ethereum

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"pgregory.net/rapid"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/nodetest"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

// walletKey is the private key of the tests' wallets: the example of the Web3 Secret
// Storage Definition.
const walletKey = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"

// publicKey returns the compressed public key of walletKey.
func publicKey(t *testing.T) []byte {
	t.Helper()
	b, err := hex.DecodeString(walletKey)
	if err != nil {
		t.Fatal(err)
	}
	return secp256k1.PrivKeyFromBytes(b).PubKey().SerializeCompressed()
}

// nodeWallet starts a wallet on chain 137 that signs with micro-eth-signer.
func nodeWallet(t *testing.T) (at string) {
	t.Helper()
	return nodetest.Serve(t, "testdata/wallet.mjs", "0x"+walletKey, "137")
}

// A wallet whose EIP-712 is others' shows the same message as ours and signs it.
func TestWalletOfOthers(t *testing.T) {
	at := nodeWallet(t)
	address, err := AddressOf(publicKey(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{
		"eth:" + at,
		"eth:" + strings.ToLower(address.String()) + "@" + at,
		"eip155:137:" + address.String() + "@" + at,
	} {
		var told []string
		s, err := signer.Open(context.Background(), uri, signer.Options{Notify: func(text string) { told = append(told, text) }})
		if err != nil {
			t.Fatalf("%s: %v", uri, err)
		}
		defer s.Close()
		if s.KeyType() != zkkex.KeySecp256k1 || s.Envelope() != envelope.EIP712 || s.PublicKey() != nil {
			t.Errorf("%s: a %v key in %v, public %x before it signed", uri, s.KeyType(), s.Envelope(), s.PublicKey())
		}
		for _, m := range messages() {
			sig, err := s.Sign(context.Background(), m)
			if err != nil {
				t.Fatalf("%s: %v: %v", uri, m.Purpose, err)
			}
			if !bytes.Equal(sig.PublicKey, publicKey(t)) || !bytes.Equal(s.PublicKey(), publicKey(t)) {
				t.Errorf("%s: %v: recovered the key %x", uri, m.Purpose, sig.PublicKey)
			}
			if err := envelope.EIP712.Verify(zkkex.KeySecp256k1, sig.PublicKey, m, sig.Bytes); err != nil {
				t.Errorf("%s: %v: %v", uri, m.Purpose, err)
			}
		}
		if len(told) != len(messages()) || !strings.Contains(told[0], address.String()) {
			t.Errorf("%s: the owner was told %q", uri, told)
		}
	}
	_, err = signer.Open(context.Background(), "eip155:1:"+address.String()+"@"+at, signer.Options{})
	if !errors.Is(err, signer.ErrWrongChain) || !strings.Contains(err.Error(), "137") {
		t.Errorf("on another chain: %v", err)
	}
}

// Keystores that others write are read, for every kind of key derivation.
func TestKeystoreOfOthers(t *testing.T) {
	const passphrase = "pass phrase \u00e9\u5bc6"
	const leadingZero = "007a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe"
	for key, kdf := range map[string]string{walletKey: "scrypt", leadingZero: "pbkdf2"} {
		text, code := nodetest.Script(t, t.TempDir(), "testdata/keystore.mjs", key, passphrase, kdf)
		if code != 0 {
			t.Fatalf("%s", text)
		}
		o, _ := answering(passphrase)
		s, err := signer.Open(context.Background(), "eth:"+stored(t, text), o)
		if err != nil {
			t.Fatalf("%s: %v", kdf, err)
		}
		defer s.Close()
		if err := s.(signer.ScalarHolder).WithScalar(func(sk []byte) error {
			if hex.EncodeToString(sk) != key {
				t.Errorf("%s: another key", kdf)
			}
			return nil
		}); err != nil {
			t.Errorf("%s: %v", kdf, err)
		}
	}
}

// The digest that we verify is the one that others compute from the JSON that we show.
func TestTypedDataOfOthers(t *testing.T) {
	at, err := url.Parse(nodeWallet(t))
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(at, &signer.Options{})
	defer c.close()
	compare := func(fatal func(string, ...any), m *envelope.Message) {
		data, err := envelope.TypedData(m)
		if err != nil {
			fatal("%v", err)
		}
		digest, err := envelope.EIP712.Digest(m)
		if err != nil {
			fatal("%v", err)
		}
		var theirs [2]string
		if err := c.call(context.Background(), &theirs, "test_hash", string(data)); err != nil {
			fatal("%v", err)
		}
		if strings.TrimPrefix(theirs[0], "0x") != hex.EncodeToString(digest[:]) {
			fatal("%s\nhashes to %x here and to %s there, of the type %s", data, digest, theirs[0], theirs[1])
		}
	}
	for _, m := range messages() {
		compare(t.Fatalf, m)
	}
	rapid.Check(t, func(t *rapid.T) { compare(t.Fatalf, drawMessage(t)) })
}

// drawMessage draws a message that can be signed.
func drawMessage(t *rapid.T) *envelope.Message {
	hash := func(label string) (b [32]byte) {
		copy(b[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, label))
		b[0] &= 0x1f // below the order of the field
		b[31] |= 1   // not the empty leaf
		return b
	}
	second := rapid.Int64Range(1, 253402300799)
	m := &envelope.Message{Purpose: rapid.SampledFrom([]envelope.Purpose{envelope.Possession, envelope.Delegation, envelope.Certificate}).Draw(t, "purpose")}
	if m.Purpose == envelope.Certificate {
		m.Binding = hash("binding")
		return m
	}
	m.Registry, m.NullifierKeyHash, m.Nonce, m.Expiry = hash("registry"), hash("nullifier key"), hash("nonce"), second.Draw(t, "expiry")
	if m.Purpose == envelope.Delegation {
		m.Delegate, m.Until = hash("delegate"), second.Draw(t, "until")
	}
	return m
}
