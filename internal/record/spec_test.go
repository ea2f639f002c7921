package record

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
)

const specFile = "../../docs/spec/record.md"

// The specification's tables and its sample are what the code does.
func TestSpecification(t *testing.T) {
	text, err := os.ReadFile(specFile)
	if err != nil {
		t.Fatal(err)
	}
	for what, part := range map[string]string{"lengths": specLengths(), "limits": specLimits(), "types": specTypes(), "sample": specSample(t)} {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s does not have these %s:\n%s", specFile, what, part)
		}
	}
}

func specLengths() string {
	return fmt.Sprintf("| shortest record | %d |\n| longest record | %d |\n| overhead without padding | %d |\n| longest content | %d |\n",
		Overhead, MaxRecord, Overhead, MaxPlaintext)
}

func specLimits() string {
	return fmt.Sprintf("| records under one key | %d |\n| bytes under one key | %d |\n| age of a key | %v |\n| ratchet begins | %v |\n| ratchet is asked for | %v |\n| nothing more is sealed | %v |\n| between two ratchets | %v |\n",
		MaxRecords, MaxBytes, MaxStepAge, MaxRatchetAge, MaxStaleAge-requestLead, MaxStaleAge, minRatchetGap)
}

func specTypes() string {
	var b strings.Builder
	for _, c := range []struct {
		t       Type
		name    string
		content string
	}{
		{Application, "application data", "the application's"},
		{Channel, "message about the channel", "the layer above's"},
		{CloseNotify, "close", "none"},
		{typeAlert, "alert", "the alert, one byte"},
		{RatchetRequest, "ratchet request", "none"},
		{RatchetOffer, "ratchet offer", "X25519 key, ML-KEM-768 encapsulation key"},
		{RatchetReply, "ratchet reply", "X25519 key, ML-KEM-768 ciphertext"},
		{RatchetSwitch, "ratchet switch", "confirmation"},
	} {
		least, most, _ := contentSize(c.t)
		length := fmt.Sprint(most)
		if least != most {
			length = fmt.Sprintf("%d to %d", least, most)
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s |\n", c.t, c.name, length, c.content)
	}
	return b.String()
}

// specSample is every secret and every record of the script, by the
// straight-line implementation; other tests say that sessions give the same.
func specSample(t *testing.T) string {
	t.Helper()
	x, records := straightPlay(t, AES256GCM, len(script()))
	var b strings.Builder
	b.WriteString(x.trace.String())
	for n, s := range script() {
		if len(records[n]) > 100 {
			fmt.Fprintf(&b, "record %2d SHA-256          %x\n", n, sha256.Sum256(records[n]))
			continue
		}
		fmt.Fprintf(&b, "record %2d, type %-3d        %x\n", n, s.kind, records[n])
	}
	return b.String()
}
