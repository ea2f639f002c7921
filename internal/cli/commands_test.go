package cli

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
)

// everyCommand calls f for every command of ours that does something itself.
func everyCommand(t *testing.T, f func(t *testing.T, c *cobra.Command)) {
	t.Helper()
	var walk func(c *cobra.Command)
	count := 0
	walk = func(c *cobra.Command) {
		if slices.Contains([]string{"help", "completion"}, c.Name()) {
			return
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
		if c.Runnable() && !c.Hidden && !c.HasSubCommands() {
			count++
			t.Run(strings.ReplaceAll(c.CommandPath(), " ", "_"), func(t *testing.T) { f(t, c) })
		}
	}
	walk((&app{}).root())
	if count < 25 {
		t.Fatalf("found %d commands", count)
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	everyCommand(t, func(t *testing.T, c *cobra.Command) {
		if c.Short == "" || c.Example == "" {
			t.Error("no short text or no example")
		}
		if c.Short != strings.ToLower(c.Short[:1])+c.Short[1:] || strings.HasSuffix(c.Short, ".") {
			t.Errorf("short text %q: expected lower case and no full stop", c.Short)
		}
		for line := range strings.Lines(c.Long) {
			if len(line) > 81 {
				t.Errorf("line of %d columns in the help text: %s", len(line)-1, line)
			}
		}
		var stdout bytes.Buffer
		env := Env{Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stdout, Getenv: func(string) string { return "" }}
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		if exit := Main(t.Context(), env, args); exit != 0 || !strings.Contains(stdout.String(), "Examples:") {
			t.Errorf("--help: exit code %d\n%s", exit, stdout.String())
		}
	})
}

// Examples must not use flags that do not exist.
func TestExamplesUseFlagsThatExist(t *testing.T) {
	root := (&app{}).root()
	everyCommand(t, func(t *testing.T, c *cobra.Command) {
		for _, line := range strings.Split(strings.ReplaceAll(c.Example, "\\\n", " "), "\n") {
			words := strings.Fields(line)
			at := slices.Index(words, "zkkex")
			if at < 0 {
				continue
			}
			called, _, err := root.Find(words[at+1:])
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			for _, word := range words[at+1:] {
				if word == "&&" || word == "|" {
					break
				}
				name, isFlag := strings.CutPrefix(word, "--")
				name, _, _ = strings.Cut(name, "=")
				if isFlag && called.Flag(name) == nil && called.InheritedFlags().Lookup(name) == nil {
					t.Errorf("%s: %s has no flag --%s", line, called.CommandPath(), name)
				}
			}
		}
	})
}

// reasonsIn returns the constants of type Reason that a file declares.
func reasonsIn(t *testing.T, file string) (reasons []zkkex.Reason) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		literal, isLiteral := spec.Values[0].(*ast.BasicLit)
		name := ""
		switch typ := spec.Type.(type) {
		case *ast.Ident:
			name = typ.Name
		case *ast.SelectorExpr:
			name = typ.Sel.Name
		}
		if isLiteral && name == "Reason" {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			reasons = append(reasons, zkkex.Reason(text))
		}
		return true
	})
	return reasons
}

func TestEveryReasonIsExplained(t *testing.T) {
	reasons := reasonsIn(t, "../../errors.go")
	if len(reasons) < 12 {
		t.Fatalf("found %d reasons", len(reasons))
	}
	for _, reason := range reasons {
		conditionsOf := 0
		for _, c := range conditions {
			if slices.Contains(c.reasons, reason) {
				conditionsOf++
			}
		}
		if conditionsOf != 1 {
			t.Errorf("%s is the reason of %d conditions, want 1", reason, conditionsOf)
		}
	}
	enrolment := reasonsIn(t, "../../enrolment/challenger.go")
	if len(enrolment) < 4 {
		t.Fatalf("found %d reasons of enrolment", len(enrolment))
	}
	sessions := slices.Concat(reasonsIn(t, "../../handshake/gate.go"), reasonsIn(t, "../../handshake/reason.go"), reasonsIn(t, "../../venue/descriptor/policy.go"))
	if len(sessions) < 9 {
		t.Fatalf("found %d reasons of venues", len(sessions))
	}
	for _, reason := range slices.Concat(reasons, enrolment, sessions) {
		if e, ok := explanations[reason]; !ok || e.Means == "" || e.Do == "" {
			t.Errorf("%s is not explained", reason)
		}
	}
}

func TestEveryCodeIsDocumented(t *testing.T) {
	words := strings.FieldsFunc(jsonTopic().Long, func(r rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz_", r) })
	for _, k := range knownErrors {
		if !slices.Contains(words, k.code) {
			t.Errorf("the code %s is not in the help text", k.code)
		}
	}
	for _, c := range classCodes {
		if !slices.Contains(words, c.code) {
			t.Errorf("the code %s is not in the help text", c.code)
		}
	}
}
