package credentials

import (
	"context"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/zkkex/zkkex/handshake"
)

// AuthInfo is what gRPC knows of the peer: in [peer.Peer], for handlers and
// callers.
type AuthInfo struct {
	// CommonAuthInfo says that content is secret and cannot be changed.
	credentials.CommonAuthInfo

	conn *handshake.Conn
}

func newAuthInfo(c *handshake.Conn) AuthInfo {
	return AuthInfo{
		CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
		conn:           c,
	}
}

// AuthType returns [Protocol].
func (AuthInfo) AuthType() string { return Protocol }

// State returns the channel's present state. Its Statement has the nullifier,
// which is the member's pseudonym at the venue. Statement, Epoch, Certificate and
// Ends change when the member renews; Renewals says whether it has.
func (a AuthInfo) State() handshake.ConnectionState { return a.conn.ConnectionState() }

// Export derives a secret that only the two ends of the channel know, as
// [handshake.Conn.Export] does.
func (a AuthInfo) Export(label string, context []byte, length int) ([]byte, error) {
	return a.conn.Export(label, context, length)
}

// FromContext returns the state of the channel that a call came over, for a
// handler, or false if it came another way.
func FromContext(ctx context.Context) (handshake.ConnectionState, bool) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return handshake.ConnectionState{}, false
	}
	info, ok := p.AuthInfo.(AuthInfo)
	if !ok {
		return handshake.ConnectionState{}, false
	}
	return info.State(), true
}
