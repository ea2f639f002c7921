package ceremony

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/setup/params"
)

// Seal verifies the ceremony and writes the parameter set that it made to the
// folder dir, which must not exist: it is there complete, or not at all. Everyone
// who seals the same ceremony gets the same bytes, and so the same params digest.
// It returns a [FileError] of [CheckBeacon] if the ceremony is not complete, an
// error wrapping [os.ErrExist] if dir is there already, and those of
// [Ceremony.Verify].
func (c *Ceremony) Seal(ctx context.Context, dir string, progress Progress) (*params.Manifest, error) {
	if err := absent(dir); err != nil {
		return nil, fmt.Errorf("writing parameters: %w", err)
	}
	files, manifest, err := c.set(ctx, progress)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.CreateFolder(dir, files); err != nil {
		return nil, fmt.Errorf("writing parameters to %s: %w", dir, err)
	}
	return manifest, nil
}

// set returns the files of the parameter set, by name.
func (c *Ceremony) set(ctx context.Context, progress Progress) (map[string][]byte, *params.Manifest, error) {
	s := c.Status()
	if !s.Complete() {
		return nil, nil, c.unfinished(&s)
	}
	pk, vk, err := c.keys(ctx, progress)
	if err != nil {
		return nil, nil, err
	}
	transcript, err := c.Transcript()
	if err != nil {
		return nil, nil, err
	}
	last := s.Entries[len(s.Entries)-1]
	manifest := &params.Manifest{
		Format:       params.Format,
		Kind:         c.definition.Kind,
		Created:      last.Created,
		ProofSystem:  params.ProofSystem,
		Curve:        params.Curve,
		Circuit:      c.definition.Circuit,
		ProvingKey:   params.Describe(pk),
		VerifyingKey: params.Describe(vk),
		Ceremony: &params.CeremonyTranscript{
			Transcript:    params.Describe(transcript),
			Contributions: s.Made[1],
			Beacon:        last.Beacon.Source,
		},
	}
	encoded, err := manifest.Bytes()
	if err != nil {
		return nil, nil, err
	}
	return map[string][]byte{
		params.ManifestFile:     encoded,
		params.ProvingKeyFile:   pk,
		params.VerifyingKeyFile: vk,
		params.TranscriptFile:   transcript,
	}, manifest, nil
}

// unfinished returns the error for a ceremony that is not complete.
func (c *Ceremony) unfinished(s *Status) error {
	e := &FileError{File: FileName(s.Next), Number: s.Next, Check: CheckBeacon}
	if s.Closable() {
		e.Err = fmt.Errorf("missing: no beacon has closed phase %d; add it", s.Phase)
	} else {
		e.Check = CheckContributions
		e.Err = fmt.Errorf("missing: nobody has contributed to phase %d, and no beacon has closed it", s.Phase)
	}
	return e
}

// keys verifies the ceremony and returns the encoded keys that it made.
func (c *Ceremony) keys(ctx context.Context, progress Progress) (pk, vk []byte, err error) {
	r, err := newReplay(c, progress)
	if err != nil {
		return nil, nil, err
	}
	if _, err := r.verify(ctx); err != nil {
		return nil, nil, err
	}
	return r.keys(ctx)
}

func (r *replay) keys(ctx context.Context) (pk, vk []byte, err error) {
	quiet.Gnark()
	r.meter = newMeter(r.progress, "computing the keys", sum(r.beginning())+costSeal2)
	b, err := r.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	final := &r.c.files[len(r.c.files)-1].Header
	two, err := r.phase2(ctx, final.Number-1)
	if err != nil {
		return nil, nil, err
	}
	proving, verifying, err := two.Seal(ctx, b.srs, b.evals, final.Beacon.Value)
	if err != nil {
		return nil, nil, err
	}
	r.meter.end()
	var p, v bytes.Buffer
	_, perr := proving.WriteRawTo(&p)
	_, verr := verifying.WriteTo(&v)
	return p.Bytes(), v.Bytes(), errors.Join(perr, verr)
}
