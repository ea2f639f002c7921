package venueclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/zkkex/zkkex/internal/fetch"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// Errors of a server, beside those of [descriptor.Chain.Add].
var (
	// ErrRedirect reports a server that sent the client elsewhere. A redirect is
	// never followed.
	ErrRedirect = fetch.ErrRedirect
	// ErrServer reports an answer that is neither a file nor "not found".
	ErrServer = fetch.ErrServer
	// ErrOtherVenue reports a server that has another identity than the pinned
	// one. Find out by another way whether the venue has a new one, and pin that.
	ErrOtherVenue = errors.New("another venue's identity")
	// ErrBehind reports a server whose newest descriptor is older than one that is
	// known: a copy that is behind, or one that holds something back.
	ErrBehind = errors.New("the server is behind")
	// ErrAway reports a chain that ended so long ago that it is not worth
	// continuing: remove it, and begin with the newest descriptor.
	ErrAway = errors.New("too many descriptors are missing")
)

// MaxMissing is how many descriptors are fetched in a row: with one an hour, half
// a year.
const MaxMissing = 4096

// maxIdentity bounds the text of an identity, in bytes.
const maxIdentity = 64 << 10

// Config says where a venue's files are.
type Config struct {
	// URL is https:// or http:// for a server, file:// for a folder that the
	// venue exported. Unused if Folder is set.
	URL string
	// Folder holds the files, if there is no URL.
	Folder fs.FS
	// RequestTimeout bounds one request, with its answer; 0 is 30 seconds.
	RequestTimeout time.Duration
	// Dial, if set, makes the connections: a SOCKS5 proxy's, say. Otherwise the
	// proxy of the environment is used, if there is one.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS configures https, for a private certificate authority. Session
	// resumption is switched off in any case.
	TLS *tls.Config
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Client reads one venue's files. It keeps nothing between two calls but its
// configuration, and is safe for concurrent use.
type Client struct {
	source fetch.Source
	now    func() time.Time

	updating sync.Mutex // one at a time, so that its requests come in their order
}

// New returns a client. It asks for nothing yet. It returns an error if the URL is
// none.
func New(c Config) (*Client, error) {
	source, err := fetch.Open(fetch.Config{URL: c.URL, Folder: c.Folder, Timeout: c.RequestTimeout, Dial: c.Dial, TLS: c.TLS})
	if err != nil {
		return nil, fmt.Errorf("venue: %w", err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Client{source: source, now: c.Now}, nil
}

// Identity fetches the identity that the server shows, for a person to compare by
// another way than the network. Who pins it without trusts the server.
func (c *Client) Identity(ctx context.Context) (*descriptor.Identity, error) {
	defer c.source.Close()
	return c.identity(ctx)
}

func (c *Client) identity(ctx context.Context) (*descriptor.Identity, error) {
	text, err := c.source.Read(ctx, "identity", maxIdentity)
	if err != nil {
		return nil, err
	}
	return descriptor.ParseIdentity(strings.TrimSuffix(string(text), "\n"))
}

// pinned returns an error wrapping [ErrOtherVenue] unless the server shows the
// identity.
func (c *Client) pinned(ctx context.Context, identity *descriptor.Identity) error {
	shown, err := c.identity(ctx)
	if err != nil {
		return err
	}
	if shown.ID() != identity.ID() {
		return fmt.Errorf("%w: the server shows %s with the fingerprint %s, expected %s with %s; ask the venue, by another way, which one is right",
			ErrOtherVenue, shown.Name(), shown.Fingerprint(), identity.Name(), identity.Fingerprint())
	}
	return nil
}
