package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestNothingIsShown(t *testing.T) {
	type holder struct {
		Silent
		secret string
	}
	h := holder{secret: "hunter2"}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		shown = append(shown, fmt.Sprintf(verb, h), fmt.Sprintf(verb, &h), fmt.Sprintf(verb, []holder{h}))
	}
	text, err := json.Marshal(map[string]any{"a": h, "b": &h})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "h", h, "p", &h)
	shown = append(shown, string(text), log.String(), h.String(), h.GoString())
	for _, s := range shown {
		if strings.Contains(s, "hunter2") || strings.Contains(s, "68756e74657232") {
			t.Errorf("shown: %s", s)
		}
	}
	if !strings.Contains(log.String(), Text) || !strings.Contains(string(text), Text) {
		t.Errorf("not said that it is redacted: %s %s", log.String(), text)
	}
}
