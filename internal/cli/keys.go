package cli

import (
	"context"
	"encoding/hex"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/keys/signer"
)

func (a *app) keysCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "keys [URI]",
		GroupID: groupMember,
		Short:   "list the kinds of keys that can be a member, or look at one",
		Long: `Keys lists the kinds of keys that can be a member of a registry, and how each is
named on a command line, as in "zkkex enroll --key URI". With a URI it opens
that key and says what it is, without having it sign.

Where a key is named in part, and several fit, the message lists them.`,
		Example: `  zkkex keys
  zkkex keys ssh-agent:desk
  zkkex keys file:key.pem --json`,
		Args: arguments(0, 1, "the URI of a key"),
	}
	var f deviceFlags
	c.Flags().StringVar(&f.pinFile, "pin-file", "", "read PIN or passphrase of the key from `FILE`\n(default $"+pinEnv+", or the terminal)")
	c.ValidArgsFunction = completeSchemes
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		if len(args) == 0 {
			return newSchemesResult(), nil
		}
		f.uri = args[0]
		return a.lookAtKey(ctx, &f)
	})
	return c
}

// schemesResult are the kinds of keys.
type schemesResult struct {
	Schemes []schemeResult `json:"schemes"`
}

type schemeResult struct {
	Name      string `json:"name"`
	Usage     string `json:"usage"`
	Example   string `json:"example,omitempty"`
	Available bool   `json:"available"`
}

func newSchemesResult() (r schemesResult) {
	for _, s := range signer.Schemes() {
		r.Schemes = append(r.Schemes, schemeResult(s))
	}
	return r
}

func (r schemesResult) text() string {
	var t table
	for _, s := range r.Schemes {
		t.add(s.Name, "%s", s.Usage)
		if s.Available {
			t.add("", "such as %s", s.Example)
		}
	}
	return t.String()
}

// deviceKeyResult is what can be said of a key without a signature.
type deviceKeyResult struct {
	Name     string `json:"name"`
	KeyType  string `json:"key_type"`
	Envelope string `json:"envelope"`
	// PublicKey is empty of a wallet, which tells it by signing alone.
	PublicKey  string `json:"public_key,omitempty"`
	Exportable bool   `json:"exportable"`
	Derives    bool   `json:"derives"`
}

func (a *app) lookAtKey(ctx context.Context, f *deviceFlags) (result, error) {
	device, err := a.openDevice(ctx, f)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	_, exportable := device.(signer.ScalarHolder)
	_, derives := device.(signer.Deriver)
	return deviceKeyResult{
		Name: device.Name(), KeyType: device.KeyType().String(), Envelope: device.Envelope().String(),
		PublicKey: hex.EncodeToString(device.PublicKey()), Exportable: exportable, Derives: derives,
	}, nil
}

func (r deviceKeyResult) text() string {
	var t table
	t.add("key", "%s", r.Name)
	t.add("type", "%s", r.KeyType)
	t.add("signs as", "%s", r.Envelope)
	if r.PublicKey == "" {
		t.add("public key", "told by a signature alone")
	} else {
		t.add("public key", "%s", r.PublicKey)
	}
	if r.Exportable {
		t.add("secret", "in a file: whoever reads it has the key")
	}
	return t.String()
}
