package peers

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"time"
)

// serverName is in the server's certificate.
const serverName = "venue.example"

// ErrNotResumed reports a handshake that was to resume a session and did not.
var ErrNotResumed = errors.New("the TLS session was not resumed")

// TLS is mutual TLS 1.3 with X25519MLKEM768: each side has a certificate of its
// own authority, and checks the other's.
type TLS struct {
	client, server *tls.Config
	authority      []byte // its certificate
	resume         bool
}

// TLSKey is what the certificates are signed with.
type TLSKey func() (crypto.Signer, error)

// P256 makes an ECDSA key on P-256.
func P256() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// Ed25519 makes an Ed25519 key.
func Ed25519() (crypto.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return key, err
}

// NewTLS returns full handshakes: there are no session tickets, which would cost
// both sides time and bytes that nobody uses.
func NewTLS(key TLSKey) (*TLS, error) {
	t, err := newTLS(key)
	if err != nil {
		return nil, err
	}
	t.server.SessionTicketsDisabled = true
	return t, nil
}

// NewResumingTLS returns handshakes that resume the session before, by the ticket
// that came with it; each brings the ticket for the next one. [TLS.Prepare] makes
// the first.
func NewResumingTLS(key TLSKey) (*TLS, error) {
	t, err := newTLS(key)
	if err != nil {
		return nil, err
	}
	t.client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	t.resume = true
	return t, nil
}

func newTLS(key TLSKey) (*TLS, error) {
	authority, err := newAuthority(key)
	if err != nil {
		return nil, err
	}
	server, err := authority.issue(key, x509.ExtKeyUsageServerAuth)
	if err != nil {
		return nil, err
	}
	client, err := authority.issue(key, x509.ExtKeyUsageClientAuth)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority.certificate)
	t := &TLS{client: baseTLS(), server: baseTLS(), authority: authority.certificate.Raw}
	t.client.Certificates, t.client.RootCAs, t.client.ServerName = []tls.Certificate{client}, roots, serverName
	t.server.Certificates, t.server.ClientCAs, t.server.ClientAuth = []tls.Certificate{server}, roots, tls.RequireAndVerifyClientCert
	return t, nil
}

func baseTLS() *tls.Config {
	return &tls.Config{
		MinVersion:       tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768},
		// Records are full from the first on, as ours are.
		DynamicRecordSizingDisabled: true,
	}
}

// Identity is what the server of a [TLS] has, for one in another process.
type Identity struct {
	Certificate []byte `json:"certificate"`
	Key         []byte `json:"key"` // PKCS #8
	Authority   []byte `json:"authority"`
}

// ServerIdentity returns what [NewTLSServer] needs.
func (t *TLS) ServerIdentity() (Identity, error) {
	certificate := t.server.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	return Identity{certificate.Certificate[0], key, t.authority}, err
}

// NewTLSServer returns a peer that is the server only, of full handshakes.
func NewTLSServer(i Identity) (*TLS, error) {
	key, err := x509.ParsePKCS8PrivateKey(i.Key)
	if err != nil {
		return nil, err
	}
	authority, err := x509.ParseCertificate(i.Authority)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	config := baseTLS()
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{i.Certificate}, PrivateKey: key}}
	config.ClientCAs, config.ClientAuth, config.SessionTicketsDisabled = roots, tls.RequireAndVerifyClientCert, true
	return &TLS{server: config, authority: i.Authority}, nil
}

// Resumes reports whether sessions are resumed.
func (t *TLS) Resumes() bool { return t.resume }

// Prepare gets a resuming peer its first ticket over a connection to its server.
func (t *TLS) Prepare(conn net.Conn) error {
	return Ask(tls.Client(conn, t.client))
}

// Client shakes hands as the client.
func (t *TLS) Client(conn net.Conn) (net.Conn, error) {
	c := tls.Client(conn, t.client)
	return c, c.Handshake()
}

// Server shakes hands as the server.
func (t *TLS) Server(conn net.Conn) (net.Conn, error) {
	c := tls.Server(conn, t.server)
	return c, c.Handshake()
}

// Serve implements [Peer].
func (t *TLS) Serve(conn net.Conn) error {
	c := tls.Server(conn, t.server)
	if err := c.Handshake(); err != nil {
		return err
	}
	return Answer(c)
}

// Open implements [Peer]. It returns [ErrNotResumed] if it should have resumed a
// session and did not.
func (t *TLS) Open(conn net.Conn) error {
	c := tls.Client(conn, t.client)
	if err := c.Handshake(); err != nil {
		return err
	}
	if t.resume && !c.ConnectionState().DidResume {
		return ErrNotResumed
	}
	return Ask(c)
}

// authority signs certificates.
type authority struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

func newAuthority(makeKey TLSKey) (*authority, error) {
	key, err := makeKey()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{key: key, certificate: certificate}, nil
}

// issue makes a key and a certificate of it, with as few fields as possible.
func (a *authority) issue(makeKey TLSKey, usage x509.ExtKeyUsage) (tls.Certificate, error) {
	key, err := makeKey()
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{serverName}, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
