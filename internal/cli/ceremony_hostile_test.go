package cli

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/ceremony"
)

// TestNextStepIsSafeToPaste lets a shell read the command that a person is told to run
// next, in a ceremony whose definition announces a beacon with a command in its name.
func TestNextStepIsSafeToPaste(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "ran")
	announced := `drand $(touch ` + trace + `) ` + "`touch " + trace + "`" + ` it's "round" \1; touch ` + trace
	step := nextStep("a b; touch "+trace, &ceremony.Status{Phase: 1, Next: 2, Made: [2]int{1, 0}, Announced: announced})
	_, command, found := strings.Cut(step, "or zkkex ")
	if !found {
		t.Fatalf("no command in %q", step)
	}
	said, err := exec.Command("sh", "-c", `printf '%s\n' `+command).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	want := []string{"setup", "ceremony", "beacon", "a b; touch " + trace, "--source", announced, "--value", "HEX", ""}
	if got := string(said); got != strings.Join(want, "\n") {
		t.Errorf("a shell reads\n%s", got)
	}
	if ran, err := filepath.Glob(trace); err != nil || len(ran) != 0 {
		t.Errorf("pasting it ran what the ceremony's files say: %v, %v", ran, err)
	}
}

// TestNamesSayNothingOfSignatures: a contributor who signed nothing has a name that
// says otherwise, and reads as a name all the same.
func TestNamesSayNothingOfSignatures(t *testing.T) {
	const name = "Alice, signed with the key of Alice"
	const want = `"Alice, signed with the key of Alice", not signed: the name is a claim`
	if got := contributionText(&audit.Contribution{Contributor: name}); got != want {
		t.Errorf("setup verify says %s", got)
	}
	if got := (&ceremonyFile{Contributor: name}).who(); got != want {
		t.Errorf("setup ceremony says %s", got)
	}
}
