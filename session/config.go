package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
)

// Bounds of a pool.
const (
	// DefaultPoolSize is how many certificates are kept ready. Each is a proof
	// made ahead, and a slot that is lost if the process ends before it is used.
	DefaultPoolSize = 2
	// MaxPoolSize is how many can be kept ready.
	MaxPoolSize = 64
	// NoneAhead is the size of a pool that makes certificates only when one is
	// asked for.
	NoneAhead = -1
	// MaxWaiters is how many callers can wait for a certificate at a time.
	MaxWaiters = 64
	// DefaultAdmitSpread is the time within which a certificate is admitted
	// after it was made.
	DefaultAdmitSpread = 10 * time.Minute
	// MaxAdmitSpread bounds it.
	MaxAdmitSpread = 24 * time.Hour
)

// PoolConfig says what a pool is made of.
type PoolConfig struct {
	// Prover makes the proofs. It takes a slot durably before it proves, and
	// must prove against the root of the terms that the claim's scope is of.
	Prover zkkex.Prover
	// Terms knows the venue's terms.
	Terms TermsSource
	// Size is how many certificates are kept ready, [DefaultPoolSize] if it is
	// 0, at most [MaxPoolSize], or [NoneAhead].
	Size int
	// Admit shows a certificate to the venue ahead of its use. If it is nil,
	// certificates are admitted when they are opened.
	Admit Admitter
	// AdmitSpread is the time within which a certificate is admitted after it
	// was made, at a random moment: [DefaultAdmitSpread] if it is 0, at most
	// [MaxAdmitSpread]. The longer, the less an admission tells.
	AdmitSpread time.Duration
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// complete checks c and fills in what was left out.
func (c *PoolConfig) complete() error {
	if c.Prover == nil || c.Terms == nil {
		return errors.New("session: a pool needs a prover and a source of terms")
	}
	if c.Size < NoneAhead || c.Size > MaxPoolSize {
		return fmt.Errorf("session: pool size %d, expected %d to %d", c.Size, NoneAhead, MaxPoolSize)
	}
	if c.AdmitSpread < 0 || c.AdmitSpread > MaxAdmitSpread {
		return fmt.Errorf("session: certificates admitted within %v, expected at most %v", c.AdmitSpread, MaxAdmitSpread)
	}
	switch c.Size {
	case 0:
		c.Size = DefaultPoolSize
	case NoneAhead:
		c.Size = 0
	}
	if c.AdmitSpread == 0 {
		c.AdmitSpread = DefaultAdmitSpread
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}
