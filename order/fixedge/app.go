package fixedge

import (
	"github.com/quickfixgo/quickfix"
)

// app is the [quickfix.Application] and [quickfix.MessageStoreFactory] of an edge.
// It finds the connection by the SenderSubID that its session has here, and that
// no client ever sees.
type app struct{ edge *Edge }

var (
	_ quickfix.Application         = app{}
	_ quickfix.MessageStoreFactory = app{}
)

// Create returns the connection's store. A client whose Logon is refused has one
// that is forgotten.
func (a app) Create(id quickfix.SessionID) (quickfix.MessageStore, error) {
	if c := a.edge.connection(id); c != nil && c.store != nil {
		return c.store, nil
	}
	return quickfix.NewMemoryStoreFactory().Create(id)
}

func (a app) OnCreate(id quickfix.SessionID) {
	if c := a.edge.connection(id); c != nil {
		c.created(id)
	}
}

func (a app) OnLogon(id quickfix.SessionID) {
	if c := a.edge.connection(id); c != nil {
		c.onLogon()
	}
}

func (a app) OnLogout(quickfix.SessionID) {}

// ToAdmin keeps from clients what an edge tells connections apart by.
func (a app) ToAdmin(m *quickfix.Message, _ quickfix.SessionID) { m.Header.Remove(tagSenderSubID) }

func (a app) ToApp(m *quickfix.Message, id quickfix.SessionID) error {
	m.Header.Remove(tagSenderSubID)
	if c := a.edge.connection(id); c != nil {
		c.toApp(m)
	}
	return nil
}

func (a app) FromAdmin(m *quickfix.Message, id quickfix.SessionID) quickfix.MessageRejectError {
	c := a.edge.connection(id)
	if c == nil {
		return quickfix.RejectLogon{Text: errClosed.Error()}
	}
	if c.refused != "" && m.IsMsgTypeOf(kindLogon) {
		return quickfix.RejectLogon{Text: string(c.refused)}
	}
	return nil
}

func (a app) FromApp(m *quickfix.Message, id quickfix.SessionID) quickfix.MessageRejectError {
	c := a.edge.connection(id)
	if c == nil {
		return quickfix.NewBusinessMessageRejectError(errClosed.Error(), 4, nil)
	}
	return c.fromApp(m)
}
