package record

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/internal/redact"
)

// A session prints none of its secrets, whole, nested, or by a pointer.
func TestSecretsDoNotPrint(t *testing.T) {
	p := play(t, AES256GCM, 7)
	s := p.side[Initiator]
	secrets := map[string][]byte{
		"phase secret": s.send.secret[:], "other direction's": s.receive.secret[:], "iv": s.send.iv[:],
		"ratchet secret": s.ratchet.current.ratchet[:], "exporter secret": s.exporter[:], "ratchet key": s.ratchet.dh.Bytes(),
	}
	var out strings.Builder
	nested := struct {
		S *Session
		s *Session
	}{s, s}
	for _, v := range []any{s, nested, &nested, []any{s}, map[string]any{"s": s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	text, err := any(s).(encoding.TextMarshaler).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	fmt.Fprintln(&out, s.String(), s.GoString(), fmt.Errorf("wrapped: %v", s))
	for name, secret := range secrets {
		if found := printed(out.String(), secret); found != "" {
			t.Errorf("the %s is printed, %s", name, found)
		}
	}
	if !strings.Contains(out.String(), redact.Text) {
		t.Error("nothing says that something was left out")
	}
	// The search finds what does print.
	if printed(fmt.Sprintf("%v", s.exporter), s.exporter[:]) == "" || printed(fmt.Sprintf("%x", s.send.iv), s.send.iv[:]) == "" {
		t.Error("the search is wrong")
	}
}

// printed returns the form in which secret stands in text, or nothing.
func printed(text string, secret []byte) string {
	for form, leaked := range map[string]string{
		"hexadecimal": fmt.Sprintf("%x", secret[:8]), "upper case": fmt.Sprintf("%X", secret[:8]),
		"bytes": strings.Trim(fmt.Sprint(secret[:8]), "[]"), "raw": string(secret[:8]),
		"Go syntax": strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", secret[:4]), "[]byte{"), "}"),
	} {
		if strings.Contains(text, leaked) {
			return form
		}
	}
	return ""
}
