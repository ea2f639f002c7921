package handshake

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/blake2s"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/zkkex/zkkex/internal/domain"
)

const specFile = "../docs/spec/handshake.md"

// The specification's tables and its sample are what the code does.
func TestSpecification(t *testing.T) {
	text, err := os.ReadFile(specFile)
	if err != nil {
		t.Fatal(err)
	}
	for what, part := range map[string]string{"suites": specSuites(), "reasons": specReasons(), "sizes": specSizes(), "sample": specSample(t)} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s does not have these %s:\n%s", specFile, what, part)
		}
	}
}

func specSuites() string {
	var b strings.Builder
	for _, s := range suites() {
		fmt.Fprintf(&b, "| %d | `%s` | %d | %d | %d |\n", s.id, s, sizesOf(s, [2]uint16{}).base[0], sizesOf(s, [2]uint16{}).base[1], sizesOf(s, [2]uint16{}).base[3])
	}
	return b.String()
}

func specReasons() string {
	var b strings.Builder
	for i, r := range reasons {
		fmt.Fprintf(&b, "| %d | `%s` |", i+1, r)
		b.WriteString(specMeanings[i] + "\n")
	}
	return b.String()
}

// specMeanings are the third column of the table of reasons.
var specMeanings = [len(reasons)]string{
	" any other reason |",
	" the venue cannot tell now; this is no refusal, and nothing is spent |",
	" too many proofs are waiting; nothing is spent |",
	" no certificate with this session key is admitted |",
	" the open counter was used, or is not below the cap |",
	" as many channels of the certificate are open as may be |",
	" the venue raised its generation |",
	" the venue takes no early data |",
	" the nullifier was spent by another certificate |",
	" the proof does not verify |",
	" the root is too old |",
	" the root is not known |",
	" another limit |",
	" another scope |",
	" the epoch is over, or has not begun |",
	" certificate, digest and session key do not belong together |",
	" another registry |",
	" the circuit is not accepted |",
	" the parameters are not accepted |",
	" the anonymity set is too small |",
	" the venue has banned the pseudonym until its epoch ends |",
}

func specSizes() string {
	return fmt.Sprintf("| message 2 | %d |\n| unknown descriptor | %d |\n| cookie | %d |\n| longest early data | %d |\n| step of sizes with early data | %d |\n| certificate | %d |\n| certificate whose proof has a commitment | %d |\n| certificate with a proof of PLONK | %d |\n",
		answerSize(suites()[0]), PrefixSize, cookieAnswerSize, MaxEarlyData, EarlyDataStep, certificateSizes[1], certificateSizes[2], certificateSizes[3])
}

// specSample is the recorded refusal, taken apart in one straight line from the
// specification. It shares with the package the Noise machine and the vectors.
func specSample(t *testing.T) string {
	t.Helper()
	all := readVectors(t)
	v := all[len(all)-1]
	s, c := labelled(t)
	var b strings.Builder
	static, digest := s.keys.Static.PublicKey().Bytes(), label("descriptor digest")
	outer := domain.Hash("zkkex/v1 handshake mac", digest[:], static)
	forCookie := domain.Hash("zkkex/v1 handshake cookie", digest[:], static)
	prologue := domain.Frame("zkkex/v1 handshake", []byte{1, 0, 1}, []byte{0, 0, 0, 0, 0, 0, 0, 5}, digest[:])
	fmt.Fprintf(&b, "venue static      %x\n", static)
	fmt.Fprintf(&b, "session key       %x\n", c.Key().PublicKey().Bytes())
	fmt.Fprintf(&b, "descriptor digest %x\n", digest)
	fmt.Fprintf(&b, "prologue          %x\n", prologue)
	fmt.Fprintf(&b, "mac1 key          %x\n", outer)
	fmt.Fprintf(&b, "cookie key        %x\n", forCookie)

	n := len(v.First)
	fmt.Fprintf(&b, "message 1         %d bytes, SHA-256 %x\n", n, sha256.Sum256(v.First))
	fmt.Fprintf(&b, "  header          %x\n", []byte(v.First[:14]))
	fmt.Fprintf(&b, "  e               %x\n", []byte(v.First[14:46]))
	fmt.Fprintf(&b, "  mac1            %x\n", blake(t, outer[:], v.First[:n-32]))
	fmt.Fprintf(&b, "  mac2            %x\n", []byte(v.First[n-16:]))
	if !bytes.Equal(v.First[n-32:n-16], blake(t, outer[:], v.First[:n-32])) {
		t.Error("mac1 of the sample is not that of the specification")
	}

	h := responderState(t, s.keys, suites()[0])
	text, err := h.ReadMessage(nil, v.First[14:n-32])
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "  payload         %x, then %d zeros\n", text[:41], len(text)-41)
	if len(bytes.Trim(text[41:], "\x00")) > 0 {
		t.Error("the payload does not end in zeros")
	}

	fmt.Fprintf(&b, "cookie answer     %x\n", []byte(v.Cookie))
	x, err := chacha20poly1305.NewX(forCookie[:])
	if err != nil {
		t.Fatal(err)
	}
	cookie, err := x.Open(nil, v.Cookie[4:28], v.Cookie[28:], v.First[n-32:n-16])
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "  cookie          %x\n", cookie)
	mac2 := blake(t, cookie, v.First[:n-16])
	fmt.Fprintf(&b, "  mac2            %x\n", mac2)
	if !bytes.Equal(v.Again, append(bytes.Clone(v.First[:n-16]), mac2...)) {
		t.Error("message 1 with the cookie is not that of the specification")
	}

	fmt.Fprintf(&b, "message 2         %d bytes, SHA-256 %x\n", len(v.Answer), sha256.Sum256(v.Answer))
	fmt.Fprintf(&b, "  prefix          %x\n", []byte(v.Answer[:4]))
	fmt.Fprintf(&b, "  fresh key       %x\n", []byte(v.Answer[4:36]))
	key, err := h.Derive("zkkex/v1 reject", v.Answer[4:36])
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "  key             %x\n", key)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	said, err := gcm.Open(nil, make([]byte, 12), v.Answer[36:], v.Answer[:4])
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "  code            %d, then %d zeros\n", binary.BigEndian.Uint16(said), len(said)-2)
	fmt.Fprintf(&b, "unknown           %x\n", []byte{0, 2, 1, 3})
	return b.String()
}

func blake(t *testing.T, key []byte, data []byte) []byte {
	t.Helper()
	h, err := blake2s.New128(key)
	if err != nil {
		t.Fatal(err)
	}
	h.Write(data)
	return h.Sum(nil)
}

// The reasons have one code each, and come back from it.
func TestCodes(t *testing.T) {
	for i, r := range reasons {
		if code(r) != uint16(i+1) {
			t.Errorf("%s has code %d, expected %d", r, code(r), i+1)
		}
		if r != Unavailable {
			requireReason(t, refusal(uint16(i+1)), r)
		}
	}
}
