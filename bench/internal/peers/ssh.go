package peers

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"

	"golang.org/x/crypto/ssh"
)

// sshRequest is a global request that every server may answer.
const sshRequest = "keepalive@openssh.com"

// SSH is golang.org/x/crypto/ssh as it comes: Ed25519 keys on both sides, the
// default key exchange, and a global request for the question.
type SSH struct {
	client *ssh.ClientConfig
	server *ssh.ServerConfig
}

// NewSSH returns a peer with fresh keys.
func NewSSH() (*SSH, error) {
	host, err := newSSHKey()
	if err != nil {
		return nil, err
	}
	user, err := newSSHKey()
	if err != nil {
		return nil, err
	}
	known := user.PublicKey().Marshal()
	s := &SSH{
		client: &ssh.ClientConfig{
			User: "member", Auth: []ssh.AuthMethod{ssh.PublicKeys(user)},
			HostKeyCallback: ssh.FixedHostKey(host.PublicKey()), HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		},
		server: &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !bytes.Equal(key.Marshal(), known) {
				return nil, ErrStranger
			}
			return nil, nil
		}},
	}
	s.server.AddHostKey(host)
	return s, nil
}

func newSSHKey() (ssh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}

// Serve implements [Peer]. It answers global requests with what they carried.
func (s *SSH) Serve(conn net.Conn) error {
	c, channels, requests, err := ssh.NewServerConn(conn, s.server)
	if err != nil {
		return err
	}
	go refuse(channels)
	for r := range requests {
		if err := r.Reply(true, r.Payload); err != nil && !ended(err) {
			return err
		}
	}
	if err := c.Wait(); !ended(err) {
		return err
	}
	return nil
}

// Open implements [Peer].
func (s *SSH) Open(conn net.Conn) error {
	c, channels, requests, err := ssh.NewClientConn(conn, conn.RemoteAddr().String(), s.client)
	if err != nil {
		return err
	}
	go refuse(channels)
	go ssh.DiscardRequests(requests)
	ok, answer, err := c.SendRequest(sshRequest, true, []byte{question})
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("the SSH server refused the request")
	}
	return check(answer)
}

func refuse(channels <-chan ssh.NewChannel) {
	for c := range channels {
		_ = c.Reject(ssh.Prohibited, "there are none")
	}
}
