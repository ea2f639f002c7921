package cli

import (
	"os"
	"regexp"
	"testing"

	"github.com/zkkex/zkkex"
)

// codesIn returns what the first group of a pattern matches in a file.
func codesIn(t *testing.T, path, pattern string) (codes []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(pattern).FindAllSubmatch(text, -1) {
		codes = append(codes, string(match[1]))
	}
	if len(codes) == 0 {
		t.Fatalf("%s has no codes", path)
	}
	return codes
}

// Every code that a command, a registrar's server or a demonstration prints can
// be asked for.
func TestEveryCodeIsExplained(t *testing.T) {
	codes := []string{string(deniedReason)}
	for _, k := range knownErrors {
		codes = append(codes, k.code)
	}
	for _, c := range classCodes {
		codes = append(codes, c.code)
	}
	codes = append(codes, codesIn(t, "exit.go", `return "([a-z_]+)"`)...)
	codes = append(codes, codesIn(t, "../demo/demo_test.go", `"(slot|replay|limit|banned|generation|[a-z]+_[a-z]+)",`)...)
	for _, line := range codesIn(t, "../../docs/spec/registry-http.md", "(?m)^\\| [45][0-9][0-9] \\| (.*) \\|$") {
		for _, match := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(line, -1) {
			codes = append(codes, match[1])
		}
	}
	for _, path := range []string{"../../errors.go", "../../enrolment/challenger.go", "../../handshake/gate.go", "../../handshake/reason.go", "../../venue/descriptor/policy.go"} {
		for _, reason := range reasonsIn(t, path) {
			codes = append(codes, string(reason))
		}
	}
	if len(codes) < 80 {
		t.Fatalf("found %d codes", len(codes))
	}
	all := explained()
	for _, code := range codes {
		if code == "error" {
			continue // for the rest: the message alone says what
		}
		if e, ok := all[zkkex.Reason(code)]; !ok || e.Means == "" || e.Do == "" {
			t.Errorf("the code %s is not explained", code)
		}
	}
	for code := range codeExplanations {
		if _, twice := explanations[code]; twice {
			t.Errorf("%s is explained twice", code)
		}
	}
}
