package handshake

// confirmation has a channel's reader ask whoever waits for the handshake, while
// somebody does. The calls into a store go deep, and a reader keeps its stack for
// as long as its channel is open.
type confirmation struct {
	confirm  func() error
	asked    chan struct{}
	answered chan error
	gone     chan struct{} // closed when nobody waits any more
}

func newConfirmation(confirm func() error) *confirmation {
	return &confirmation{confirm: confirm, asked: make(chan struct{}), answered: make(chan error, 1), gone: make(chan struct{})}
}

// ask is for the reader.
func (c *confirmation) ask() error {
	select {
	case c.asked <- struct{}{}:
		return <-c.answered
	case <-c.gone:
		return c.confirm()
	}
}

// answer is for who waits, once after each time that asked is received from.
func (c *confirmation) answer() { c.answered <- c.confirm() }

// leave is for who waits, when it does not any more.
func (c *confirmation) leave() { close(c.gone) }
