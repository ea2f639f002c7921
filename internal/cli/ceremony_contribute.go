package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/setup/ceremony"
)

// Limits of what a contributor names, in bytes.
const (
	maxSSHKey  = 64 << 10
	maxEntropy = 64 << 10
)

// agentEnv names the socket of the SSH agent.
const agentEnv = "SSH_AUTH_SOCK"

// contribution are the flags of contribute.
type contribution struct {
	name, sign, entropy string
	again               bool
}

func (a *app) ceremonyContributeCommand() *cobra.Command {
	var o contribution
	c := &cobra.Command{
		Use:   "contribute DIR",
		Short: "add your secrets to a ceremony, and forget them",
		Long: `Contribute checks everything that is there, draws secrets, makes the next file
with them, and forgets them. Send the file to the others, and publish its
digest. The first contribution to phase 2 takes the longest, some tens of
seconds, for it works out where that phase begins; so does whoever checks it.

The secrets come from the operating system's generator, with whatever you add:
type anything when you are asked, or name a file. Nothing secret is written to
a disk. If it is interrupted, nothing is there, and you begin anew.

With --sign, an SSH key (ssh-ed25519) signs the file, so that others can tell
that it is yours. Its file can be the private key, or the public one if an SSH
agent has the other; --passphrase-file has the passphrase of an encrypted one.
Who signs at all phases shows that one person was there
for each.`,
		Example: `  zkkex setup ceremony contribute ceremony --name Alice --sign ~/.ssh/id_ed25519
  zkkex setup ceremony contribute ceremony --name Alice --sign ~/.ssh/id_ed25519.pub
  zkkex setup ceremony contribute ceremony --name Alice --entropy-file dice.txt`,
		Args:              arguments(1, 1, "the folder DIR"),
		ValidArgsFunction: firstFolder,
	}
	f := c.Flags()
	f.StringVar(&o.name, "name", "", "contribute as `NAME`, at most 64 characters")
	f.StringVar(&o.sign, "sign", "", "sign with the SSH key in `FILE`")
	f.StringVar(&o.entropy, "entropy-file", "", "mix the bytes of `FILE` into the secrets, at most 64 KiB")
	f.BoolVar(&o.again, "again", false, "check also what this machine has checked before")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) { return a.contribute(ctx, args[0], o) })
	return c
}

func (a *app) contribute(ctx context.Context, dir string, o contribution) (result, error) {
	if o.name == "" {
		return nil, usagef("say who contributes with --name NAME")
	}
	c, err := openCeremony(dir, o.again)
	if err != nil {
		return nil, err
	}
	if s := c.Status(); s.Complete() {
		return nil, withHint(fmt.Errorf("%w: both phases are closed", ceremony.ErrNotNow), "%s", nextStep(dir, &s))
	}
	a.warnAgain(c, o.name)
	who := ceremony.Contributor{Name: o.name}
	if o.sign != "" {
		var end func()
		if who.Signer, end, err = a.sshSigner(ctx, o.sign); err != nil {
			return nil, fmt.Errorf("--sign %s: %w", o.sign, err)
		}
		defer end()
	}
	if who.Entropy, err = a.entropy(ctx, o.entropy); err != nil {
		return nil, err
	}
	defer clear(who.Entropy)
	report, end := a.bar()
	defer end()
	receipt, err := c.Contribute(ctx, who, report)
	if err != nil {
		return nil, explainStep(dir, c, err)
	}
	end()
	a.notef("publish the digest, and send %s to the others, to lie in their folders", filepath.Join(dir, receipt.File))
	return &receiptResult{Dir: dir, Number: receipt.Number, Phase: receipt.Phase, File: receipt.File, Digest: receipt.Digest.String(), Signed: o.sign != ""}, nil
}

// warnAgain warns who contributes to a phase for the second time: it does no harm,
// and is rarely meant.
func (a *app) warnAgain(c *ceremony.Ceremony, name string) {
	s := c.Status()
	for _, e := range s.Entries {
		if e.Phase == s.Phase && e.Kind == ceremony.Contribution && e.Contributor == name {
			a.warnf("%s is a contribution to phase %d by %q already: this makes one more", e.File, s.Phase, name)
			return
		}
	}
}

// entropy returns what the user adds, which may be nothing.
func (a *app) entropy(ctx context.Context, name string) ([]byte, error) {
	if name != "" {
		return a.read(name, "entropy", maxEntropy)
	}
	typed, err := a.env.ReadPassword(ctx, "Type anything, as randomly as you like (it is not shown), and press Enter: ")
	if errors.Is(err, ErrNoTerminal) {
		return nil, nil
	}
	return []byte(typed), err
}

// sshSigner returns the signer of a private key's file, or the agent's of a public
// key's, and what ends its use.
func (a *app) sshSigner(ctx context.Context, name string) (ssh.Signer, func(), error) {
	text, err := a.read(name, "SSH key", maxSSHKey)
	if err != nil {
		return nil, nil, err
	}
	defer clear(text)
	if public, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		return a.agentSigner(public)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if errors.As(err, new(*ssh.PassphraseMissingError)) {
		a.notef("the SSH key %s is encrypted, and needs its own passphrase", name)
		passphrase, askErr := a.passphrase(ctx)()
		if askErr != nil {
			return nil, nil, askErr
		}
		secret := []byte(passphrase)
		defer clear(secret)
		signer, err = ssh.ParsePrivateKeyWithPassphrase(text, secret)
		a.doneWaiting()
	}
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, nil, withHint(fmt.Errorf("%w of the SSH key", keys.ErrPassphrase),
			"the passphrase is that of the SSH key, from --passphrase-file or %s where they are set; an SSH agent needs none: name the public key", passphraseEnv)
	}
	if err != nil {
		return nil, nil, &zkkex.ParseError{Format: "SSH key", Err: errors.New("expected a private key of OpenSSH, or a public one that the SSH agent has: " + strings.TrimPrefix(err.Error(), "ssh: "))}
	}
	return signer, func() {}, checkKeyType(signer.PublicKey())
}

// checkKeyType refuses keys that no contribution is signed with.
func checkKeyType(key ssh.PublicKey) error {
	if key.Type() == ssh.KeyAlgoED25519 {
		return nil
	}
	return withHint(fmt.Errorf("%w: an SSH key of type %s, expected %s", zkkex.ErrUnsupported, key.Type(), ssh.KeyAlgoED25519),
		"ssh-keygen -t ed25519 -f FILE makes one")
}

func (a *app) agentSigner(public ssh.PublicKey) (ssh.Signer, func(), error) {
	if err := checkKeyType(public); err != nil {
		return nil, nil, err
	}
	socket := a.env.Getenv(agentEnv)
	if socket == "" {
		return nil, nil, withHint(errors.New("this is a public key, and no SSH agent runs to sign for it"),
			"name the file of the private key, or start ssh-agent and add the key with ssh-add")
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, nil, fmt.Errorf("the SSH agent at $%s: %w", agentEnv, err)
	}
	end := func() { _ = conn.Close() }
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		end()
		return nil, nil, fmt.Errorf("the SSH agent at $%s: %w", agentEnv, err)
	}
	for _, s := range signers {
		if string(s.PublicKey().Marshal()) == string(public.Marshal()) {
			return s, end, nil
		}
	}
	end()
	return nil, nil, withHint(fmt.Errorf("the SSH agent has %d keys, and not this one", len(signers)), "add it with ssh-add, or name the file of the private key")
}

// receiptResult is a file that was added.
type receiptResult struct {
	Dir    string `json:"dir"`
	Number int    `json:"number"`
	Phase  int    `json:"phase"`
	File   string `json:"file"`
	Digest string `json:"sha256"`
	Signed bool   `json:"signed"`
}

func (r *receiptResult) text() string {
	var t table
	t.add("file", "%s", filepath.Join(r.Dir, r.File))
	t.add("phase", "%d", r.Phase)
	t.add("SHA-256", "%s", r.Digest)
	return t.String()
}
