package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Commands in the runbook and in what is deployed are read in a hurry: each must be
// one of ours, with the flags that it takes.
func TestRunbookCommandsExist(t *testing.T) {
	root := (&app{}).root()
	found := 0
	for _, path := range []string{"../../docs/runbook.md", "../../deploy/zkkex-gateway@.service", "../../deploy/Containerfile"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, words := range commandsIn(string(text)) {
			found++
			called, rest, err := root.Find(words)
			if err != nil || !called.Runnable() || called.HasSubCommands() {
				t.Errorf("%s: zkkex %s: there is no such command", path, strings.Join(words, " "))
				continue
			}
			for _, word := range words {
				name, isFlag := strings.CutPrefix(word, "--")
				if isFlag && called.Flag(name) == nil && called.InheritedFlags().Lookup(name) == nil {
					t.Errorf("%s: zkkex %s: no flag --%s", path, strings.Join(words, " "), name)
				}
			}
			_ = rest
		}
	}
	if found < 25 {
		t.Fatalf("found %d commands", found)
	}
}

// commandsIn returns the words after "zkkex" of every command in code: in a block,
// in backquotes, in quotes, or in a list.
func commandsIn(text string) (all [][]string) {
	text = regexp.MustCompile(`"(/zkkex|[^"]*)", "`).ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, `", "`, " ") })
	for _, m := range regexp.MustCompile("(?m)(?:^|`|\\[\"|/usr/local/bin/|\\[\"/)/?zkkex ([a-z][^`\\n\\]]*)").FindAllStringSubmatch(text, -1) {
		words := strings.Fields(strings.Trim(m[1], `"`))
		if slices.Contains(words, "is") || slices.Contains(words, "has") {
			continue // prose
		}
		all = append(all, words)
	}
	return all
}
