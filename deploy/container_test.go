package deploy

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is a line of a Containerfile.
type instruction struct{ name, rest string }

// readContainerfile parses instructions, without continued lines.
func readContainerfile(t *testing.T) (all []instruction) {
	t.Helper()
	text, err := os.ReadFile("Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Fields("FROM WORKDIR COPY RUN ENV USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD")
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest, found := strings.Cut(line, " ")
		if !found || !slices.Contains(known, name) || strings.HasSuffix(line, `\`) {
			t.Fatalf("Containerfile:%d: %q is no instruction that is expected here", n+1, line)
		}
		all = append(all, instruction{name, rest})
	}
	return all
}

// The image is one program and nothing else, which runs as nobody in particular, and
// is built of what is pinned. Nothing here builds it: that takes a container engine.
func TestContainerfile(t *testing.T) {
	all := readContainerfile(t)
	last := make(map[string]string) // of the last stage
	var stages []string
	for _, i := range all {
		if i.name == "FROM" {
			stages = append(stages, i.rest)
			clear(last)
		}
		last[i.name] = i.rest
		if i.name == "COPY" && len(stages) > 1 && !strings.HasPrefix(i.rest, "--from=build ") {
			t.Errorf("COPY %s: the image holds what was not built", i.rest)
		}
		if i.name == "RUN" && len(stages) > 1 {
			t.Errorf("RUN %s: the image has no shell", i.rest)
		}
	}
	if len(stages) != 2 || stages[1] != "scratch" {
		t.Fatalf("stages %q, expected one that builds, and scratch", stages)
	}
	goVersion := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(read(t, "../go.mod"))
	if goVersion == nil || !strings.HasPrefix(stages[0], "docker.io/library/golang:"+string(goVersion[1])+"-") {
		t.Errorf("it is built with %s, and go.mod says %s", stages[0], goVersion)
	}
	if !slices.Contains(all, instruction{"ENV", "CGO_ENABLED=0"}) || !slices.Contains(all, instruction{"RUN", "go build -trimpath -o /zkkex ./cmd/zkkex"}) {
		t.Error("the program is not a static one of pure Go")
	}
	if !regexp.MustCompile(`^[1-9][0-9]+:[1-9][0-9]+$`).MatchString(last["USER"]) {
		t.Errorf("USER %q, expected numbers above 0: root, and names that scratch does not know, are none", last["USER"])
	}
	for _, name := range []string{"ENTRYPOINT", "CMD", "HEALTHCHECK"} {
		_, list, _ := strings.Cut("CMD "+last[name], "[")
		var words []string
		if err := json.Unmarshal([]byte("["+list), &words); err != nil || len(words) == 0 {
			t.Errorf("%s %s: %v, expected a list of words: there is no shell", name, last[name], err)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
