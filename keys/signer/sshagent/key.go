package sshagent

import (
	"context"
	"fmt"
	"math/big"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

var scheme = signer.Scheme{
	Name:      "ssh-agent",
	Usage:     "ssh-agent:FINGERPRINT or ssh-agent:COMMENT, an ecdsa-sha2-nistp256 key in the agent at SSH_AUTH_SOCK",
	Example:   "ssh-agent:SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
	Available: true,
}

func init() { signer.Register(scheme, open) }

// key is a key in an agent, and a [signer.Signer]. It keeps no connection: each
// signature makes one.
type key struct {
	place  place
	agents *agent.Key
	public eckey.PublicKey
	closed atomic.Bool
}

// open opens the key that a fingerprint or a comment names.
func open(ctx context.Context, name string, _ *signer.Options) (signer.Signer, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	p, err := find()
	if err != nil {
		return nil, err
	}
	keys, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	chosen, err := choose(keys, name)
	if err != nil {
		return nil, err
	}
	public, err := publicKey(chosen)
	if err != nil {
		return nil, err
	}
	return &key{place: p, agents: chosen, public: public}, nil
}

// KeyType returns [zkkex.KeyP256].
func (k *key) KeyType() zkkex.KeyType { return zkkex.KeyP256 }

// Envelope returns [envelope.SSHSIG].
func (k *key) Envelope() envelope.Kind { return envelope.SSHSIG }

// PublicKey returns the compressed public key.
func (k *key) PublicKey() []byte {
	b := k.public.Bytes()
	return b[:]
}

// Name names the key by comment and fingerprint.
func (k *key) Name() string {
	return fmt.Sprintf("ssh-agent's key %.64q, %s", k.agents.Comment, ssh.FingerprintSHA256(k.agents))
}

// Sign signs a message. See [signer.Signer].
func (k *key) Sign(ctx context.Context, m *envelope.Message) (*signer.Signature, error) {
	if k.closed.Load() {
		return nil, signer.ErrClosed
	}
	blob, err := envelope.SSHBlob(m)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sig, err := k.place.sign(ctx, k.agents, blob)
	if err != nil {
		return nil, err
	}
	r, s, err := scalars(sig)
	if err != nil {
		return nil, err
	}
	return signer.NewECDSA(zkkex.KeyP256, envelope.SSHSIG, k.PublicKey(), m, r, s)
}

// maxSignature bounds r and s as SSH writes them: two lengths, and 33 bytes each.
const maxSignature = 2 * (4 + 33)

// scalars decodes a signature (RFC 5656, section 3.1.2). It returns an error wrapping
// [signer.ErrBadSignature].
func scalars(sig *ssh.Signature) (r, s *big.Int, err error) {
	if sig.Format != ssh.KeyAlgoECDSA256 || len(sig.Rest) != 0 {
		return nil, nil, fmt.Errorf("%w: the ssh-agent gave one of type %.64q, expected %s", signer.ErrBadSignature, sig.Format, ssh.KeyAlgoECDSA256)
	}
	var both struct{ R, S *big.Int }
	if len(sig.Blob) > maxSignature || ssh.Unmarshal(sig.Blob, &both) != nil || string(ssh.Marshal(&both)) != string(sig.Blob) {
		return nil, nil, fmt.Errorf("%w: the ssh-agent gave no two numbers in %d bytes", signer.ErrBadSignature, len(sig.Blob))
	}
	return both.R, both.S, nil
}

// Close has no more signed.
func (k *key) Close() error {
	k.closed.Store(true)
	return nil
}
