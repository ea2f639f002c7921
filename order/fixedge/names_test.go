package fixedge

import (
	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex/order"
)

var testSession = order.NewSessionID(7, []byte("a pseudonym"))

func tagOf(n int) quickfix.Tag { return quickfix.Tag(n) }
