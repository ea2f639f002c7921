package enrolment

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
)

// secretOf derives keys from a label, as testdata/leaf/leaf.json says.
func secretOf(t testing.TB, label string) *keys.Secret {
	t.Helper()
	nk := sha256.Sum256([]byte("zkkex test nk " + label))
	nk[0] &= 0x1f
	s, err := keys.FromSeed(sha256.Sum256([]byte("zkkex test seed "+label)), nk)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func requestOf(t testing.TB, s *keys.Secret, c Challenge) *Request {
	t.Helper()
	r, err := New(s, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func textOf(r *Request) []byte {
	text, _ := r.MarshalText()
	return text
}

func TestVerifyReturnsTheLeaf(t *testing.T) {
	c := NewChallenger(registry, macKey)
	s := secretOf(t, "a")
	r, err := ParseRequest(textOf(requestOf(t, s, issue(t, c, time.Hour))))
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := r.Verify(registry, now)
	if err != nil || leaf != s.Commitment() {
		t.Errorf("%v, %v; want %v", leaf, err, s.Commitment())
	}
	if err := c.Check(r.Challenge, now); err != nil {
		t.Error(err)
	}
}

// The signed bytes, spelled out.
func TestSignedMessage(t *testing.T) {
	s := secretOf(t, "a")
	r := requestOf(t, s, issue(t, NewChallenger(registry, macKey), time.Hour))
	leaf := s.Commitment()
	var want []byte
	for _, field := range [][]byte{
		[]byte("zkkex/v1 possession"), registry[:], leaf[:], r.Challenge.Nonce[:],
		binary.BigEndian.AppendUint64(nil, uint64(r.Challenge.Expiry)),
	} {
		want = append(binary.BigEndian.AppendUint32(want, uint32(len(field))), field...)
	}
	got, err := r.SignedMessage()
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, %v; want %x", got, err, want)
	}
	if err := s.Public().Verify(want, r.Signature); err != nil {
		t.Error(err)
	}
}

// Whoever changes any bit of a request changes what was signed.
func TestEveryBitIsSigned(t *testing.T) {
	text := textOf(requestOf(t, secretOf(t, "a"), issue(t, NewChallenger(registry, macKey), time.Hour)))
	refused := map[zkkex.Reason]int{}
	for i := range text {
		changed := bytes.Clone(text)
		changed[i] ^= 1
		r, err := ParseRequest(changed)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Errorf("byte %d: an error of no class: %v", i, err)
			}
			continue
		}
		leaf, err := r.Verify(registry, now)
		if reasonOf(err) == "" || leaf != (zkkex.Commitment{}) {
			t.Errorf("byte %d changed: %v, %v; want a rejection", i, leaf, err)
		}
		refused[reasonOf(err)]++
	}
	for _, reason := range []zkkex.Reason{zkkex.WrongRegistry, BadKey, BadSignature, Expired} {
		if refused[reason] == 0 {
			t.Errorf("no change was refused for %s", reason)
		}
	}
}

func TestVerifyUnknownKeyType(t *testing.T) {
	r := requestOf(t, secretOf(t, "a"), issue(t, NewChallenger(registry, macKey), time.Hour))
	r.KeyType = 0x7fff
	if _, err := r.Verify(registry, now); !errors.Is(err, zkkex.ErrUnsupported) || errors.Is(err, zkkex.ErrRejected) {
		t.Errorf("%v; want ErrUnsupported", err)
	}
	if _, err := ParseRequest(textOf(r)); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("parsed: %v; want ErrUnsupported", err)
	}
}

func TestNewRefusesNegativeExpiry(t *testing.T) {
	if _, err := New(secretOf(t, "a"), Challenge{Expiry: -1}); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("%v; want ErrMalformed", err)
	}
}

func TestRequestText(t *testing.T) {
	text := string(textOf(requestOf(t, secretOf(t, "a"), issue(t, NewChallenger(registry, macKey), time.Hour))))
	if len(text) > MaxRequestText/4*3 {
		t.Errorf("%d bytes, too near the bound", len(text))
	}
	signature := text[strings.Index(text, lineSignature):]
	for name, changed := range map[string]string{
		"empty":           "",
		"version":         strings.Replace(text, "v1", "v2", 1),
		"something after": text + "\n",
		"cut":             text[:len(text)-1],
		"CRLF":            strings.ReplaceAll(text, "\n", "\r\n"),
		"line twice":      text + signature,
		"line missing":    strings.Replace(text, signature, "", 1),
		"upper case":      strings.ToUpper(text),
		"signature short": text[:len(text)-3] + "\n",
		"too long":        text + strings.Repeat("\n", MaxRequestText),
	} {
		if _, err := ParseRequest([]byte(changed)); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
}

func TestDigestIsOfEverything(t *testing.T) {
	r := requestOf(t, secretOf(t, "a"), issue(t, NewChallenger(registry, macKey), time.Hour))
	before := r.Digest()
	if again, err := ParseRequest(textOf(r)); err != nil || again.Digest() != before {
		t.Errorf("another digest after parsing: %v", err)
	}
	for name, change := range map[string]func(){
		"key":       func() { r.PublicKey[0] ^= 1 },
		"H(nk)":     func() { r.NullifierKeyHash[0] ^= 1 },
		"registry":  func() { r.Challenge.Registry[0] ^= 1 },
		"nonce":     func() { r.Challenge.Nonce[0] ^= 1 },
		"expiry":    func() { r.Challenge.Expiry ^= 1 },
		"signature": func() { r.Signature[0] ^= 1 },
	} {
		change()
		if r.Digest() == before {
			t.Errorf("%s changed, and the digest did not", name)
		}
		change()
	}
}

func FuzzParseRequest(f *testing.F) {
	blocks, _ := samples(f, "../docs/spec/enrolment.md")
	f.Add([]byte(blocks[1]))
	f.Add(textOf(&Request{KeyType: zkkex.KeyBabyJubjub}))
	f.Add([]byte(RequestMagic + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseRequest(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		if again := textOf(r); !bytes.Equal(again, text) {
			t.Fatalf("read %q, wrote %q", text, again)
		}
		r.Verify(registry, now) // must not panic
	})
}
