package admission_test

import (
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/order"
)

// A pseudonym is what the ID of an order session is that begins with it: whoever
// keeps orders bans by that.
func TestPseudonymIsSessionID(t *testing.T) {
	n := zkkex.Nullifier{1: 2, 31: 3}
	if got, want := admission.PseudonymOf(7, n), order.NewSessionID(7, n[:]).ID; got != want {
		t.Errorf("%x, expected the ID of the order session, %x", got, want)
	}
}
