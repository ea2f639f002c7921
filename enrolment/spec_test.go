package enrolment

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// samples returns what stands between ``` lines of a document.
func samples(t testing.TB, path string) (blocks []string, text string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(b), "```\n")
	for i := 1; i < len(parts); i += 2 {
		blocks = append(blocks, parts[i])
	}
	return blocks, string(b)
}

func TestSpecSamples(t *testing.T) {
	blocks, text := samples(t, "../docs/spec/enrolment.md")
	if len(blocks) != 3 {
		t.Fatalf("%d samples, want a challenge, a request and a device request", len(blocks))
	}
	c, err := ParseChallenge(strings.TrimSuffix(blocks[0], "\n"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseRequest([]byte(blocks[1]))
	if err != nil {
		t.Fatal(err)
	}
	if r.Challenge != c {
		t.Error("the request answers another challenge")
	}
	if err := NewChallenger(registry, macKey).Check(c, now); err != nil {
		t.Error(err)
	}
	leaf, err := r.Verify(registry, now)
	if err != nil {
		t.Fatal(err)
	}
	device, err := ParseDeviceRequest([]byte(blocks[2]))
	if err != nil {
		t.Fatal(err)
	}
	deviceLeaf, err := device.Verify(registry, now)
	if err != nil {
		t.Fatal(err)
	}
	delegate, err := device.Delegate()
	if err != nil {
		t.Fatal(err)
	}
	digest, deviceDigest := r.Digest(), device.Digest()
	for what, value := range map[string]string{
		"leaf": leaf.String(), "digest": hex.EncodeToString(digest[:]),
		"device's leaf": deviceLeaf.String(), "delegate's leaf": delegate.Commitment().String(),
		"device request's digest": hex.EncodeToString(deviceDigest[:]),
	} {
		if !strings.Contains(text, "`"+value+"`") {
			t.Errorf("the %s is %s, which the document does not say", what, value)
		}
	}
}
