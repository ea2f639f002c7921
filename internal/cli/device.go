package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment/enrolclient"
	"github.com/zkkex/zkkex/keys/signer"
	_ "github.com/zkkex/zkkex/keys/signer/all" // every kind of key
	"github.com/zkkex/zkkex/member"
)

// pinEnv names the variable that --pin-file defaults to.
const pinEnv = "ZKKEX_PIN_FILE"

// defaultPeriod is how long a delegation lasts, if nothing is said.
const defaultPeriod = 24 * time.Hour

// deviceFlags name a key that stays where it is.
type deviceFlags struct {
	uri, pinFile string
	period       time.Duration
}

func (f *deviceFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.uri, "key", "", "let the key at `URI` be the member, and delegate; see \"zkkex keys\"")
	c.Flags().DurationVar(&f.period, "for", defaultPeriod, "with --key, how long the delegation lasts")
	c.Flags().StringVar(&f.pinFile, "pin-file", "", "with --key, read PIN or passphrase of that key from `FILE`\n(default $"+pinEnv+", or the terminal)")
	_ = c.RegisterFlagCompletionFunc("key", completeSchemes)
}

// completeSchemes offers how URIs of keys begin.
func completeSchemes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var begins []string
	for _, s := range signer.Schemes() {
		if s.Available {
			begins = append(begins, s.Name+":\t"+s.Usage)
		}
	}
	return begins, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

func (f *deviceFlags) check() error {
	if f.uri == "" && f.pinFile != "" {
		return usagef("--pin-file is for a key that --key names")
	}
	if f.period < time.Minute {
		return usagef("--for %v: expected at least a minute; the registrar says how much at most", f.period)
	}
	return nil
}

// openDevice opens the key that flags name. A PIN is asked for once: devices count.
func (a *app) openDevice(ctx context.Context, f *deviceFlags) (signer.Signer, error) {
	dial, err := a.dial()
	if err != nil {
		return nil, err
	}
	return signer.Open(ctx, f.uri, signer.Options{
		PIN: func(what string) (string, error) {
			a.doneWaiting() // while a person types
			if name := f.pinName(a); name != "" {
				return a.readSecret(name, "--pin-file, or $"+pinEnv)
			}
			pin, err := a.env.ReadPassword(ctx, "Enter "+what+": ")
			if errors.Is(err, ErrNoTerminal) {
				err = withHint(err, "give --pin-file FILE, or set %s", pinEnv)
			}
			return pin, err
		},
		Unattended: f.pinName(a) != "",
		Notify: func(text string) {
			a.doneWaiting()
			a.notef("%s", text)
		},
		Dial: dial,
	})
}

func (f *deviceFlags) pinName(a *app) string {
	if f.pinFile != "" {
		return f.pinFile
	}
	return a.env.Getenv(pinEnv)
}

// askWithDevice makes a request that a device signs.
func (a *app) askWithDevice(ctx context.Context, m *member.Member, id zkkex.RegistryID, o *enrollOptions) (enrolclient.Status, error) {
	device, err := a.openDevice(ctx, &o.device)
	if err != nil {
		return enrolclient.Status{}, err
	}
	defer device.Close()
	a.notef("%s is to sign that your key may act for it until %s", device.Name(), a.env.Now().Add(o.device.period).UTC().Format(time.RFC3339))
	if strings.HasPrefix(o.device.uri, "threshold:") {
		a.notef("it takes participants that run zkkex threshold serve, which shows them the leaf %v", m.Public().Commitment())
	}
	defer a.progress("asking the registrar")()
	enrol := m.EnrolDevice
	if o.again {
		enrol = m.EnrolDeviceAgain
	}
	s, err := enrol(ctx, id, device, a.env.Now().Add(o.device.period))
	if errors.Is(err, member.ErrOtherDevice) {
		err = withHint(err, "if the registrar has revoked that device's key: zkkex sync; otherwise it must, or use another state directory with --home")
	}
	return s, err
}

// renewable reports whether a delegation is to be renewed: half of the period to come
// has passed, or there is none.
func (a *app) renewable(s *member.Status, period time.Duration) bool {
	if s.Delegation == nil {
		return true
	}
	return time.Unix(s.Delegation.Delegation.Until, 0).Sub(a.env.Now()) < period/2
}

// rfc3339 shows Unix seconds.
func rfc3339(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }
