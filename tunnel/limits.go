package tunnel

import "time"

// Limits bound what a [Client] or a [Server] takes on. A zero field means its
// default.
type Limits struct {
	// Connections is how many are carried at once. Further ones wait in the
	// listener's queue.
	Connections int
	// DialTimeout is how long a connection waits for its other side, the
	// handshake included, before it is reset.
	DialTimeout time.Duration
	// Drain is how long connections may go on once the service was told to stop.
	// Negative means not at all.
	Drain time.Duration
}

// Defaults of [Limits].
const (
	// DefaultConnections needs 2,048 descriptors.
	DefaultConnections = 1024
	// DefaultDialTimeout is longer than a handshake under load, cookie included.
	DefaultDialTimeout = 30 * time.Second
	// DefaultDrain is as long as service managers wait before they kill.
	DefaultDrain = 20 * time.Second
)

func (l Limits) withDefaults() Limits {
	if l.Connections <= 0 {
		l.Connections = DefaultConnections
	}
	if l.DialTimeout <= 0 {
		l.DialTimeout = DefaultDialTimeout
	}
	if l.Drain == 0 {
		l.Drain = DefaultDrain
	}
	return l
}
