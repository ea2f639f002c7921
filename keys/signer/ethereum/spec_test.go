package ethereum

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

// specMessage is the delegation of docs/spec/envelope.md.
func specMessage() *envelope.Message {
	return &envelope.Message{
		Purpose: envelope.Delegation, Registry: zkkex.RegistryID{1, 2, 3}, NullifierKeyHash: [32]byte{31: 4},
		Delegate: zkkex.Commitment{31: 5}, Nonce: [32]byte{6}, Expiry: 1767229200, Until: 1767312000,
	}
}

// The exchange that docs/spec/signers.md shows is what crosses the wire.
func TestSpec(t *testing.T) {
	text, err := os.ReadFile("../../../docs/spec/signers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n### Wallet\n")
	section, _, _ := strings.Cut(after, "\n## ")
	parts := strings.Split(section, "```\n")
	if len(parts) != 5 {
		t.Fatalf("the wallet's section of signers.md has %d samples, expected 2", len(parts)/2)
	}
	request, answer := strings.ReplaceAll(parts[1], "\n", ""), strings.ReplaceAll(parts[3], "\n", "")
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s of %q: %v", r.Method, r.Header.Get("Content-Type"), err)
		}
		if strings.Contains(string(body), "eth_accounts") {
			io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":["`+accountOf(t).String()+`"]}`)
			return
		}
		asked = string(body)
		io.WriteString(w, answer)
	}))
	defer server.Close()
	s, err := signer.Open(context.Background(), "eth:"+server.URL, signer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sig, err := s.Sign(context.Background(), specMessage())
	if asked != request {
		t.Errorf("it is asked\n%s\nand the specification has\n%s", asked, request)
	}
	if err != nil {
		digest, _ := envelope.EIP712.Digest(specMessage())
		t.Fatalf("%v; the wallet's signature would be %s", err, signed(t, digest, false))
	}
	if err := envelope.EIP712.Verify(zkkex.KeySecp256k1, publicKey(t), specMessage(), sig.Bytes); err != nil {
		t.Error(err)
	}
}
