package enrolclient

import (
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/internal/devicetest"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/envelope"
)

// The whole way, with a real registrar, is tested in registry/mirror.

func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := New(s.URL+"/members/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRequests(t *testing.T) {
	id := strings.Repeat("ab", 32)
	challenge := enrolment.Challenge{Registry: zkkex.RegistryID{1}, Expiry: 1}
	secret, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	request, err := enrolment.New(secret, challenge)
	if err != nil {
		t.Fatal(err)
	}
	text, err := request.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 2000)
		n, _ := r.Body.Read(body)
		switch call := r.Method + " " + r.URL.Path; {
		case call == "GET /members/enrol/challenge":
			_, _ = w.Write([]byte(challenge.String() + "\n"))
		case call == "POST /members/enrol" && string(body[:n]) == string(text):
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(`{"id":"` + id + `","state":"pending"}`))
		case call == "GET /members/enrol/status/"+id:
			_, _ = w.Write([]byte(`{"id":"` + id + `","state":"denied","time":"2026-11-21T06:00:00Z","reason":"no"}`))
		default:
			t.Errorf("asked for %s", call)
		}
	})
	if got, err := c.Challenge(t.Context()); err != nil || got != challenge {
		t.Fatalf("challenge %v, %v", got, err)
	}
	if got, err := c.Submit(t.Context(), request); err != nil || got.ID != id || got.State != Pending {
		t.Fatalf("submitted: %+v, %v", got, err)
	}
	if got, err := c.Status(t.Context(), id); err != nil || got.State != Denied || got.Reason != "no" || got.Time.Hour() != 6 {
		t.Fatalf("status %+v, %v", got, err)
	}
	if _, err := c.Status(t.Context(), "../challenge"); !errors.Is(err, zkkex.ErrMalformed) {
		t.Fatalf("identifier that is none: %v; want ErrMalformed", err)
	}
}

// A device's request is sent as it is.
func TestSubmitDeviceRequest(t *testing.T) {
	device := devicetest.New(t, zkkex.KeySecp256k1, "a")
	delegate, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	signer := enrolment.DeviceSigner{KeyType: device.KeyType, Envelope: envelope.EIP712, Sign: device.Signer(envelope.EIP712)}
	challenge := enrolment.Challenge{Registry: zkkex.RegistryID{1}, Expiry: 1}
	request, err := enrolment.NewDeviceRequest(t.Context(), signer, delegate.Public().NullifierKeyHash(), delegate, time.Unix(1000, 0), challenge)
	if err != nil {
		t.Fatal(err)
	}
	digest := request.Digest()
	id := hex.EncodeToString(digest[:])
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got, err := enrolment.ParseDeviceRequest(body)
		if err != nil || got.Digest() != digest {
			t.Errorf("sent %q, %v", body, err)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"id":"` + id + `","state":"approved"}`))
	})
	if got, err := c.Submit(t.Context(), request); err != nil || got.ID != id || got.State != Approved {
		t.Fatalf("submitted: %+v, %v", got, err)
	}
}

func TestBadAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   error
		text   string
	}{
		"refusal": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"error":"challenge_expired","detail":"ask again"}`))
		}, zkkex.ErrRejected, "challenge_expired: ask again"},
		"refusal without words": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
			zkkex.ErrRejected, "404"},
		"trouble":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, nil, "502"},
		"empty":     {func(http.ResponseWriter, *http.Request) {}, zkkex.ErrMalformed, "enrolment status"},
		"no state":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) }, zkkex.ErrMalformed, "an id"},
		"oversized": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxAnswer+1)) }, zkkex.ErrMalformed, "bytes"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/", http.StatusTemporaryRedirect)
		}, ErrRedirect, "elsewhere.example"},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, test.answer)
			_, err := c.Status(t.Context(), strings.Repeat("ab", 32))
			if err == nil || (test.want != nil && !errors.Is(err, test.want)) || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("got %v; want %v with %q", err, test.want, test.text)
			}
			if test.want == nil && errors.Is(err, zkkex.ErrRejected) {
				t.Fatalf("%v counts as a no", err)
			}
		})
	}
	if c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("zkkex/v1 challenge me\n")) }); c != nil {
		if _, err := c.Challenge(t.Context()); !errors.Is(err, zkkex.ErrMalformed) {
			t.Fatalf("bad challenge: %v; want ErrMalformed", err)
		}
	}
	for _, bad := range []string{"", "ftp://registry.example", "https://", "registry.example"} {
		if _, err := New(bad, nil); err == nil || !strings.Contains(err.Error(), "https://") {
			t.Errorf("%q: %v; want an error that says what was expected", bad, err)
		}
	}
}
