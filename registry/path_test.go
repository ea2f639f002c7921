package registry

import (
	"errors"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
)

func TestPathLeadsToRoot(t *testing.T) {
	for _, bits := range []int{SmallCapacityBits, LargeCapacityBits} {
		tree := newTestTree(t, bits, append(admissions(75), revoke(10, 10))...)
		for _, index := range []uint64{0, 7, 8, 63, 64, 74} {
			p, err := tree.Path(index)
			if err != nil {
				t.Fatal(err)
			}
			if p.CapacityBits() != bits {
				t.Errorf("capacity 2^%d, expected 2^%d", p.CapacityBits(), bits)
			}
			if root, err := p.Root(testLeaf(int(index))); err != nil || root != tree.Root() {
				t.Errorf("2^%d, index %d: %v, %v; expected %v", bits, index, root, err, tree.Root())
			}
		}
	}
}

func TestPathRefuses(t *testing.T) {
	tree := newTestTree(t, SmallCapacityBits, admissions(20)...)
	for _, test := range []struct {
		name   string
		leaf   zkkex.Commitment
		change func(*Path)
		class  error
		reason string
	}{
		{"another leaf", testLeaf(8), func(*Path) {}, zkkex.ErrMalformed, "level 0: child 1"},
		{"another index", testLeaf(9), func(p *Path) { p.Index = 8 }, zkkex.ErrMalformed, "level 0: child 0"},
		{"the empty leaf", zkkex.Commitment{}, func(p *Path) { p.Index = 21 }, zkkex.ErrMalformed, "the empty leaf"},
		{"index beyond the capacity", testLeaf(9), func(p *Path) { p.Index += 1 << 20 }, zkkex.ErrMalformed, "expected below 2^20"},
		{"a sibling", testLeaf(9), func(p *Path) { p.Groups[0][2][31] ^= 1 }, zkkex.ErrMalformed, "level 1: child 1"},
		{"a sibling higher up", testLeaf(9), func(p *Path) { p.Groups[5][7][31] ^= 1 }, zkkex.ErrMalformed, "top: child 0"},
		{"a sibling that is not canonical", testLeaf(9), func(p *Path) { p.Groups[2][5] = canonical.Order() }, zkkex.ErrMalformed, "level 2: child 5: not a canonical"},
		{"a top node that is not canonical", testLeaf(9), func(p *Path) { p.Top[3] = canonical.Order() }, zkkex.ErrMalformed, "top: child 3: not a canonical"},
		{"a level less", testLeaf(9), func(p *Path) { p.Groups = p.Groups[:5] }, zkkex.ErrUnsupported, "capacity 2^17"},
		{"no levels", testLeaf(9), func(p *Path) { p.Groups = nil }, zkkex.ErrUnsupported, "capacity 2^2"},
	} {
		p, err := tree.Path(9)
		if err != nil {
			t.Fatal(err)
		}
		test.change(&p)
		if _, err := p.Root(test.leaf); !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v; want %v with %q", test.name, err, test.class, test.reason)
		}
	}
	if _, err := tree.Path(1 << SmallCapacityBits); err == nil {
		t.Error("a path beyond the capacity: no error")
	}
}
