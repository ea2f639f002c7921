package enrolment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/zkkex/zkkex"
)

var (
	now      = time.Unix(1767225600, 0)
	registry = zkkex.RegistryID{1, 2, 3}
	macKey   = [32]byte{4, 5, 6}
)

func issue(t testing.TB, c *Challenger, validity time.Duration) Challenge {
	t.Helper()
	issued, err := c.Issue(now, validity)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

// reasonOf returns the reason of a rejection, or "".
func reasonOf(err error) zkkex.Reason {
	var no *zkkex.RejectError
	if !errors.Is(err, zkkex.ErrRejected) || !errors.As(err, &no) {
		return ""
	}
	return no.Reason
}

func TestChallengerKnowsItsOwn(t *testing.T) {
	issued := issue(t, NewChallenger(registry, macKey), time.Hour)
	// Nothing is stored: another instance recognises it.
	c := NewChallenger(registry, macKey)
	for at, want := range map[time.Duration]zkkex.Reason{
		0:                                     "",
		time.Hour:                             "",
		time.Hour + ClockSkew:                 "",
		time.Hour + ClockSkew + 1:             Expired,
		365 * 24 * time.Hour:                  Expired,
		time.Hour - MaxValidity - ClockSkew:   "",
		time.Hour - MaxValidity - 2*ClockSkew: Expired,
	} {
		if err := c.Check(issued, now.Add(at)); reasonOf(err) != want || (err == nil) != (want == "") {
			t.Errorf("after %v: %v; want %q", at, err, want)
		}
	}
	if again := issue(t, c, time.Hour); again.Nonce == issued.Nonce {
		t.Error("two challenges have one nonce")
	}
}

func TestChallengerRefusesOthers(t *testing.T) {
	c := NewChallenger(registry, macKey)
	issued := issue(t, c, time.Hour)
	for i := range issued.Nonce {
		changed := issued
		changed.Nonce[i] ^= 1
		if err := c.Check(changed, now); reasonOf(err) != WrongChallenge {
			t.Errorf("byte %d of the nonce changed: %v; want %s", i, err, WrongChallenge)
		}
	}
	later := issued
	later.Expiry++
	if err := c.Check(later, now); reasonOf(err) != WrongChallenge {
		t.Errorf("expiry moved: %v; want %s", err, WrongChallenge)
	}
	if err := NewChallenger(registry, [32]byte{9}).Check(issued, now); reasonOf(err) != WrongChallenge {
		t.Errorf("another registrar's key: %v; want %s", err, WrongChallenge)
	}
	moved := issued
	moved.Registry = zkkex.RegistryID{9}
	if err := NewChallenger(moved.Registry, macKey).Check(moved, now); reasonOf(err) != WrongChallenge {
		t.Errorf("moved to another registry of the same key: %v; want %s", err, WrongChallenge)
	}
	if err := NewChallenger(zkkex.RegistryID{9}, macKey).Check(issued, now); reasonOf(err) != zkkex.WrongRegistry {
		t.Errorf("another registry: %v; want %s", err, zkkex.WrongRegistry)
	}
}

func TestIssueRefuses(t *testing.T) {
	c := NewChallenger(registry, macKey)
	for _, validity := range []time.Duration{-time.Second, 0, time.Second - 1, MaxValidity + 1, math.MaxInt64} {
		if issued, err := c.Issue(now, validity); err == nil {
			t.Errorf("valid for %v: issued %v", validity, issued)
		}
	}
	if issued, err := c.Issue(time.Unix(-10_000_000, 0), time.Hour); err == nil {
		t.Errorf("before 1970: issued %v", issued)
	}
	if _, err := c.issue(bytes.NewReader(make([]byte, 15)), now, time.Hour); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("no randomness: %v; want io.ErrUnexpectedEOF", err)
	}
	if _, err := c.issue(iotest.OneByteReader(bytes.NewReader(make([]byte, 16))), now, time.Hour); err != nil {
		t.Errorf("slow randomness: %v", err)
	}
}

func TestChallengerNeverPrintsItsKey(t *testing.T) {
	c := NewChallenger(registry, macKey)
	type holder struct{ c *Challenger }
	for _, v := range []any{c, *c, holder{c}, &holder{c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%c"} {
			out := fmt.Sprintf(verb, v)
			if strings.Contains(out, "4 5 6") || strings.Contains(out, "040506") || strings.Contains(out, "\x04\x05\x06") || strings.Contains(out, "0x4, 0x5") {
				t.Errorf("%s of a %T prints the key: %s", verb, v, out)
			}
		}
	}
}

func TestChallengeText(t *testing.T) {
	issued := issue(t, NewChallenger(registry, macKey), time.Hour)
	text := issued.String()
	if again, err := ParseChallenge(text); err != nil || again != issued {
		t.Errorf("%v, %v; want %v", again, err, issued)
	}
	if longest := (Challenge{Expiry: math.MaxInt64}).String(); len(longest) != MaxChallengeText {
		t.Errorf("the longest has %d bytes, the bound is %d", len(longest), MaxChallengeText)
	}
	for name, changed := range map[string]string{
		"empty":         "",
		"newline":       text + "\n",
		"version":       strings.Replace(text, "v1", "v2", 1),
		"upper case":    strings.Replace(text, "010203", "01020A", 1),
		"leading zero":  strings.Replace(text, " 1767", " 01767", 1),
		"plus":          strings.Replace(text, " 1767", " +1767", 1),
		"negative":      strings.Replace(text, " 1767", " -1767", 1),
		"too large":     strings.Replace(text, " 1767229200", " 9223372036854775808", 1),
		"one part less": text[:strings.LastIndex(text, " ")],
		"one part more": text + " 1",
		"two spaces":    strings.Replace(text, " 1767", "  1767", 1),
		"too long":      text + strings.Repeat("0", MaxChallengeText),
	} {
		if _, err := ParseChallenge(changed); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
}

func FuzzParseChallenge(f *testing.F) {
	f.Add(Challenge{Registry: registry, Nonce: macKey, Expiry: math.MaxInt64}.String())
	f.Add(Challenge{}.String())
	f.Add(ChallengeMagic + " ")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseChallenge(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		if again := c.String(); again != text {
			t.Fatalf("read %q, wrote %q", text, again)
		}
	})
}
