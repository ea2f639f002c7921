package enginegrpc

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

// The samples in the specification are what is written.
func TestSpecification(t *testing.T) {
	text, err := os.ReadFile("../../../docs/spec/engine.md")
	if err != nil {
		t.Fatal(err)
	}
	commands, events := sampleCommands(), sampleEvents()
	command, err1 := encodeCommand(&commands[0])
	cancel, err2 := encodeCommand(&commands[2])
	event, err3 := encodeEvent(&events[0])
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	for name, m := range map[string]proto.Message{"command": command, "cancel": cancel, "event": event} {
		if want := "\n" + name + ": " + hex.EncodeToString(encoded(t, m)) + "\n"; !strings.Contains(string(text), want) {
			t.Errorf("engine.md does not have the line%s", want)
		}
	}
}
