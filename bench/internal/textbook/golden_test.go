package textbook

import (
	"encoding/csv"
	"encoding/hex"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/zkkex/zkkex/internal/relation"
)

const goldenFile = "../../../testdata/constraints.csv"

// frozen is the digest of the yardstick. Ratios measured with another are not
// comparable to ours.
const frozen = "1f934a88eb5115e5cba1806e0c46384f1b268d92805e0d2c011f3d4e08c5b215"

func TestFrozen(t *testing.T) {
	digest := relation.Digest(compile(t))
	if got := hex.EncodeToString(digest[:]); got != frozen {
		t.Errorf("the yardstick has digest %s, expected %s", got, frozen)
	}
}

// A missing row fails.
func TestConstraintCounts(t *testing.T) {
	size := relation.SizeOf(compile(t))
	want := []string{Name}
	for _, n := range []int{size.Constraints, size.Public, size.Secret, size.Internal} {
		want = append(want, strconv.Itoa(n))
	}
	file, err := os.Open(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if header := []string{"circuit", "constraints", "public", "secret", "internal"}; !slices.Equal(rows[0], header) {
		t.Fatalf("%s has columns %v, expected %v", goldenFile, rows[0], header)
	}
	for _, row := range rows[1:] {
		if row[0] != Name {
			continue
		}
		if !slices.Equal(row, want) {
			t.Errorf("%s has %v, the circuit has %v", goldenFile, row, want)
		}
		return
	}
	t.Errorf("%s has no row for %s; it would be %v", goldenFile, Name, want)
}
