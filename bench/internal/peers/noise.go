package peers

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"io"
	"net"

	flynn "github.com/flynn/noise"
)

// ErrStranger reports a client whose static key is not the known one.
var ErrStranger = errors.New("the client's key is not known")

// Noise is flynn/noise's IK, classical: X25519, AES-256-GCM and BLAKE2s, each
// message behind its length in two bytes. The server knows one client's key.
type Noise struct {
	suite          flynn.CipherSuite
	client, server flynn.DHKey
}

// NewNoise returns a peer with fresh keys.
func NewNoise() (*Noise, error) {
	n := &Noise{suite: flynn.NewCipherSuite(flynn.DH25519, flynn.CipherAESGCM, flynn.HashBLAKE2s)}
	var err error
	if n.client, err = n.suite.GenerateKeypair(rand.Reader); err != nil {
		return nil, err
	}
	n.server, err = n.suite.GenerateKeypair(rand.Reader)
	return n, err
}

func (n *Noise) begin(initiator bool, key flynn.DHKey) (*flynn.HandshakeState, error) {
	c := flynn.Config{CipherSuite: n.suite, Pattern: flynn.HandshakeIK, Initiator: initiator, StaticKeypair: key}
	if initiator {
		c.PeerStatic = n.server.Public
	}
	return flynn.NewHandshakeState(c)
}

// Open implements [Peer].
func (n *Noise) Open(conn net.Conn) error {
	h, err := n.begin(true, n.client)
	if err != nil {
		return err
	}
	first, _, _, err := h.WriteMessage(make([]byte, 2), nil)
	if err != nil {
		return err
	}
	if err := writeFrame(conn, first); err != nil {
		return err
	}
	second, err := readFrame(conn)
	if err != nil {
		return err
	}
	_, send, receive, err := h.ReadMessage(nil, second)
	if err != nil {
		return err
	}
	return Ask(&noiseStream{conn, send, receive})
}

// Serve implements [Peer]. It returns [ErrStranger] for a client it does not know.
func (n *Noise) Serve(conn net.Conn) error {
	h, err := n.begin(false, n.server)
	if err != nil {
		return err
	}
	first, err := readFrame(conn)
	if err != nil {
		return err
	}
	if _, _, _, err := h.ReadMessage(nil, first); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(h.PeerStatic(), n.client.Public) != 1 {
		return ErrStranger
	}
	second, receive, send, err := h.WriteMessage(make([]byte, 2), nil)
	if err != nil {
		return err
	}
	if err := writeFrame(conn, second); err != nil {
		return err
	}
	return Answer(&noiseStream{conn, send, receive})
}

// noiseStream carries one short message per call.
type noiseStream struct {
	conn          net.Conn
	send, receive *flynn.CipherState
}

// Write implements [io.Writer].
func (s *noiseStream) Write(b []byte) (int, error) {
	frame, err := s.send.Encrypt(make([]byte, 2), nil, b)
	if err != nil {
		return 0, err
	}
	return len(b), writeFrame(s.conn, frame)
}

// Read implements [io.Reader]. It returns [io.ErrShortBuffer] for a message that is
// longer than b.
func (s *noiseStream) Read(b []byte) (int, error) {
	frame, err := readFrame(s.conn)
	if err != nil {
		return 0, err
	}
	text, err := s.receive.Decrypt(nil, nil, frame)
	if err != nil {
		return 0, err
	}
	if len(text) > len(b) {
		return 0, io.ErrShortBuffer
	}
	return copy(b, text), nil
}

// writeFrame fills the length in before a message, in the two bytes left for it.
func writeFrame(w io.Writer, frame []byte) error {
	binary.BigEndian.PutUint16(frame, uint16(len(frame)-2))
	_, err := w.Write(frame)
	return err
}

func readFrame(r io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}
