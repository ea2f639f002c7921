package ceremony

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
	"github.com/zkkex/zkkex/setup/params"
)

// LockFile is the file in a ceremony's folder by which processes keep out of one
// another's way. It is no part of the ceremony.
const LockFile = ".lock"

// Contribute adds a contribution: it verifies what is there, draws secrets, makes
// the next file with them and forgets them. The file is in the folder when
// Contribute returns, complete, or not at all. It returns an error wrapping
// [ErrNotNow] if both phases are closed, [filelock.ErrLocked] if another process
// contributes in this folder, [zkkex.ErrMalformed] for a name that cannot be
// shown, and those of [Open] and [Ceremony.Verify].
func (c *Ceremony) Contribute(ctx context.Context, who Contributor, progress Progress) (*Receipt, error) {
	header := Header{Kind: Contribution, Contributor: who.Name}
	if err := checkText(who.Name, MaxName); err != nil {
		return nil, malformed("contributor's name", "%w", err)
	}
	if who.Signer != nil {
		header.Key = formatKey(who.Signer.PublicKey())
		if _, err := parseKey(header.Key); err != nil {
			return nil, err
		}
	}
	return c.add(ctx, header, who.Signer, progress, func(r *replay, o *order) ([]byte, error) {
		return r.contribute(ctx, o, who.Entropy)
	})
}

// Beacon adds a beacon, which closes the phase under way: a public value that
// nobody could know before the last contribution was published, such as the
// randomness of a drand round that was announced. source says where everybody
// finds it, and value is 16 to 256 bytes. Errors are those of
// [Ceremony.Contribute]; [ErrNotNow] also if nobody has contributed to the phase.
func (c *Ceremony) Beacon(ctx context.Context, source string, value []byte, progress Progress) (*Receipt, error) {
	header := Header{Kind: Beacon, Beacon: &BeaconValue{Source: source, Value: value}, Payload: params.Describe(nil)}
	if err := header.checkBeacon(); err != nil {
		return nil, err
	}
	return c.add(ctx, header, nil, progress, func(*replay, *order) ([]byte, error) { return nil, nil })
}

// add writes the next file, with the folder locked and what is there verified.
func (c *Ceremony) add(ctx context.Context, header Header, signer ssh.Signer, progress Progress, payload func(*replay, *order) ([]byte, error)) (_ *Receipt, err error) {
	if c.dir == "" {
		return nil, fmt.Errorf("%w: the ceremony was opened for reading", ErrNotNow)
	}
	lock, err := filelock.Acquire(filepath.Join(c.dir, LockFile))
	if err != nil {
		return nil, fmt.Errorf("contributing: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	if err := c.read(); err != nil { // others may have added files
		return nil, err
	}
	o := c.order()
	if err := o.admits(&header); err != nil {
		return nil, err
	}
	r, err := newReplay(c, progress)
	if err != nil {
		return nil, err
	}
	if _, err := r.verify(ctx); err != nil {
		return nil, err
	}
	made, err := payload(r, &o)
	if err != nil {
		return nil, err
	}
	return c.write(o, header, signer, made)
}

// admits returns an error unless something of the header's kind can come next.
func (o *order) admits(h *Header) error {
	switch {
	case o.phase == complete:
		return fmt.Errorf("%w: beacon number %d closed the ceremony; seal it", ErrNotNow, o.number)
	case o.number == MaxNumber:
		return fmt.Errorf("%w: %d files are all that a ceremony takes", ErrNotNow, MaxNumber)
	case h.Kind == Beacon && o.made[o.phase] == 0:
		return fmt.Errorf("%w: nobody has contributed to phase %d; everybody knows what a beacon does, so closing it now would let everybody forge", ErrNotNow, o.phase)
	}
	if h.Kind == Beacon {
		if want := o.definition.Announced(o.phase); want != "" && want != h.Beacon.Source {
			return fmt.Errorf("%w: the beacon announced for phase %d is %q, got one from %q", ErrNotNow, o.phase, want, h.Beacon.Source)
		}
	}
	return nil
}

// contribute returns the payload of the next contribution, which it verifies as
// everybody else will.
func (r *replay) contribute(ctx context.Context, o *order, entropy []byte) ([]byte, error) {
	const step = "contributing"
	if o.phase == 1 {
		r.meter = newMeter(r.progress, step, costMake1+costVerify1)
		previous, err := r.phase1(o.number)
		if err != nil {
			return nil, err
		}
		return contribute(ctx, previous, entropy, r.meter, costMake1)
	}
	total := costMake2 + costVerify2
	if o.made[2] == 0 {
		total += sum(r.beginning())
	}
	r.meter = newMeter(r.progress, step, total)
	previous, err := r.phase2(ctx, o.number)
	if err != nil {
		return nil, err
	}
	return contribute(ctx, previous, entropy, r.meter, costMake2)
}

// state is a phase as it is after a contribution.
type state[S any] interface {
	Bytes() []byte
	Contribute(ctx context.Context, entropy []byte, progress mpc.Progress) (S, error)
	Verify(ctx context.Context, next S) error
}

func contribute[S state[S]](ctx context.Context, previous S, entropy []byte, m *meter, cost int) ([]byte, error) {
	within, end := m.part(cost)
	next, err := previous.Contribute(ctx, entropy, within)
	if err != nil {
		return nil, err
	}
	end()
	if err := previous.Verify(ctx, next); err != nil {
		return nil, fmt.Errorf("what this machine computed does not verify; contribute on another: %w", err)
	}
	m.end()
	return next.Bytes(), nil
}

// write completes the header, signs it and writes the file.
func (c *Ceremony) write(o order, h Header, signer ssh.Signer, payload []byte) (*Receipt, error) {
	h.Format = HeaderFormat
	h.Ceremony = c.digest
	h.Circuit = c.definition.Circuit.Name
	h.Phase = o.phase
	h.Number = o.number + 1
	h.Previous = o.previous
	h.Created = c.now().UTC().Truncate(time.Second)
	h.Payload = params.Describe(payload)
	p := Preamble{Header: h}
	if signer != nil {
		encoded, err := h.Bytes()
		if err != nil {
			return nil, err
		}
		if p.Signature, err = sshsig.Sign(signer, Namespace, encoded); err != nil {
			return nil, err
		}
	}
	b, err := p.Bytes()
	if err != nil {
		return nil, err
	}
	offset := int64(len(b))
	b = append(b, payload...)
	f := file{Preamble: p, name: FileName(h.Number), content: params.Describe(b), payload: offset}
	if r := o.accept(&f.Header, f.content.SHA256); r != nil {
		return nil, f.error(r.check, r.err)
	}
	if err := atomicfile.Create(filepath.Join(c.dir, f.name), b, 0o644); err != nil {
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%w: it came meanwhile; contribute again, upon it", err)
		}
		return nil, fmt.Errorf("contributing: %w", err)
	}
	c.files = append(c.files, f)
	c.cache.add(f.content.SHA256)
	return &Receipt{Number: h.Number, Phase: h.Phase, File: f.name, Digest: f.content.SHA256}, nil
}
