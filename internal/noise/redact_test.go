package noise

import (
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/internal/redact"
)

// Nothing that holds secrets prints them, whole, nested, or by a pointer.
func TestSecretsDoNotPrint(t *testing.T) {
	protocol := parse(t, "Noise_IKpsk1_25519_AESGCM_SHA256")
	ip, rp := pair(t, protocol, "print")
	h, r := ip.begin(t), rp.begin(t)
	ck := func() []byte { return h.symmetric.ck[:32] }
	deliver(t, r, write(t, h, nil), nil)
	secrets := map[string][]byte{"chaining key": ck(), "pre-shared key": ip.config.PSKs[0].reveal()[:], "static key": ip.config.Static.Bytes(), "ephemeral key": h.e.scalar[:]}

	var out strings.Builder
	type holder struct {
		H *HandshakeState
		h *HandshakeState
		T *Transport
		t *Transport
		P PSK
		p PSK
		C Config
	}
	rt := transportOf(t, r)
	nested := holder{h, h, rt, rt, ip.config.PSKs[0], ip.config.PSKs[0], ip.config}
	for _, v := range []any{h, rt, ip.config.PSKs[0], &ip.config.PSKs[0], ip.config, &ip.config, nested, &nested, []any{h, rt}, map[string]any{"h": h}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
	}
	// crypto/ecdh's keys are behind pointers, which only a verb that does not fit
	// follows; a configuration in a private field is printed with those that do.
	private := struct{ c Config }{ip.config}
	fmt.Fprintf(&out, "%v %+v %#v\n", private, &private, private)
	for _, v := range []any{h, rt, ip.config, ip.config.PSKs[0]} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
		text, err := v.(encoding.TextMarshaler).MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
		fmt.Fprintln(&out, v, fmt.Errorf("wrapped: %v", v), v.(fmt.Stringer).String(), v.(fmt.GoStringer).GoString())
	}
	for name, secret := range secrets {
		if leaked := findSecret(out.String(), secret); leaked != "" {
			t.Errorf("the %s is printed, %s", name, leaked)
		}
	}
	if !strings.Contains(out.String(), redact.Text) {
		t.Error("nothing says that something was left out")
	}
	// The search finds what does print.
	if findSecret(fmt.Sprintf("%v", *ip.config.PSKs[0].reveal()), secrets["pre-shared key"]) == "" || findSecret(fmt.Sprintf("%+v", *h.symmetric), ck()) == "" {
		t.Error("the search is wrong")
	}
}

// findSecret returns the form in which secret stands in text, or nothing.
func findSecret(text string, secret []byte) string {
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

// transportOf completes r's side alone.
func transportOf(t *testing.T, r *HandshakeState) *Transport {
	t.Helper()
	write(t, r, nil)
	return split(t, r)
}
