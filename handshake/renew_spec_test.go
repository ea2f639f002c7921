package handshake

import (
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/internal/domain"
)

// The specification's sample of a renewal is what the code makes: the proof from
// the page alone, and the answers.
func TestRenewalSpecification(t *testing.T) {
	text, err := os.ReadFile(specFile)
	if err != nil {
		t.Fatal(err)
	}
	named := func(x string) []byte {
		h := sha256.Sum256([]byte("zkkex handshake test: " + x))
		return h[:]
	}
	static, err := ecdh.X25519().NewPrivateKey(named("venue static"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdh.X25519().NewPrivateKey(named("session key"))
	if err != nil {
		t.Fatal(err)
	}
	shared, err := key.ECDH(static.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := ecdh.X25519().NewPrivateKey(named("renewal key"))
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := key.ECDH(drawn.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	shared = append(shared, fresh...)
	exported, digest, descriptor := named("exported"), named("certificate digest"), named("descriptor digest")
	extracted, err := hkdf.Extract(sha256.New, shared, exported)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, extracted)
	mac.Write(domain.Frame("zkkex/v1 renew", descriptor, digest))
	want := mac.Sum(nil)
	got, err := renewProof(shared, exported, [32]byte(descriptor), [32]byte(digest))
	if err != nil || !hmac.Equal(got, want) {
		t.Fatalf("%x, %v; the page says %x", got, err, want)
	}
	sample := fmt.Sprintf("exported          %x\nproof             %x\nyes               %x\nno                %x\n", exported, want,
		appendRenewAnswer(nil, 0, time.Unix(1_800_000_000, 0)), appendRenewAnswer(nil, 9, time.Time{}))
	if !strings.Contains(string(text), sample) {
		t.Errorf("%s does not have this sample:\n%s", specFile, sample)
	}
}
