package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
)

// authorizationFlags say what a proof authorises, beside a file that is named
// as an argument.
type authorizationFlags struct {
	message    string
	sessionKey string
	command    *cobra.Command
}

func (f *authorizationFlags) register(c *cobra.Command) {
	f.command = c
	c.Flags().StringVar(&f.message, "message", "", "authorise this `STRING`, instead of a file")
	c.Flags().StringVar(&f.sessionKey, "session-key", "", "authorise this X25519 public key, 64 hexadecimal digits `HEX`, instead of a file")
}

// authorization returns what is authorised: the file named by the only element
// of files, or a flag.
func (a *app) authorization(f *authorizationFlags, files []string) (zkkex.Authorization, error) {
	var none zkkex.Authorization
	hasMessage, hasKey := f.command.Flags().Changed("message"), f.command.Flags().Changed("session-key")
	given := len(files)
	for _, has := range []bool{hasMessage, hasKey} {
		if has {
			given++
		}
	}
	if given != 1 {
		return none, withHint(usagef("say what the proof authorises, once: a file, --message or --session-key"),
			"a proof is good for one thing alone, so that nobody can use it for another")
	}
	switch {
	case hasMessage:
		return zkkex.Message(strings.NewReader(f.message))
	case hasKey:
		key, err := zkkex.ParseHex(f.sessionKey)
		if err != nil {
			return none, usagef("--session-key: %w", err)
		}
		return zkkex.SessionKey(key), nil
	}
	file, err := a.open(files[0], "what the proof authorises")
	if err != nil {
		return none, err
	}
	defer file.Close()
	return zkkex.Message(file)
}
