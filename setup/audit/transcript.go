package audit

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/regularfile"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

// Checks of a transcript, besides those of package ceremony by their own names.
const (
	// CheckCeremonyKind, CheckMade, CheckCreated and CheckCloses: what the
	// manifest says of the ceremony is what the transcript shows.
	CheckCeremonyKind = "kind of the ceremony"
	CheckMade         = "number of contributions"
	CheckCreated      = "date"
	CheckCloses       = "name of the beacon"
	// CheckSigner: the key of a signature is on the list of allowed signers.
	CheckSigner = "allowed signer"
)

// whyNoTranscript is why nothing about the ceremony of an older set is known.
const whyNoTranscript = "the set has no transcript: it was made before there were ceremonies, or by one party"

// ceremony runs the checks of the transcript. What it returns is empty as far as
// the transcript does not lead to it.
func (a *auditor) ceremony() (*made, error) {
	about := subject{file: params.TranscriptFile}
	if a.manifest.Ceremony == nil {
		a.skip(CheckFile, about, whyNoTranscript)
		a.skip(ceremony.CheckContributions, about, whyNoTranscript)
		return &made{}, nil
	}
	a.findings.transcript = true
	f, info, err := regularfile.Open(a.fsys, params.TranscriptFile)
	if errors.Is(err, fs.ErrNotExist) {
		a.record(CheckFile, about, err)
		a.skip(ceremony.CheckContributions, about, "the transcript is not there")
		return &made{}, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := a.open(f, info.Size())
	if err != nil || c == nil {
		return &made{}, err
	}
	a.describe(c)
	a.compareDefinition(c)
	a.compareManifest(c)
	if err := a.imported(c); err != nil {
		return nil, err
	}
	return a.replay(c)
}

// open hashes the transcript and opens it. It returns nil if it is no ceremony's.
func (a *auditor) open(f fs.File, size int64) (*ceremony.Ceremony, error) {
	r, ok := f.(io.ReaderAt)
	if !ok {
		return nil, fmt.Errorf("%s: %w", params.TranscriptFile, regularfile.ErrIrregular)
	}
	if err := a.hash(r, size); err != nil {
		return nil, err
	}
	a.step("opening the transcript", 0, 1)
	c, err := ceremony.OpenTranscript(r, size)
	if err != nil {
		return nil, a.refused(err)
	}
	return c, nil
}

// hash compares size and digest of the transcript with the manifest. What has another
// size is not read for its digest.
func (a *auditor) hash(r io.ReaderAt, size int64) error {
	if want := a.manifest.Ceremony.Transcript.Size; size != want {
		a.record(CheckFile, subject{file: params.TranscriptFile}, fmt.Errorf("expected %d bytes, got %d", want, size))
		return nil
	}
	a.step("hashing the transcript", 0, 1)
	sum := sha256.New()
	if _, err := io.Copy(sum, &interrupted{a.ctx, io.NewSectionReader(r, 0, size)}); err != nil {
		return fmt.Errorf("%s: %w", params.TranscriptFile, err)
	}
	want := a.manifest.Ceremony.Transcript
	got := params.File{Size: size, SHA256: params.Digest(sum.Sum(nil))}
	var wrong error
	if got != want {
		wrong = fmt.Errorf("expected %d bytes with SHA-256 %v, got %d bytes with %v", want.Size, want.SHA256, got.Size, got.SHA256)
	}
	a.record(CheckFile, subject{file: params.TranscriptFile}, wrong)
	return nil
}

// refused records why a transcript is no ceremony's, or returns an error of
// reading.
func (a *auditor) refused(err error) error {
	var fault *ceremony.FileError
	switch {
	case errors.As(err, &fault):
		a.record(fault.Check, subject{fault.File, fault.Contributor}, fault.Err)
	case errors.Is(err, zkkex.ErrMalformed), errors.Is(err, zkkex.ErrUnsupported):
		a.record(ceremony.CheckForm, subject{file: params.TranscriptFile}, err)
	default:
		return err
	}
	a.skip(ceremony.CheckContributions, subject{file: params.TranscriptFile}, "the ceremony cannot be opened")
	return nil
}

// placed are the checks that every contribution file of an opened ceremony has
// passed, in the order in which package ceremony runs them.
var placed = []string{
	ceremony.CheckForm, ceremony.CheckSize, ceremony.CheckDigest, ceremony.CheckCircuit,
	ceremony.CheckCeremony, ceremony.CheckNumber, ceremony.CheckPrevious, ceremony.CheckPhase,
}

// describe lists the files of the ceremony, and what opening it has checked.
func (a *auditor) describe(c *ceremony.Ceremony) {
	status := c.Status()
	for _, entry := range status.Entries {
		about := subject{entry.File, entry.Contributor}
		contribution := Contribution{
			File: entry.File, Digest: entry.Digest, Phase: entry.Phase,
			Contributor: entry.Contributor, Created: entry.Created, Key: entry.Key,
		}
		for _, name := range placed {
			a.record(name, about, nil)
		}
		if entry.Kind == ceremony.Beacon {
			a.record(ceremony.CheckBeacon, about, nil)
			contribution.Beacon = true
			contribution.Contributor = entry.Beacon.Source
			contribution.Value = fmt.Sprintf("%x", []byte(entry.Beacon.Value))
		}
		if entry.Key != "" {
			a.record(ceremony.CheckSignature, about, nil)
			contribution.Signer = a.signer(entry.Key, about)
		}
		a.report.Contributions = append(a.report.Contributions, contribution)
	}
	a.checkComplete(&status)
}

// signer returns whom the list of allowed signers names for a key.
func (a *auditor) signer(text string, about subject) string {
	if a.options.Signers == nil {
		return ""
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil {
		a.record(CheckSigner, about, err)
		return ""
	}
	names := a.options.Signers.Principals(key)
	if len(names) == 0 {
		err = fmt.Errorf("%s is on no line of the list", ssh.FingerprintSHA256(key))
	}
	a.record(CheckSigner, about, err)
	return strings.Join(names, ",")
}

// checkComplete checks that both phases have contributions and are closed. A
// beacon alone is known to everybody, and so is then the secret (trap S1b).
func (a *auditor) checkComplete(s *ceremony.Status) {
	about := subject{file: params.TranscriptFile}
	var none, open error
	if !s.Complete() {
		open = fmt.Errorf("no beacon has closed phase %d", s.Phase)
		if !s.Closable() {
			none = fmt.Errorf("nobody has contributed to phase %d", s.Phase)
		}
	}
	a.record(ceremony.CheckContributions, about, none)
	a.record(ceremony.CheckBeacon, about, open)
}

// compareDefinition checks that the ceremony was about the circuit that this
// program compiles.
func (a *auditor) compareDefinition(c *ceremony.Ceremony) {
	about := subject{file: ceremony.DefinitionFile}
	if a.system == nil {
		a.skip(ceremony.CheckCircuit, about, "the circuit does not compile")
		return
	}
	d, size := c.Definition(), relation.SizeOf(a.system)
	want := params.Circuit{
		ID: a.manifest.Circuit.ID, Name: a.manifest.Circuit.ID.String(), Digest: relation.Digest(a.system),
		Constraints: size.Constraints, PublicInputs: size.Public - 1,
	}
	err := differ(d.Circuit == want, want, d.Circuit)
	if err == nil && d.Wires != size.Wires() {
		err = fmt.Errorf("expected %d wires, got %d", size.Wires(), d.Wires)
	}
	a.record(ceremony.CheckCircuit, about, err)
}

// compareManifest checks what the manifest says of the ceremony.
func (a *auditor) compareManifest(c *ceremony.Ceremony) {
	about := subject{file: params.ManifestFile}
	m, d, s := a.manifest, c.Definition(), c.Status()
	a.record(CheckCeremonyKind, about, differ(m.Kind == d.Kind, d.Kind, m.Kind))
	a.record(CheckMade, about, differ(m.Ceremony.Contributions == s.Made[1], s.Made[1], m.Ceremony.Contributions))
	if !s.Complete() {
		return
	}
	last := s.Entries[len(s.Entries)-1]
	a.record(CheckCreated, about, differ(m.Created.Equal(last.Created), last.Created, m.Created))
	a.record(CheckCloses, about, differ(m.Ceremony.Beacon == last.Beacon.Source,
		strconv.Quote(last.Beacon.Source), strconv.Quote(m.Ceremony.Beacon))) // the manifest's may have any characters
}
