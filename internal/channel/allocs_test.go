//go:build !race

package channel

import (
	"io"
	"testing"

	"github.com/zkkex/zkkex/internal/record"
)

// Writing and reading a record allocates nothing, on either side, with and
// without deadlines. (With the race detector, pools forget on purpose.)
func TestNoAllocations(t *testing.T) {
	near, far := tcpPair(t)
	pair := startPair(t, near, far)
	for _, size := range []int{64, record.MaxPlaintext} {
		text, got := make([]byte, size), make([]byte, size)
		exchange := func() {
			if _, err := pair[0].Write(text); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(pair[1], got); err != nil {
				t.Fatal(err)
			}
		}
		exchange()
		if n := testing.AllocsPerRun(2000, exchange); n > 0 {
			t.Errorf("%d bytes: %v allocations for each", size, n)
		}
	}
}
