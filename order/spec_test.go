package order

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// inSpec fails the test unless the specification shows the text as a block.
func inSpec(t *testing.T, name, text string) {
	t.Helper()
	spec, err := os.ReadFile("../docs/spec/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(spec), "```\n"+text+"```\n") {
		t.Errorf("docs/spec/%s does not show\n%s", name, text)
	}
}

// hexLines writes bytes as lines of 32.
func hexLines(b []byte) string {
	var out strings.Builder
	for len(b) > 0 {
		n := min(32, len(b))
		out.WriteString(hex.EncodeToString(b[:n]) + "\n")
		b = b[n:]
	}
	return out.String()
}

func sampleClientFrame() ClientFrame { return ClientFrame{SeqNo: 1, Request: sampleOrder()} }

func sampleVenueFrame() VenueFrame {
	return VenueFrame{Report: Numbered{Number: 2, Report: sampleReport()}}
}

func TestSpecSamples(t *testing.T) {
	var stream bytes.Buffer
	client := NewClientStream(&writeConn{out: &stream})
	if err := client.WriteRequests([]ClientFrame{sampleClientFrame()}); err != nil {
		t.Fatal(err)
	}
	inSpec(t, "order-messages.md", hexLines(stream.Bytes()))

	report, err := AppendVenueFrame(nil, sampleVenueFrame())
	if err != nil {
		t.Fatal(err)
	}
	inSpec(t, "order-messages.md", hexLines(report))

	digest := RequestDigest(sampleOrder())
	inSpec(t, "order-messages.md", hex.EncodeToString(digest[:])+"\n")
}

func TestSpecJSONSamples(t *testing.T) {
	request, err := AppendClientFrameJSON(nil, sampleClientFrame())
	if err != nil {
		t.Fatal(err)
	}
	inSpec(t, "order-json.md", string(request)+"\n")
	report, err := AppendVenueFrameJSON(nil, sampleVenueFrame())
	if err != nil {
		t.Fatal(err)
	}
	inSpec(t, "order-json.md", string(report)+"\n")
	establish := ClientFrame{Session: &Establish{KeepAlive: 10e9, Grace: 5e9, Quotes: []string{"ACME/USD"}}}
	text, err := AppendClientFrameJSON(nil, establish)
	if err != nil {
		t.Fatal(err)
	}
	inSpec(t, "order-json.md", string(text)+"\n")
}

// Every message of order.proto is in the table of the specification, under the
// number of its kind.
func TestSpecNamesEveryMessage(t *testing.T) {
	spec, err := os.ReadFile("../docs/spec/order-messages.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kinds := range [][]kind{requestKinds, reportKinds, clientKinds, venueKinds} {
		for _, k := range kinds {
			if line := "\n| " + itoa(k.number) + " | " + k.name + " |"; !strings.Contains(string(spec), line) {
				t.Errorf("docs/spec/order-messages.md has no line %q", line)
			}
		}
	}
}
