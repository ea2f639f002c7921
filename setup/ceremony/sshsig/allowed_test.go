package sshsig_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
)

const (
	aliceKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHHH/6J8xw56nhMego/QyRQ8rDl0vVsdYP6/EV3X3fQw"
	bobKey   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJLEBe9Msc6hpTIua0miOii9HSOWx408QwllnIupqOt"
)

func TestAllowedSigners(t *testing.T) {
	a, err := sshsig.ParseAllowedSigners([]byte("# who is who\n\n" +
		"alice@example.org,ops " + aliceKey + " a comment\r\n" +
		"\tbob@example.org  " + bobKey + "\n" +
		"alice@example.org,old " + aliceKey))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Alice": "[alice@example.org ops old]", "Bob": "[bob@example.org]", "Carol": "[]"} {
		if got := fmt.Sprint(a.Principals(key(t, name).PublicKey())); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if a, err := sshsig.ParseAllowedSigners(nil); err != nil || len(a.Principals(key(t, "Alice").PublicKey())) != 0 {
		t.Errorf("an empty file: %v", err)
	}
}

func TestAllowedSignersRefuses(t *testing.T) {
	for _, test := range []struct{ name, line, says string }{
		{"no key", "alice ssh-ed25519", "expected principals"},
		{"no principals", aliceKey, "expected principals"},
		{"an option", "alice namespaces=\"git\" " + aliceKey, "after the principals"},
		{"an authority", "alice cert-authority " + aliceKey, "after the principals"},
		{"another type", "alice ssh-rsa AAAA", `"ssh-rsa"`},
		{"a pattern", "*@example.org " + aliceKey, "quotes and patterns"},
		{"a negation", "!bob,alice " + aliceKey, "quotes and patterns"},
		{"quotes", `"alice" ` + aliceKey, "quotes and patterns"},
		{"an empty principal", "alice,,bob " + aliceKey, "quotes and patterns"},
		{"a cut key", "alice " + aliceKey[:60], "key"},
		{"no base64", "alice ssh-ed25519 !!!!", "key"},
		{"a key and more", "alice " + aliceKey + "AAAA", "key"},
		{"a key of another type inside", "alice ssh-ed25519 AAAAB3NzaC1yc2EAAAADAQABAAAAgQC=", "key"},
		{"a name that turns the text around", "a\u202elice " + aliceKey, "quotes and patterns"},
		{"a control character", "a\x1b[2Jlice " + aliceKey, "quotes and patterns"},
		{"no UTF-8", "a\xfflice " + aliceKey, "quotes and patterns"},
	} {
		_, err := sshsig.ParseAllowedSigners([]byte("# first\n" + test.line + "\n"))
		if !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), "line 2") || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want one of line 2 that says %q", test.name, err, test.says)
		}
	}
	if _, err := sshsig.ParseAllowedSigners([]byte(strings.Repeat("#\n", sshsig.MaxAllowedSize/2+1))); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("a file without end: %v", err)
	}
}

func FuzzParseAllowedSigners(f *testing.F) {
	f.Add([]byte("alice,bob " + aliceKey + " comment\n# x\n"))
	f.Add([]byte("alice namespaces=\"git\" " + aliceKey))
	f.Add([]byte(nil))
	keyOfAlice, _, _, _, err := ssh.ParseAuthorizedKey([]byte(aliceKey))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := sshsig.ParseAllowedSigners(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("an error without a class: %v", err)
			}
			return
		}
		for _, name := range a.Principals(keyOfAlice) {
			if name == "" || strings.ContainsAny(name, "\x1b*?!\" \n") || !strings.Contains(string(b), name) {
				t.Fatalf("the principal %q", name)
			}
		}
	})
}
