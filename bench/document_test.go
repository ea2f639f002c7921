package bench

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"
)

// The document states the golden counts, and the names of the JSON form.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/benchmarks/README.md")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("../testdata/constraints.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(golden))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 4 {
		t.Fatalf("%d rows, expected the header and three circuits at least", len(rows))
	}
	wanted := []string{Format, "`peak_memory_bytes`", "`wall_ns`", "`alloc_bytes`"}
	for _, row := range rows[1:] {
		n := row[1]
		wanted = append(wanted, "| `"+row[0]+"` | "+n[:len(n)-3]+","+n[len(n)-3:]+" constraints")
	}
	for _, want := range wanted {
		if !strings.Contains(string(text), want) {
			t.Errorf("docs/benchmarks/README.md does not say %q", want)
		}
	}
}
