package pkcs11

import (
	"errors"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
)

func TestParseURI(t *testing.T) {
	for rest, want := range map[string]uri{
		"?module-path=/lib/a.so":                                                      {module: "/lib/a.so"},
		"token=desk?module-path=/lib/a.so":                                            {token: "desk", module: "/lib/a.so"},
		"id=%00%fF%41;token=a%20b%3B?module-path=/lib/a.so":                           {token: "a b;", id: "\x00\xffA", module: "/lib/a.so"},
		"object=a&b?module-path=/lib/a%26b.so&pin-source=/pin":                        {object: "a&b", module: "/lib/a&b.so", pinSource: "/pin"},
		"type=private;object=x?pin-source=file:/etc/pin&module-path=file:///lib/a.so": {object: "x", module: "/lib/a.so", pinSource: "/etc/pin"},
		"model=SoftHSM%20v2;manufacturer=SoftHSM%20project;serial=1?module-path=/l":   {model: "SoftHSM v2", manufacturer: "SoftHSM project", serial: "1", module: "/l"},
		"token=" + strings.Repeat("t", maxToken) + "?module-path=/l":                  {token: strings.Repeat("t", maxToken), module: "/l"},
	} {
		u, err := parseURI(rest, "")
		if err != nil {
			t.Errorf("%s: %v", rest, err)
			continue
		}
		if *u != want {
			t.Errorf("%s: %+v, want %+v", rest, *u, want)
		}
		again, err := parseURI(strings.TrimPrefix(u.String(), "pkcs11:"), "")
		if err != nil || *again != want {
			t.Errorf("%s: written as %v: %v", rest, u, err)
		}
	}
}

func TestModuleFromTheEnvironment(t *testing.T) {
	for rest, want := range map[string]string{"token=desk": "/lib/b.so", "token=desk?module-path=/lib/a.so": "/lib/a.so", "?pin-source=/pin": "/lib/b.so"} {
		if u, err := parseURI(rest, "/lib/b.so"); err != nil || u.module != want {
			t.Errorf("%s: %+v, %v, want %s", rest, u, err, want)
		}
	}
	if _, err := parseURI("token=desk", "b.so"); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("a relative path: %v, want ErrMalformed", err)
	}
	private, public := newPair(t, eckey.P256, "mm-1", "\x01")
	t.Setenv(moduleVariable, "/lib/b.so")
	mustOpen(t, newFake(t, newToken("desk", private, public)), "token=desk;object=mm-1", (&person{pin: rightPIN}).options())
}

// Each is refused for the one reason that it names.
func TestParseURIRefuses(t *testing.T) {
	for rest, reason := range map[string]string{
		"token=desk":                                                   "module-path",
		"token=desk?":                                                  "module-path",
		"?module-path=lib/a.so":                                        "absolute path",
		"?module-path=a.so":                                            "absolute path",
		"?module-path=/lib/../a.so":                                    "absolute path",
		"?module-path=/lib//a.so":                                      "absolute path",
		"?module-path=file://host/lib/a.so":                            "absolute path",
		"?module-path=/l&pin-source=pin":                               "absolute path",
		"?module-path=/l&pin-source=%7C/bin":                           "absolute path",
		"?module-path=":                                                "1 to",
		"token=?module-path=/l":                                        "1 to",
		"object=?module-path=/l":                                       "1 to",
		"id=?module-path=/l":                                           "1 to",
		"token?module-path=/l":                                         "NAME=VALUE",
		"token=a;?module-path=/l":                                      "NAME=VALUE",
		";?module-path=/l":                                             "NAME=VALUE",
		"token=a;token=a?module-path=/l":                               "twice",
		"type=private;type=private?module-path=/l":                     "twice",
		"?module-path=/l&module-path=/l":                               "twice",
		"token=a b?module-path=/l":                                     "write %20",
		"token=a/b?module-path=/l":                                     "write %2F",
		"token=\xc3\xa9?module-path=/l":                                "write %C3",
		"token=a#b?module-path=/l":                                     "write %23",
		"token=a%2?module-path=/l":                                     "hexadecimal",
		"token=a%?module-path=/l":                                      "hexadecimal",
		"token=a%zz?module-path=/l":                                    "hexadecimal",
		"color=red?module-path=/l":                                     "unknown attribute",
		"Token=desk?module-path=/l":                                    "unknown attribute",
		"module-path=%2Fl":                                             "unknown attribute",
		"token=a?module-path=/l&token=a":                               "unknown attribute",
		"x-vendor=1?module-path=/l":                                    "unknown attribute",
		"type=cert?module-path=/l":                                     "nothing else signs",
		"type=public?module-path=/l":                                   "nothing else signs",
		"?module-path=/l&pin-value=1234":                               "pin-source",
		"slot-id=1?module-path=/l":                                     "slots change",
		"?module-name=softhsm2":                                        "module-path",
		"token=" + strings.Repeat("t", maxToken+1) + "?module-path=/l": "1 to 32 bytes, got 33",
		"serial=" + strings.Repeat("t", maxSerial+1) + "?module-path=/l": "1 to 16 bytes, got 17",
	} {
		u, err := parseURI(rest, "")
		if !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), reason) || u != nil {
			t.Errorf("%s: %v, want ErrMalformed with %q", rest, err, reason)
		}
		if err != nil && strings.Contains(err.Error(), "1234") {
			t.Errorf("%s: the error tells the PIN", rest)
		}
	}
}

// What is accepted is written in one form, which reads as the same.
func FuzzParseURI(f *testing.F) {
	for _, seed := range []string{
		"token=desk;object=mm-1?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/etc/pin",
		"id=%01%02;type=private?module-path=file:///l", "token=%3b%00?module-path=/l", "?module-path=/%ff", "pin-value=1?x", "=;=?=&=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		u, err := parseURI(rest, "")
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("%v is no ErrMalformed", err)
			}
			return
		}
		written := u.String()
		again, err := parseURI(strings.TrimPrefix(written, "pkcs11:"), "")
		if err != nil || *again != *u || again.String() != written {
			t.Errorf("%q is written as %q, which reads as %+v, %v", rest, written, again, err)
		}
	})
}
