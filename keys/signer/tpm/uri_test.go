package tpm

import (
	"errors"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

func TestParseURI(t *testing.T) {
	for rest, want := range map[string]uri{
		"0x81000001":                                  {handle: first, device: defaultDevice},
		"0x81FFFFFF?device=/dev/tpm0":                 {handle: lastPersistent, device: "/dev/tpm0"},
		"0x81000001?pin-source=/pin&device=/run/tpm":  {handle: first, device: "/run/tpm", pinSource: "/pin"},
		"0x81000001?device=tcp:127.0.0.1:1&auth=none": {handle: first, device: "tcp:127.0.0.1:1", noAuth: true},
		"0x81000001?device=tcp:[::1]:65535":           {handle: first, device: "tcp:[::1]:65535"},
	} {
		u, err := parseURI(rest)
		if err != nil || *u != want {
			t.Errorf("%s: %+v, %v, want %+v", rest, u, err, want)
		}
	}
}

// Each is refused for the one reason that it names.
func TestParseURIRefuses(t *testing.T) {
	for rest, reason := range map[string]string{
		"":                                   "handle",
		"81000001":                           "handle",
		"0x8100001":                          "handle",
		"0x081000001":                        "handle",
		"0x+1000001":                         "handle",
		"0x80000001":                         "handle",
		"0x82000000":                         "handle",
		"0x8100000g":                         "handle",
		"0x81000001?":                        "unknown attribute",
		"0x81000001?color=red":               "unknown attribute",
		"0x81000001?auth=none&":              "unknown attribute",
		"0x81000001?auth=none&auth=none":     "twice",
		"0x81000001?auth=hunter2":            "expected none",
		"0x81000001?auth":                    "expected none",
		"0x81000001?auth=none&pin-source=/p": "one of them",
		"0x81000001?pin-source=pin":          "absolute path",
		"0x81000001?pin-source=/a/../pin":    "absolute path",
		"0x81000001?pin-source=":             "absolute path",
		"0x81000001?device=":                 "absolute path",
		"0x81000001?device=dev/tpm0":         "absolute path",
		"0x81000001?device=/dev//tpm0":       "absolute path",
		"0x81000001?device=tcp:":             "tcp:HOST:PORT",
		"0x81000001?device=tcp:localhost":    "tcp:HOST:PORT",
		"0x81000001?device=tcp::1":           "tcp:HOST:PORT",
		"0x81000001?device=tcp:localhost:0":  "tcp:HOST:PORT",
		"0x81000001?device=tcp:localhost:01": "tcp:HOST:PORT",
		"0x81000001?device=tcp:a:65536":      "tcp:HOST:PORT",
		"0x81000001?device=/a%2fb":           "without %",
		"0x81000001?device=/a?b":             "without %",
		"0x81000001?device=/" + strings.Repeat("a", maxValue): "at most",
	} {
		u, err := parseURI(rest)
		if !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), reason) || u != nil {
			t.Errorf("%s: %v, want ErrMalformed with %q", rest, err, reason)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells the value", rest)
		}
	}
}

// What is accepted is written in one form, which reads as the same.
func FuzzParseURI(f *testing.F) {
	for _, seed := range []string{
		"0x81000001", "0x81FFFFFF?device=/dev/tpm0&pin-source=/pin", "0x81000001?auth=none&device=tcp:[::1]:1", "0x81000001?device=tcp:[a%b]:1", "?&=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		u, err := parseURI(rest)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("%v is no ErrMalformed", err)
			}
			return
		}
		written := u.String()
		again, err := parseURI(strings.TrimPrefix(written, "tpm:"))
		if err != nil || *again != *u || again.String() != written {
			t.Errorf("%q is written as %q, which reads as %+v, %v", rest, written, again, err)
		}
	})
}
