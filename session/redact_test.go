package session_test

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zkkex/zkkex/internal/redact"
	"github.com/zkkex/zkkex/session"
)

// Certificates and pools print none of their session keys, whole, nested, or by
// a pointer.
func TestSecretsDoNotPrint(t *testing.T) { synctest.Test(t, secretsDoNotPrint) }

func secretsDoNotPrint(t *testing.T) {
	v, d := newVenue(), &desk{}
	p := open(t, session.PoolConfig{Prover: v.prover(), Terms: v, Size: 1, Admit: d.admit})
	time.Sleep(time.Hour)
	c := take(t, p)
	time.Sleep(time.Hour)
	synctest.Wait() // formatters that see unexported fields take no locks
	if len(d.seen) != 2 {
		t.Fatalf("%d certificates were admitted, want the one taken and one in the pool", len(d.seen))
	}
	var out strings.Builder
	for _, value := range []any{c, p} {
		nested := struct{ V, v any }{value, value}
		for _, v := range []any{value, nested, &nested, []any{value}, map[string]any{"v": value}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
				fmt.Fprintf(&out, verb+"\n", v)
			}
			slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		}
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
		text, err := value.(encoding.TextMarshaler).MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	fmt.Fprintln(&out, c.String(), c.GoString(), p.String(), p.GoString())
	// A copy by fields, which formatters see through.
	hidden := struct{ certificate *session.Certificate }{c}
	fmt.Fprintf(&out, "%v %+v %#v", hidden, hidden, hidden)
	for i, c := range d.seen {
		if found := printed(out.String(), c.Key().Bytes()); found != "" {
			t.Errorf("session key %d is printed, %s", i, found)
		}
	}
	if !strings.Contains(out.String(), redact.Text) {
		t.Error("nothing says that something was left out")
	}
	// The search finds what does print.
	secret := c.Key().Bytes()
	if printed(fmt.Sprintf("%v", secret), secret) == "" || printed(fmt.Sprintf("%x", secret), secret) == "" {
		t.Error("the search is wrong")
	}
}

// printed returns the form in which secret stands in text, or nothing.
func printed(text string, secret []byte) string {
	for form, leaked := range map[string]string{
		"hexadecimal": fmt.Sprintf("%x", secret[:8]), "upper case": fmt.Sprintf("%X", secret[:8]),
		"bytes": strings.Trim(fmt.Sprint(secret[:8]), "[]"), "raw": string(secret[:8]),
	} {
		if strings.Contains(text, leaked) {
			return form
		}
	}
	return ""
}
