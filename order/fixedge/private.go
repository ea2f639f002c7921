package fixedge

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/quickfixgo/quickfix"
	"github.com/quickfixgo/quickfix/config"
)

// private is the acceptor of quickfix, and the way to it: quickfix takes
// connections from nothing but a TCP listener of its own, so there is one on the
// loopback interface. Both ends are this process, and both show a key that exists
// in its memory only: nobody else on the machine gets as far as a byte of FIX.
type private struct {
	acceptor *quickfix.Acceptor
	address  string
	tls      *tls.Config
}

// listen starts an acceptor on a free port.
func listen(app quickfix.Application, stores quickfix.MessageStoreFactory) (*private, error) {
	identity, err := newIdentity()
	if err != nil {
		return nil, err
	}
	for range 16 {
		p, err := listenOn(app, stores, identity)
		if !errors.Is(err, syscall.EADDRINUSE) {
			return p, err
		}
	}
	return nil, errors.New("fixedge: no free port on the loopback interface")
}

func listenOn(app quickfix.Application, stores quickfix.MessageStoreFactory, identity *tls.Config) (*private, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	settings := quickfix.NewSettings()
	g := settings.GlobalSettings()
	g.Set(config.SocketAcceptHost, "127.0.0.1")
	g.Set(config.SocketAcceptPort, strconv.Itoa(port))
	g.Set(config.DynamicSessions, "Y")
	// An acceptor listens only if it has a session that is not dynamic. Nobody can
	// reach this one: every Logon is passed on with a TargetSubID.
	s := quickfix.NewSessionSettings()
	s.Set(config.BeginString, quickfix.BeginStringFIX44)
	s.Set(config.SenderCompID, "-")
	s.Set(config.TargetCompID, token())
	if _, err := settings.AddSession(s); err != nil {
		return nil, err
	}
	a, err := quickfix.NewAcceptor(app, stores, settings, quickfix.NewNullLogFactory())
	if err != nil {
		return nil, err
	}
	a.SetTLSConfig(identity)
	if err := a.Start(); err != nil {
		return nil, err
	}
	return &private{a, net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), identity}, nil
}

// freePort returns a port that nobody listens on, for now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// dial connects to the acceptor.
func (p *private) dial(ctx context.Context) (*tls.Conn, error) {
	c, err := (&tls.Dialer{Config: p.tls}).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, err
	}
	return c.(*tls.Conn), nil
}

// newIdentity returns a configuration for both ends, each of which takes only the
// key that both have.
func newIdentity() (*tls.Config, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(253402300799, 0)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}},
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true,
		InsecureSkipVerify:     true, // VerifyConnection compares the whole certificate
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) != 1 || !bytes.Equal(s.PeerCertificates[0].Raw, cert) {
				return errors.New("fixedge: not a connection of this process")
			}
			return nil
		},
	}, nil
}

// token returns 128 random bits as digits.
func token() string { return rand.Text() }
