package ethereum

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/race"
	"github.com/zkkex/zkkex/internal/regularfile"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

// The test vectors of the Web3 Secret Storage Definition
// (https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage/),
// and go-ethereum's of keys whose leading zeros were left out
// (accounts/keystore/testdata/v3_test_vector.json).
var keystores = map[string]struct{ text, passphrase, key string }{
	"pbkdf2": {
		`{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
		"ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
		"kdf":"pbkdf2","kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256",
		"salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
		"mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
		"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}`,
		"testpassword", "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d",
	},
	"scrypt": {
		`{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"83dbcc02d8ccb40e466191a123791e0e"},
		"ciphertext":"d172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c",
		"kdf":"scrypt","kdfparams":{"dklen":32,"n":262144,"r":1,"p":8,
		"salt":"ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19"},
		"mac":"2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097"},
		"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}`,
		"testpassword", "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d",
	},
	"31 bytes": {
		`{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"e0c41130a323adc1446fc82f724bca2f"},
		"ciphertext":"9517cd5bdbe69076f9bf5057248c6c050141e970efa36ce53692d5d59a3984",
		"kdf":"scrypt","kdfparams":{"dklen":32,"n":2,"r":8,"p":1,
		"salt":"711f816911c92d649fb4c84b047915679933555030b3552c1212609b38208c63"},
		"mac":"d5e116151c6aa71470e67a7d42c9620c75c4d23229847dcc127794f0732b0db5"},
		"id":"fecfc4ce-e956-48fd-953b-30f8b52ed66c","version":3}`,
		"foo", "00fa7b3db73dc7dfdf8c5fbdb796d741e4488628c41fc4febd9160a866ba0f35",
	},
	"30 bytes": {
		light,
		"foo", "000081c29e8142bb6a81bef5a92bda7a8328a5c85bb2f9542e76f9b0f94fc018",
	},
}

// light is a keystore that takes no time.
const light = `{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"3ca92af36ad7c2cd92454c59cea5ef00"},
	"ciphertext":"108b7d34f3442fc26ab1ab90ca91476ba6bfa8c00975a49ef9051dc675aa",
	"kdf":"scrypt","kdfparams":{"dklen":32,"n":2,"r":8,"p":1,
	"salt":"d0769e608fb86cda848065642a9c6fa046845c928175662b8e356c77f914cd3b"},
	"mac":"75d0e6759f7b3cefa319c3be41680ab6beea7d8328653474bd06706d4cc67420"},
	"id":"a37e1559-5955-450d-8075-7b8931b392b2","version":3}`

// answering returns options that answer with a passphrase, and how often they did.
func answering(passphrase string) (signer.Options, *int) {
	asked := 0
	return signer.Options{PIN: func(string) (string, error) { asked++; return passphrase, nil }}, &asked
}

// stored writes a keystore and returns its path.
func stored(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keystore.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKeystoreVectors(t *testing.T) {
	for name, v := range keystores {
		if race.Enabled && name == "scrypt" {
			continue // ten seconds, on one goroutine
		}
		k, err := parseKeystore([]byte(v.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		key, err := k.open(v.passphrase)
		if err != nil || hex.EncodeToString(key) != v.key {
			t.Errorf("%s: another key, or %v", name, err)
		}
	}
}

func TestKeystoreSigns(t *testing.T) {
	path := stored(t, light)
	o, asked := answering("foo")
	s, err := signer.Open(context.Background(), "eth:"+path, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if *asked != 1 || s.KeyType() != zkkex.KeySecp256k1 || s.Envelope() != envelope.EIP712 {
		t.Errorf("asked %d times, a %v key in %v", *asked, s.KeyType(), s.Envelope())
	}
	for _, m := range messages() {
		sig, err := s.Sign(context.Background(), m)
		if err != nil || !bytes.Equal(sig.PublicKey, s.PublicKey()) {
			t.Fatalf("%v: %v", m.Purpose, err)
		}
		if err := s.Envelope().Verify(s.KeyType(), sig.PublicKey, m, sig.Bytes); err != nil {
			t.Errorf("%v: %v", m.Purpose, err)
		}
	}
	err = s.(signer.ScalarHolder).WithScalar(func(sk []byte) error {
		if hex.EncodeToString(sk) != keystores["30 bytes"].key {
			t.Error("another scalar than the vector's")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", s, s, s, s.Name()); strings.Contains(shown, "81c29e") {
		t.Errorf("the key is shown: %s", shown)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Sign(context.Background(), messages()[0]); !errors.Is(err, signer.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// A wrong passphrase and a changed file give the same error, and the passphrase is asked
// for once.
func TestKeystoreMAC(t *testing.T) {
	changed := func(old, replacement string) string {
		out := strings.Replace(light, old, replacement, 1)
		if out == light {
			t.Fatalf("%q is not in the keystore", old)
		}
		return out
	}
	for name, c := range map[string]struct{ text, passphrase string }{
		"wrong passphrase":   {light, "Foo"},
		"changed MAC":        {changed("75d0e6", "75d0e7"), "foo"},
		"changed ciphertext": {changed("108b7d", "108b7c"), "foo"},
		"changed salt":       {changed("d0769e", "d0769f"), "foo"},
		"changed work":       {changed(`"n":2`, `"n":4`), "foo"},
	} {
		o, asked := answering(c.passphrase)
		s, err := signer.Open(context.Background(), "eth:"+stored(t, c.text), o)
		if s != nil || !errors.Is(err, signer.ErrMAC) || *asked != 1 {
			t.Errorf("%s: %v after %d questions", name, err, *asked)
		}
	}
	// The IV is not under the MAC: another key comes out, which the address gives away.
	withAddress := strings.Replace(changed("3ca92a", "3ca92b"), `"version"`, `"address":"`+addressOfLight(t)[2:]+`","version"`, 1)
	o, _ := answering("foo")
	if _, err := signer.Open(context.Background(), "eth:"+stored(t, withAddress), o); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("changed IV: %v", err)
	}
}

func addressOfLight(t *testing.T) string {
	t.Helper()
	o, _ := answering("foo")
	s, err := signer.Open(context.Background(), "eth:"+stored(t, light), o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a, err := AddressOf(s.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return a.String()
}

func TestKeystoreAccount(t *testing.T) {
	address, other := addressOfLight(t), checksummed[4]
	plain := stored(t, light)
	told := stored(t, strings.Replace(light, `"version"`, `"address":"`+strings.ToLower(address[2:])+`","version"`, 1))
	for _, uri := range []string{
		"eth:" + address + "@" + plain,
		"eth:" + strings.ToLower(address) + "@" + told,
		"eip155:1:" + address + "@" + plain,
		"eip155:137:" + address + "@" + told,
	} {
		o, _ := answering("foo")
		s, err := signer.Open(context.Background(), uri, o)
		if err != nil {
			t.Errorf("%s: %v", uri, err)
			continue
		}
		if !strings.Contains(s.Name(), address) {
			t.Errorf("%s is called %s", uri, s.Name())
		}
		s.Close()
	}
	for uri, questions := range map[string]int{"eth:" + other + "@" + plain: 1, "eip155:1:" + other + "@" + told: 0} {
		o, asked := answering("foo")
		_, err := signer.Open(context.Background(), uri, o)
		if e := (*signer.KeysError)(nil); !errors.As(err, &e) || !errors.Is(err, signer.ErrNoKey) || len(e.Keys) != 1 || !strings.Contains(e.Keys[0], address) {
			t.Errorf("%s: %v", uri, err)
		}
		if *asked != questions {
			t.Errorf("%s: asked %d times, expected %d", uri, *asked, questions)
		}
	}
}

func TestKeystoreFiles(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		uri  string
		want error
	}{
		"missing": {"eth:" + filepath.Join(dir, "none"), signer.ErrNoKey},
		"folder":  {"eth:" + dir, regularfile.ErrIrregular},
		"large":   {"eth:" + stored(t, light+strings.Repeat(" ", MaxKeystore)), zkkex.ErrMalformed},
		"garbage": {"eth:" + stored(t, "garbage"), zkkex.ErrMalformed},
		"nowhere": {"eth:" + checksummed[0], zkkex.ErrMalformed},
		"no path": {"eth:" + checksummed[0] + "@", zkkex.ErrMalformed},
		"no PIN":  {"eth:" + stored(t, light), signer.ErrPIN},
	} {
		if s, err := signer.Open(context.Background(), c.uri, signer.Options{}); s != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %v, expected %v", name, err, c.want)
		}
	}
}

func TestKeystoreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		old, replacement string
		want             error
		says             string
	}{
		"version 1":        {`"version":3`, `"version":1`, zkkex.ErrUnsupported, "version 1"},
		"version text":     {`"version":3`, `"version":"3"`, zkkex.ErrMalformed, "version"},
		"no crypto":        {`"crypto"`, `"kripto"`, zkkex.ErrMalformed, `no "crypto"`},
		"cipher":           {"aes-128-ctr", "aes-128-cbc", zkkex.ErrUnsupported, "aes-128-cbc"},
		"kdf":              {`"kdf":"scrypt"`, `"kdf":"argon2"`, zkkex.ErrUnsupported, "argon2"},
		"short IV":         {"3ca92a", "a92a", zkkex.ErrMalformed, `"iv"`},
		"long ciphertext":  {"108b7d", "108b7d108b7d", zkkex.ErrMalformed, `"ciphertext"`},
		"no MAC":           {"75d0e6759f7b3cefa319c3be41680ab6beea7d8328653474bd06706d4cc67420", "", zkkex.ErrMalformed, `"mac"`},
		"short MAC":        {"75d0e6", "d0e6", zkkex.ErrMalformed, `"mac"`},
		"no hex":           {"75d0e6", "zzd0e6", zkkex.ErrMalformed, `"mac"`},
		"memory":           {`"n":2`, `"n":2097152`, zkkex.ErrMalformed, "1024 MiB"},
		"memory by r":      {`"r":8`, `"r":8388608`, zkkex.ErrMalformed, "1024 MiB"},
		"time":             {`"p":1`, `"p":1048577`, zkkex.ErrMalformed, "too long"},
		"overflow":         {`"n":2,"r":8,"p":1`, `"n":4611686018427387904,"r":4,"p":1`, zkkex.ErrMalformed, "1024 MiB"},
		"no power":         {`"n":2`, `"n":3`, zkkex.ErrMalformed, "power of two"},
		"n of 1":           {`"n":2`, `"n":1`, zkkex.ErrMalformed, "power of two"},
		"negative":         {`"r":8`, `"r":-8`, zkkex.ErrMalformed, "positive"},
		"dklen":            {`"dklen":32`, `"dklen":64`, zkkex.ErrMalformed, "dklen"},
		"no salt":          {"d0769e608fb86cda848065642a9c6fa046845c928175662b8e356c77f914cd3b", "", zkkex.ErrMalformed, `"salt"`},
		"address":          {`"version"`, `"address":"0x12","version"`, zkkex.ErrMalformed, "address"},
		"pbkdf2 work":      {`"kdf":"scrypt","kdfparams":{`, `"kdf":"pbkdf2","kdfparams":{"c":10000001,"prf":"hmac-sha256",`, zkkex.ErrMalformed, "10000001"},
		"pbkdf2 function":  {`"kdf":"scrypt","kdfparams":{`, `"kdf":"pbkdf2","kdfparams":{"c":1,"prf":"hmac-sha1",`, zkkex.ErrUnsupported, "hmac-sha1"},
		"parameters' type": {`"kdfparams":{`, `"kdfparams":[],"x":{`, zkkex.ErrMalformed, "scrypt"},
		"something after":  {`"version":3}`, `"version":3}}`, zkkex.ErrMalformed, "JSON"},
	} {
		text := strings.Replace(light, c.old, c.replacement, 1)
		if text == light {
			t.Fatalf("%s: %q is not in the keystore", name, c.old)
		}
		_, err := parseKeystore([]byte(text))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, expected %v about %s", name, err, c.want, c.says)
		}
	}
}

// A keystore of a scalar that is no private key has a right MAC all the same.
func TestKeystoreScalarRange(t *testing.T) {
	k, err := parseKeystore([]byte(light))
	if err != nil {
		t.Fatal(err)
	}
	order := "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
	for _, scalar := range []string{strings.Repeat("00", 32), order, strings.Repeat("ff", 32)} {
		b, _ := hex.DecodeString(scalar)
		if _, err := k.signer(&target{path: "keystore"}, "keystore", b); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v", scalar, err)
		}
	}
}

func FuzzParseKeystore(f *testing.F) {
	f.Add([]byte(light))
	f.Add([]byte(keystores["pbkdf2"].text))
	f.Add([]byte(`{"version":3,"crypto":{"cipher":"aes-128-ctr"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := parseKeystore(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatalf("untyped: %v", err)
			}
			return
		}
		if len(k.iv) != 16 || len(k.mac) != 32 || len(k.ciphertext) == 0 || len(k.ciphertext) > 32 || k.derive == nil {
			t.Fatal("accepted with fields of other sizes")
		}
	})
}
