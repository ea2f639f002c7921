package threshold

import (
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/threshold/frost"
)

// Reasons for which something is refused, or did not come about.
var (
	// ErrEquivocation reports a participant that told others something else: there
	// are two messages with its signature in one place.
	ErrEquivocation = errors.New("told others something else in the same place, and signed both")
	// ErrFalseEcho reports a participant that claims to have received what the sender
	// did not sign.
	ErrFalseEcho = errors.New("claims to have received what its sender did not sign")
	// ErrBadDeal reports a participant that dealt a share that does not fit its
	// commitments, or cannot be opened.
	ErrBadDeal = errors.New("dealt a share that does not fit its commitments")
	// ErrFalseComplaint reports a participant that complained of a good share, or
	// without a proof.
	ErrFalseComplaint = errors.New("complained without a reason")
	// ErrBadMessage reports a message that its sender signed and that is not well
	// formed, or has values that no honest participant sends.
	ErrBadMessage = errors.New("sent a message that no honest participant sends")
	// ErrDisagree reports a participant that computed another group from the same
	// messages.
	ErrDisagree = errors.New("confirmed another group than its own messages make")
	// ErrAborted reports a participant that gave an attempt up. Begin again.
	ErrAborted = errors.New("gave up: begin again")
	// ErrWrongShare reports a signer whose part of a signature is none.
	ErrWrongShare = errors.New("sent a wrong part of the signature")

	// ErrRefused reports a signer that said no, or a signing that too many refused.
	ErrRefused = errors.New("refused to sign")
	// ErrTooFew reports a signing for which fewer than the threshold's number of
	// signers is left.
	ErrTooFew = errors.New("too few signers are left")
	// ErrStale reports a participant or requester that has not followed a refresh.
	ErrStale = errors.New("is of another generation of the group: run zkkex threshold refresh there")
	// ErrExpired reports a request that nobody should answer any more.
	ErrExpired = errors.New("the request has expired")
	// ErrTooMany reports a request that asks for more attempts than it can need.
	ErrTooMany = errors.New("the request asks for more attempts than it can need")

	// ErrExists reports a file that is there already and is not replaced.
	ErrExists = errors.New("there already")
	// ErrNoGroup reports a folder whose group has not been made yet.
	ErrNoGroup = errors.New("this folder has no group yet: run zkkex threshold dkg, on all participants' machines at the same time")
	// ErrNoSetup reports a folder that has joined no group.
	ErrNoSetup = errors.New("this folder has joined no group: run zkkex threshold join")
	// ErrNoShare reports a folder that asks for signatures and holds no share.
	ErrNoShare = errors.New("this folder holds no share: it is a requester's")
	// ErrStranger reports a setup in which the folder's key does not occur.
	ErrStranger = errors.New("the setup does not name this folder's key")
	// ErrSender reports a message that none of the setup's keys signed.
	ErrSender = errors.New("no key of the setup signed the message")
	// ErrFull reports a place with too many messages.
	ErrFull = errors.New("too many messages in one place")
)

// Fault is an error that names who made it.
type Fault struct {
	// ID is the participant, or 0 for a requester.
	ID frost.Identifier
	// Name is the participant's name in the setup.
	Name string
	// Err is what is wrong.
	Err error
}

// Error returns who and what.
func (f *Fault) Error() string {
	if f.ID == 0 {
		return fmt.Sprintf("%s: %v", f.Name, f.Err)
	}
	return fmt.Sprintf("%s (participant %d): %v", f.Name, f.ID, f.Err)
}

// Unwrap returns what is wrong.
func (f *Fault) Unwrap() error { return f.Err }

func malformed(format, text string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(text, args...)}
}
