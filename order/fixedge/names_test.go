package fixedge

import "github.com/zkkex/zkkex/order"

var testSession = order.NewSessionID(7, []byte("a pseudonym"))
