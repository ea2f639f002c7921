package registrar

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/keys"
)

// ApprovalPolicy decides about a request that is checked and waits: true
// approves it, false leaves it to a person.
type ApprovalPolicy func(enrolment.Application) (bool, error)

// ApproveAll approves every request. Whoever makes a key is a member then: for
// tests and demonstrations.
func ApproveAll(enrolment.Application) (bool, error) { return true, nil }

// maxAllowList bounds a list of public keys, in bytes: a million keys.
const maxAllowList = 80 << 20

// ApproveListed returns the policy that approves the public keys in a file: a
// key type and a public key in hexadecimal on each line, as in
//
//	babyjubjub 7c1e…
//
// and empty lines and lines that begin with '#'. The file is read anew for
// every request, so it can be changed under a running server. A file that
// cannot be read, or has another line, approves nobody.
func ApproveListed(path string) ApprovalPolicy {
	return func(r enrolment.Application) (bool, error) {
		text, err := readBounded(path, maxAllowList)
		if err != nil {
			return false, err
		}
		keyType, key := r.Key()
		want := fmt.Sprintf("%v %x", keyType, key)
		found := false
		lines := bufio.NewScanner(bytes.NewReader(text))
		for n := 1; lines.Scan(); n++ {
			line := strings.TrimSpace(lines.Text())
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if err := checkListed(line); err != nil {
				return false, fmt.Errorf("%s, line %d: %w", path, n, err)
			}
			found = found || line == want
		}
		return found && lines.Err() == nil, lines.Err()
	}
}

func checkListed(line string) error {
	fields := strings.Split(line, " ")
	if len(fields) != 2 {
		return malformed("allow list", "%q, expected a key type and a public key in hexadecimal", line)
	}
	keyType, err := zkkex.ParseKeyType(fields[0])
	if err != nil {
		return err
	}
	if b, err := hex.DecodeString(fields[1]); err != nil || len(b) != keys.PublicSize(keyType) || hex.EncodeToString(b) != fields[1] {
		return malformed("allow list", "%q, expected %d lower-case hexadecimal digits", fields[1], 2*keys.PublicSize(keyType))
	}
	return nil
}
