package credentials

import (
	"context"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc/credentials"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
)

// Protocol is the name of the security protocol, as gRPC shows it.
const Protocol = "zkkex"

// ErrNoChannel reports a connection that is no channel, where the credentials were
// given nothing to make one with.
var ErrNoChannel = errors.New("the connection is no zkkex channel, and there is nothing to open one with")

// OpenFunc opens a channel on a connection that gRPC made, such as
// [handshake.Client] does. The authority is that of the calls to come.
type OpenFunc func(ctx context.Context, authority string, raw net.Conn) (*handshake.Conn, error)

// Wrapped is a connection around a channel, such as one of which the first bytes
// were looked at. It is taken for the channel.
type Wrapped interface {
	net.Conn
	// Channel is the channel that reads and writes end at.
	Channel() *handshake.Conn
}

// NewClient returns the credentials of a client. Connections that are channels
// already are taken as they are; open is asked for the others, and may be nil if
// there are none.
func NewClient(open OpenFunc) credentials.TransportCredentials {
	return &transport{open: open}
}

// NewServer returns the credentials of a server. Connections that are channels
// already are taken as they are; config is used for the handshake on others, and
// may be nil if there are none. gRPC writes the address of a peer whose handshake
// it sees failing into its log, so that a [handshake.Listener] is the better
// place.
func NewServer(config *handshake.ServerConfig) credentials.TransportCredentials {
	return &transport{config: config}
}

// transport implements [credentials.TransportCredentials]. It is never changed.
type transport struct {
	open   OpenFunc
	config *handshake.ServerConfig
}

// ClientHandshake returns the channel over raw. Its errors have Temporary, as gRPC
// asks for: a venue's no is not, whatever can pass is.
func (t *transport) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, isChannel := raw.(*handshake.Conn)
	if !isChannel {
		if t.open == nil {
			return nil, nil, &handshakeError{ErrNoChannel}
		}
		var err error
		if conn, err = t.open(ctx, authority, raw); err != nil {
			return nil, nil, &handshakeError{errors.Join(ctx.Err(), err)}
		}
	}
	return conn, newAuthInfo(conn), nil
}

// ServerHandshake returns the channel over raw. A peer that has a certificate
// admitted, and wants no channel, is done with: gRPC is told so.
func (t *transport) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if w, isWrapped := raw.(Wrapped); isWrapped {
		return w, newAuthInfo(w.Channel()), nil
	}
	conn, isChannel := raw.(*handshake.Conn)
	if !isChannel {
		if t.config == nil {
			return nil, nil, &handshakeError{ErrNoChannel}
		}
		var err error
		// It ends by itself in time: see [handshake.Timeout].
		conn, err = handshake.Server(context.Background(), raw, t.config)
		if errors.Is(err, handshake.ErrAdmission) {
			return nil, nil, credentials.ErrConnDispatched
		}
		if err != nil {
			return nil, nil, &handshakeError{err}
		}
	}
	return conn, newAuthInfo(conn), nil
}

// Info returns the name of the protocol.
func (t *transport) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: Protocol}
}

// Clone returns the credentials themselves, which nothing can change.
func (t *transport) Clone() credentials.TransportCredentials { return t }

// OverrideServerName does nothing: no server name is checked.
func (t *transport) OverrideServerName(string) error { return nil }

// handshakeError tells gRPC whether trying again can help.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return fmt.Sprintf("zkkex: %v", e.err) }
func (e *handshakeError) Unwrap() error { return e.err }

// Temporary reports false for a venue's no, which another attempt with the same
// certificate would meet again, and for a mistake in the set-up.
func (e *handshakeError) Temporary() bool {
	if handshake.Retryable(e.err) {
		return true
	}
	return !errors.Is(e.err, zkkex.ErrRejected) && !errors.Is(e.err, ErrNoChannel)
}
