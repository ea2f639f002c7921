package noise

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

func TestParseProtocol(t *testing.T) {
	for _, name := range append(hybridNames(), "Noise_IK_25519_AESGCM_SHA256", "Noise_XXpsk0+psk3_25519_ChaChaPoly_BLAKE2b") {
		if p := parse(t, name); p.String() != name {
			t.Errorf("%s becomes %s", name, p)
		}
	}
	for _, name := range []string{
		"", "Noise", "Noise_IK_25519_AESGCM", "Noise_IK_25519_AESGCM_SHA256_", "noise_IK_25519_AESGCM_SHA256",
		"Noise_IK_448_AESGCM_SHA256", "Noise_IK_25519_AESGCM_SHA3", "Noise_IK_25519_AES_SHA256", "Noise_ik_25519_AESGCM_SHA256",
		"Noise_IK_25519+MLKEM768_AESGCM_SHA256", "Noise_IKhfs_25519_AESGCM_SHA256", "Noise_IKhfs_25519+MLKEM1024_AESGCM_SHA256",
		"Noise_IKskem1+hfs_25519+MLKEM768_AESGCM_SHA256", "Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256",
		"Noise_IKhfs+psk2_25519+MLKEM768_AESGCM_SHA256", "Noise_IKhfspsk2_25519+MLKEM768_AESGCM_SHA256",
		"Noise_IKpsk_25519_AESGCM_SHA256", "Noise_IKpsk3_25519_AESGCM_SHA256", "Noise_IKpsk02_25519_AESGCM_SHA256", "Noise_IKpsk+1_25519_AESGCM_SHA256",
		"Noise_IKpsk2+psk0_25519_AESGCM_SHA256", "Noise_IKpsk1+psk1_25519_AESGCM_SHA256", "Noise_IKpsk1+_25519_AESGCM_SHA256", "Noise_IKpsk1+2_25519_AESGCM_SHA256",
		"Noise_IK+psk1_25519_AESGCM_SHA256", "Noise_XXfallback_25519_AESGCM_SHA256", "Noise_IK_25519_AESGCM_SHA256" + strings.Repeat(" ", 240),
	} {
		if p, err := ParseProtocol(name); !errors.Is(err, zkkex.ErrUnsupported) || p != nil {
			t.Errorf("%q: got %v, %v", name, p, err)
		}
	}
}

// The table follows the rules of section 7.3, and the hybrid additions theirs.
func TestPatternsAreValid(t *testing.T) {
	if want := 3 + 12 + 23 + 2; len(patterns) != want {
		t.Errorf("%d patterns, expected %d", len(patterns), want)
	}
	for name, notation := range patterns {
		for _, problem := range invalid(notation) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

// Each rule is caught when it is broken.
func TestPatternsAreValidCatchesAFault(t *testing.T) {
	for _, notation := range []string{
		"<- e; -> e, ee",                               // the responder begins
		"-> e; -> e, ee",                               // not by turns
		"-> e; <- ee",                                  // a DH without the key
		"-> e; <- e, es",                               // the same, static
		"-> e, e; <- e, ee",                            // a key twice
		"-> e; <- e, ee, ee",                           // a DH twice
		"<- s; ...; -> e, es; <- e, ee, s",             // a known key again
		"-> s; ...; -> e; <- e, se",                    // se before ee: a key without the ephemeral
		"-> e; <- e, ee, ekem1",                        // a ciphertext for no key
		"<- s; ...; -> e, es, skem1, s, ss",            // the same, static
		"-> e, f; <- e, ee",                            // no token
		"<- s; ...; -> e, ss; <- e, ee",                // ss without es
		"-> e, e1, e1; <- e, ee, ekem1",                // a KEM key twice
		"<- s; ...; -> e, es, e1, s, ss; <- e, ee, se", // a KEM key without use
	} {
		if len(invalid(notation)) == 0 {
			t.Errorf("not caught: %s", notation)
		}
	}
}

// invalid returns what is wrong with a pattern, read here from its text.
func invalid(notation string) (problems []string) {
	known := map[string]bool{} // "> s": the initiator's static key is known to both
	seen := map[string]bool{}
	before, messages, ok := strings.Cut(notation, "; ...; ")
	if !ok {
		before, messages = "", notation
	}
	for _, line := range strings.Split(before, "; ") {
		for _, name := range strings.Split(strings.TrimLeft(line, "<-> "), ", ") {
			if name != "" {
				known[side(line)+name] = true
			}
		}
	}
	report := func(bad bool, what, name string) {
		if bad {
			problems = append(problems, what+": "+name)
		}
	}
	for n, line := range strings.Split(messages, "; ") {
		from, to := side(line), "<"
		if from == "<" {
			to = ">"
		}
		report((from == ">") != (n%2 == 0), "not by turns", line)
		for _, name := range strings.Split(line[3:], ", ") {
			switch name {
			case "e", "s", "e1":
				report(known[from+name], "a key twice", name)
				known[from+name] = true
				continue
			case "ee", "es", "se", "ss":
				report(!known[">"+name[:1]] || !known["<"+name[1:]], "a DH without its keys", name)
				// Whoever uses its static key for a DH whose result seals
				// something has put in a fresh ephemeral key before.
				report(name == "ss" && from == ">" && !seen["es"], "no fresh key before", name)
				report(name == "se" && from == "<" && !seen["ee"], "no fresh key before", name)
			case "ekem1":
				report(!known[to+"e1"], "a ciphertext for no key", name)
			case "skem1":
				report(!known[to+"s1"], "a ciphertext for no key", name)
			default:
				report(true, "no token", name)
			}
			report(seen[name], "an exchange twice", name)
			seen[name] = true
		}
	}
	report(known[">e1"] && !seen["ekem1"], "a KEM key without use", "e1")
	return problems
}

func side(line string) string {
	if strings.HasPrefix(line, "->") {
		return ">"
	}
	return "<"
}

// The lengths of the messages, counted by hand.
func TestOverhead(t *testing.T) {
	for name, want := range map[string][]int{
		"Noise_NN_25519_AESGCM_SHA256":     {32, 32 + 16},
		"Noise_XX_25519_AESGCM_SHA256":     {32, 32 + 48 + 16, 48 + 16},
		"Noise_IK_25519_AESGCM_SHA256":     {32 + 48 + 16, 32 + 16},
		"Noise_IN_25519_AESGCM_SHA256":     {32 + 32, 32 + 16},
		"Noise_NNpsk0_25519_AESGCM_SHA256": {32 + 16, 32 + 16},
		hybridName:                         {32 + 1200 + 48 + 16, 32 + 1104 + 16},
		prekeyName:                         {32 + 1104 + 1200 + 48 + 16, 32 + 1104 + 16},
	} {
		p := parse(t, name)
		got := make([]int, p.Messages())
		for i := range got {
			got[i] = p.Overhead(i)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, expected %v", name, got, want)
		}
	}
}
