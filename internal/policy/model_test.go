package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modelFolder = "docs/model/"

// finding is what a query gave, under the name that its comment has.
type finding struct{ query, result string }

// modelCase is a model in one variant: "-" is the protocol as built.
type modelCase struct {
	model, variant string
	findings       []finding
	// hash and seconds are of recorded results only.
	hash, seconds string
}

func (c modelCase) name() string { return c.model + " " + c.variant }

// breaks reports whether a query that has its good answer in the protocol as built
// has not in c. Queries named runs ask that something never happens, which is
// nothing to lose.
func (c modelCase) breaks(built modelCase) bool {
	return slices.ContainsFunc(built.findings, func(f finding) bool {
		return !strings.HasPrefix(f.query, "runs") && f.result == "true" && !slices.Contains(c.findings, f)
	})
}

// The recorded results are those of the models as they are now, and the ones that
// docs/model/cases.txt expects.
func TestModelResults(t *testing.T) {
	cases := parseModelCases(t, read(t, modelFolder+"cases.txt"), false)
	results := parseModelCases(t, read(t, modelFolder+"results.txt"), true)
	hash := func(c modelCase) string {
		sum := sha256.Sum256([]byte(modelVariant(modelSource(t, c.model), c.variant)))
		return hex.EncodeToString(sum[:])
	}
	for _, problem := range modelProblems(cases, results, hash) {
		t.Error(problem)
	}
	models, err := filepath.Glob("../../" + modelFolder + "*.pv")
	if err != nil || len(models) == 0 {
		t.Fatalf("no models found: %v", err)
	}
	for _, path := range models {
		model := strings.TrimSuffix(filepath.Base(path), ".pv")
		if !slices.ContainsFunc(cases, func(c modelCase) bool { return c.model == model }) {
			t.Errorf("cases.txt has no case of %s.pv", model)
		}
	}
	if first, _, _ := strings.Cut(read(t, modelFolder+"results.txt"), "\n"); !regexp.MustCompile(`^# ProVerif \d+\.\d+`).MatchString(first) {
		t.Errorf("results.txt begins with %q, expected the tool and its version", first)
	}
}

// A variant that a case names is in the files, and each one in the files has a
// case: a misspelt fault would change nothing.
func TestModelVariantsExist(t *testing.T) {
	var used, defined []string
	models := []string{"crypto.pvl", "handshake.pvl"}
	for _, c := range parseModelCases(t, read(t, modelFolder+"cases.txt"), false) {
		models = append(models, c.model+".pv")
		if c.variant != "-" {
			used = append(used, strings.Split(c.variant, ",")...)
		}
		if c.variant != "-" && modelVariant(modelSource(t, c.model), c.variant) == modelVariant(modelSource(t, c.model), "-") {
			t.Errorf("%s is the same as %s -", c.name(), c.model)
		}
	}
	slices.Sort(models)
	for _, file := range slices.Compact(models) {
		for line := range strings.Lines(read(t, modelFolder+file)) {
			if match := variantLine.FindStringSubmatch(strings.TrimSuffix(line, "\n")); match != nil {
				defined = append(defined, match[1])
			}
		}
	}
	slices.Sort(used)
	slices.Sort(defined)
	if used, defined = slices.Compact(used), slices.Compact(defined); !slices.Equal(used, defined) {
		t.Errorf("cases use the variants %v, the models have %v", used, defined)
	}
}

func TestModelResultsCatchAFault(t *testing.T) {
	const text = "m - a1 1.0 secret=true runs=false\nm broken a2 2.0 secret=false runs=false\n"
	cases := func() []modelCase { return parseModelCases(t, text, true) }
	hash := func(c modelCase) string { return map[string]string{"-": "a1", "broken": "a2"}[c.variant] }
	if problems := modelProblems(cases(), cases(), hash); len(problems) != 0 {
		t.Errorf("sound results are reported: %v", problems)
	}
	edited := func(modelCase) string { return "a3" }
	if len(modelProblems(cases(), cases(), edited)) != 2 {
		t.Error("an edited model is not reported")
	}
	for what, wrong := range map[string]func([]modelCase) []modelCase{
		"another result":  func(r []modelCase) []modelCase { r[0].findings[0].result = "unproved"; return r },
		"no result":       func(r []modelCase) []modelCase { return r[:1] },
		"one too many":    func(r []modelCase) []modelCase { return append(r, r[0]) },
		"nothing at all":  func([]modelCase) []modelCase { return nil },
		"a query is gone": func(r []modelCase) []modelCase { r[0].findings = r[0].findings[:1]; return r },
	} {
		if len(modelProblems(cases(), wrong(cases()), hash)) == 0 {
			t.Errorf("%s: not reported", what)
		}
	}
	if len(modelProblems(cases()[:1], cases()[:1], hash)) == 0 {
		t.Error("a model without a negative control is not reported")
	}
	noFault := cases()
	noFault[1].findings[0].result = "true"
	if len(modelProblems(noFault, noFault, hash)) == 0 {
		t.Error("a model whose only variant breaks nothing is not reported")
	}
}

// modelProblems compares recorded results with the expected ones, and with the
// hashes of the variants. Every model has the protocol as built among the cases,
// before its variants, and a variant that breaks what holds there.
func modelProblems(cases, results []modelCase, hash func(modelCase) string) (problems []string) {
	if len(cases) == 0 || len(cases) != len(results) {
		return []string{fmt.Sprintf("%d cases, %d results: run ./scripts/model update", len(cases), len(results))}
	}
	built, control := make(map[string]modelCase), make(map[string]bool)
	for i, c := range cases {
		r := results[i]
		switch {
		case r.name() != c.name():
			problems = append(problems, "result of "+r.name()+" in place of "+c.name())
		case r.hash != hash(c):
			problems = append(problems, c.name()+" was changed since its result was recorded: run ./scripts/model update")
		case !slices.Equal(r.findings, c.findings):
			problems = append(problems, fmt.Sprintf("%s gave %v, expected %v", c.name(), r.findings, c.findings))
		}
		if c.variant == "-" {
			built[c.model] = c
		}
		control[c.model] = control[c.model] || c.breaks(built[c.model])
	}
	for _, c := range cases {
		if c.variant == "-" && !control[c.model] {
			problems = append(problems, c.model+" has no negative control")
		}
		if _, ok := built[c.model]; !ok {
			problems = append(problems, c.model+" has no case of the protocol as built")
		}
	}
	return problems
}

// parseModelCases reads lines "model variant [hash seconds] query=result ...".
func parseModelCases(t *testing.T, text string, recorded bool) (cases []modelCase) {
	t.Helper()
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		least := 3
		if recorded {
			least = 5
		}
		if len(fields) < least {
			t.Fatalf("line %q has %d fields, expected %d or more", line, len(fields), least)
		}
		c := modelCase{model: fields[0], variant: fields[1]}
		if recorded {
			c.hash, c.seconds = fields[2], fields[3]
			if _, err := strconv.ParseFloat(c.seconds, 64); err != nil {
				t.Fatalf("line %q: seconds: %v", line, err)
			}
		}
		for _, field := range fields[least-1:] {
			query, result, ok := strings.Cut(field, "=")
			if !ok || !slices.Contains([]string{"true", "false", "unproved"}, result) {
				t.Fatalf("line %q: %q is no result of a query", line, field)
			}
			c.findings = append(c.findings, finding{query, result})
		}
		cases = append(cases, c)
	}
	return cases
}

func modelSource(t *testing.T, model string) string {
	t.Helper()
	return read(t, modelFolder+"crypto.pvl") + read(t, modelFolder+"handshake.pvl") + read(t, modelFolder+model+".pv")
}

var variantLine = regexp.MustCompile(`^ *\(\*~ ([a-z0-9_]+): ?(.*?) ?\*\)$`)

// modelVariant is what scripts/model hands to ProVerif: a comment "~ name: code"
// takes the place of the line of code above it if variant has that name.
func modelVariant(source, variant string) string {
	names := strings.Split(variant, ",")
	var lines []string
	for line := range strings.Lines(source) {
		line = strings.TrimSuffix(line, "\n")
		match := variantLine.FindStringSubmatch(line)
		switch {
		case match == nil:
			lines = append(lines, line)
		case slices.Contains(names, match[1]):
			lines[len(lines)-1] = match[2]
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
