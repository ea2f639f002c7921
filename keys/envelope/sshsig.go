package envelope

import (
	"crypto/sha512"

	"golang.org/x/crypto/ssh"
)

// SSHNamespace returns the namespace of a message's SSH signature. It is zkkex's own:
// neither a login nor a signature of a file or a commit has it.
func SSHNamespace(p Purpose) string { return "zkkex-" + p.String() }

// SSHBlob returns what an ssh-agent is asked to sign: the signed data of OpenSSH's
// PROTOCOL.sshsig, with [SSHNamespace] and the SHA-512 of the message's digest in the
// envelope [Raw]. It begins with "SSHSIG", which no authentication request does:
// those begin with the length of a session identifier. It returns an error as
// [Kind.Digest] does.
func SSHBlob(m *Message) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	return sshBlob(m), nil
}

func sshBlob(m *Message) []byte {
	digest := m.digest()
	hash := sha512.Sum512(digest[:])
	return append([]byte("SSHSIG"), ssh.Marshal(struct {
		Namespace, Reserved, HashAlgorithm string
		Hash                               []byte
	}{SSHNamespace(m.Purpose), "", "sha512", hash[:]})...)
}
