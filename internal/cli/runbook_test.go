package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Commands in the runbook and in what is deployed are read in a hurry, or by a
// machine: each must be one of ours, with flags that it has.
func TestRunbookCommandsExist(t *testing.T) {
	root, found := (&app{}).root(), 0
	for path, pattern := range map[string]string{
		"../../docs/runbook.md":                      "(?m)(?:^|`)zkkex ([a-z][^`\n]*)",
		"../../deploy/zkkex-gateway@.service":        "(?m)(?:^ExecStart=/usr/local/bin/|^#   |\")zkkex ([a-z][^\"\n]*)",
		"../../deploy/Containerfile":                 `"/zkkex", ("[^\]]*)\]`,
		"../../docs/design/0026-several-gateways.md": "`zkkex ([a-z][^`]*)`",
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			found++
			if problem := callable(root, strings.Fields(strings.NewReplacer(`"`, "", ",", "").Replace(m[1]))); problem != "" {
				t.Errorf("%s: zkkex %s: %s", path, m[1], problem)
			}
		}
	}
	if found < 25 {
		t.Fatalf("found %d commands", found)
	}
}

// callable says what is wrong with a command line.
func callable(root *cobra.Command, words []string) string {
	called, _, err := root.Find(words)
	if err != nil || !called.Runnable() || called.HasSubCommands() {
		return "there is no such command"
	}
	for _, word := range words {
		name, isFlag := strings.CutPrefix(word, "--")
		if isFlag && called.Flag(name) == nil && called.InheritedFlags().Lookup(name) == nil {
			return "it has no flag --" + name
		}
	}
	return ""
}

// Planted faults: the test above finds what does not exist.
func TestRunbookCommandsThatDoNotExist(t *testing.T) {
	root := (&app{}).root()
	for _, line := range []string{"gateway", "gateway explode", "gateway halt --gently", "venue share DIR", "frobnicate"} {
		if callable(root, strings.Fields(line)) == "" {
			t.Errorf("zkkex %s passes for a command", line)
		}
	}
	if problem := callable(root, strings.Fields("gateway status --dir x --json")); problem != "" {
		t.Errorf("zkkex gateway status: %s", problem)
	}
}
