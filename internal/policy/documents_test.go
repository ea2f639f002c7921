package policy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// traps are the known ways to go wrong, by the ids docs/security.md uses.
var traps = []string{
	"C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10", "C11", "C11b", "C11c", "C11d", "C12", "C13", "C14",
	"N1", "N2", "N3", "N4", "N5", "N6", "N7",
	"B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "B10", "B11", "B12",
	"P1", "P2", "P3", "P4",
	"S1", "S1b", "S2", "S3",
	"T1", "T1b", "T1c", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10",
	"O1", "O2", "O3", "O4", "O5", "O6", "O7", "O8",
}

var (
	trapRow  = regexp.MustCompile(`(?m)^\| ([A-Z]\d+[a-z]?) \| (.*) \| (.*) \|$`)
	testName = regexp.MustCompile("`([a-z0-9/]+\\.(?:Test|Fuzz|Example)[A-Za-z0-9_]+)`")
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)[A-Za-z0-9_]+)\(`)
)

// Every trap has a row, and every row names tests that exist, or says that the
// thing it is about does not exist yet.
func TestSecurityTableNamesRealTests(t *testing.T) {
	text := read(t, "docs/security.md")
	known := testFunctions(t)
	var seen []string
	for _, row := range trapRow.FindAllStringSubmatch(text, -1) {
		id, tests := row[1], row[3]
		seen = append(seen, id)
		for _, problem := range rowProblems(id, tests, known) {
			t.Error(problem)
		}
	}
	slices.Sort(seen)
	want := slices.Sorted(slices.Values(traps))
	if !slices.Equal(seen, want) {
		t.Errorf("docs/security.md has the rows %v, expected %v", seen, want)
	}
}

func TestSecurityTableCatchesAFault(t *testing.T) {
	known := map[string]bool{"keys.TestReal": true}
	if len(rowProblems("C1", "`keys.TestReal`, `keys.TestGone`, `prover.TestReal`", known)) != 2 || len(rowProblems("C1", "none", known)) != 1 {
		t.Error("a missing test is not reported")
	}
	if len(rowProblems("T1", "not built yet: no channel", known)) != 0 {
		t.Error("an honest row is reported")
	}
}

func rowProblems(id, tests string, known map[string]bool) (problems []string) {
	names := testName.FindAllStringSubmatch(tests, -1)
	if len(names) == 0 && !strings.HasPrefix(tests, "not built yet: ") {
		problems = append(problems, id+" names no test")
	}
	for _, name := range names {
		if !known[name[1]] {
			problems = append(problems, id+" names "+name[1]+", which does not exist")
		}
	}
	return problems
}

// testFunctions returns the names of all tests of the module, as
// "folder.TestName"; those of the root folder as "zkkex.TestName".
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	out := make(map[string]bool)
	eachFile(t, func(path string) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, match := range testFunc.FindAllStringSubmatch(read(t, path), -1) {
			folder := filepath.ToSlash(filepath.Dir(path))
			if folder == "." {
				folder = "zkkex"
			}
			out[folder+"."+match[1]] = true
		}
	})
	if len(out) < 50 {
		t.Fatalf("found %d tests, expected the whole module's", len(out))
	}
	return out
}

var link = regexp.MustCompile(`\]\(([^)#]+)(?:#[^)]*)?\)`)

// Links between documents lead somewhere.
func TestLinks(t *testing.T) {
	checked := 0
	eachFile(t, func(path string) {
		if filepath.Ext(path) != ".md" {
			return
		}
		for _, match := range link.FindAllStringSubmatch(read(t, path), -1) {
			target := match[1]
			if strings.Contains(target, "://") {
				continue
			}
			checked++
			if _, err := os.Stat(filepath.Join("../..", filepath.Dir(path), target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", path, target)
			}
		}
	})
	if checked == 0 {
		t.Error("no link was checked")
	}
}

// A fuzz target without seeds starts from nothing: each has some, in its source
// or committed beside it.
func TestFuzzTargetsHaveSeeds(t *testing.T) {
	fuzzFunc := regexp.MustCompile(`(?ms)^func (Fuzz\w+)\(f \*testing\.F\) \{(.*?)^\}`)
	targets := 0
	eachFile(t, func(path string) {
		if !strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, match := range fuzzFunc.FindAllStringSubmatch(read(t, path), -1) {
			targets++
			corpus, _ := filepath.Glob(filepath.Join("../..", filepath.Dir(path), "testdata/fuzz", match[1], "*"))
			if !strings.Contains(match[2], "f.Add(") && !strings.Contains(match[2], "Seeds(") && len(corpus) == 0 {
				t.Errorf("%s: %s has no seeds", path, match[1])
			}
		}
	})
	if targets < 5 {
		t.Errorf("found %d fuzz targets, expected more", targets)
	}
}

func eachFile(t *testing.T, visit func(path string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS("../.."), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != ".":
			return fs.SkipDir
		case entry.IsDir():
			return nil
		}
		visit(path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
