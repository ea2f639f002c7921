package ceremony

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
	"github.com/zkkex/zkkex/setup/params"
)

// Namespace is what a contribution's SSH signature is for.
const Namespace = "zkkex-ceremony"

const (
	contributionMagic  = HeaderFormat + "\n"
	contributionFormat = "contribution file"
)

// Preamble is a contribution file without its payload.
type Preamble struct {
	// Header says what the file is.
	Header Header
	// Signature is the signature over the header's bytes; nil exactly if the
	// header names no key.
	Signature *sshsig.Signature
}

// ParseContribution decodes a contribution file, strictly: what it accepts is
// [Preamble.Bytes] followed by the payload. The signature, if any, is by the
// header's key, and the payload has the header's size and digest; that it is a
// contribution is for [Ceremony.Verify] to say. It returns an error wrapping
// [zkkex.ErrMalformed], [zkkex.ErrUnsupported] or [sshsig.ErrSignature].
func ParseContribution(b []byte) (*Preamble, []byte, error) {
	r := bytes.NewReader(b)
	p, err := readPreamble(r)
	if err != nil {
		return nil, nil, err
	}
	payload := b[len(b)-r.Len():]
	if got := params.Describe(payload); got != p.Header.Payload {
		return nil, nil, malformed(contributionFormat, "payload of %d bytes with SHA-256 %v, expected %d bytes and %v",
			got.Size, got.SHA256, p.Header.Payload.Size, p.Header.Payload.SHA256)
	}
	return p, payload, nil
}

// Bytes returns the encoding of p. It returns the error of [Header.Bytes], or one
// wrapping [sshsig.ErrSignature] if [ParseContribution] would refuse the
// signature.
func (p *Preamble) Bytes() ([]byte, error) {
	header, err := p.Header.Bytes()
	if err != nil {
		return nil, err
	}
	if err := p.checkSignature(header); err != nil {
		return nil, err
	}
	var signature []byte
	if p.Signature != nil {
		signature = p.Signature.Bytes()
	}
	return assemble(header, signature), nil
}

// assemble returns the beginning of a contribution file.
func assemble(header, signature []byte) []byte {
	b := []byte(contributionMagic)
	b = binary.BigEndian.AppendUint32(b, uint32(len(header)))
	b = append(b, header...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(signature)))
	return append(b, signature...)
}

// readPreamble reads a contribution file up to its payload. With an error it
// returns the header if that could be read.
func readPreamble(r io.Reader) (*Preamble, error) {
	magic := make([]byte, len(contributionMagic))
	if err := readFull(r, magic); err != nil {
		return nil, err
	}
	if string(magic) != contributionMagic {
		return nil, malformed(contributionFormat, "expected it to begin with the line %q", HeaderFormat)
	}
	header, err := readBlock(r, "header", MaxHeaderSize)
	if err != nil {
		return nil, err
	}
	signature, err := readBlock(r, "signature", sshsig.MaxSize)
	if err != nil {
		return nil, err
	}
	return parsePreamble(header, signature)
}

func parsePreamble(header, signature []byte) (*Preamble, error) {
	h, err := ParseHeader(header)
	if err != nil {
		return nil, err
	}
	p := &Preamble{Header: *h}
	if len(signature) > 0 {
		if p.Signature, err = sshsig.Parse(signature); err != nil {
			return p, err
		}
	}
	return p, p.checkSignature(header)
}

// checkSignature returns an error unless there is a signature by the header's
// key, or neither.
func (p *Preamble) checkSignature(header []byte) error {
	switch {
	case p.Header.Key == "" && p.Signature == nil:
		return nil
	case p.Header.Key == "":
		return fmt.Errorf("%w: the header names no key: expected no signature", sshsig.ErrSignature)
	case p.Signature == nil:
		return fmt.Errorf("%w: there is none, and the header names a key: ask the contributor for the file as it was made", sshsig.ErrSignature)
	}
	key, err := parseKey(p.Header.Key)
	if err != nil {
		return err
	}
	return p.Signature.Verify(key, Namespace, header)
}

// readBlock reads a length of 4 bytes and as many bytes, at most most.
func readBlock(r io.Reader, name string, most uint32) ([]byte, error) {
	var length [4]byte
	if err := readFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > most {
		return nil, malformed(contributionFormat, "%s of %d bytes, expected at most %d", name, n, most)
	}
	b := make([]byte, n)
	if err := readFull(r, b); err != nil {
		return nil, err
	}
	return b, nil
}

// readFull fills b. That the file ended is the file's fault.
func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return malformed(contributionFormat, "the file ended early")
	}
	return err
}
