package fixedge

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/redact"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
)

// Bounds of what a client logs on with.
const (
	// MaxCompID is the most characters of a CompID: A to Z, a to z, 0 to 9, and
	// . _ -
	MaxCompID = 32
	// MinPassword and MaxPassword bound Password (554) in bytes. It is a key, and
	// belongs to be generated: whoever has the venue's journal can try others.
	MinPassword = 16
	MaxPassword = 128
)

// logon is a Logon message.
type logon struct {
	redact.Silent

	comp, password string
	number         int
	reset          bool
	// quotes is for a client that wants to hear of requests for quote.
	quotes bool
}

// refusal is the text of a Logout that answers a Logon.
type refusal string

func (r refusal) Error() string { return string(r) }

// logonFields are what a Logon may have beside the header. NoMsgTypes (384) is how
// FIX lets a client say which messages it takes.
var logonFields = []quickfix.Tag{
	tagEncryptMethod, tagHeartBtInt, tagResetSeqNumFlag, tagMaxMessageSize, tagUsername, tagPassword,
	tagNoMsgTypes, tagRefMsgType, tagMsgDirection,
}

// readLogon reads a Logon. Its error is a [refusal].
func readLogon(m *message, venue string) (*logon, error) {
	for _, f := range m.fields {
		if !slices.Contains(header, f.tag) && !slices.Contains(logonFields, f.tag) {
			return nil, refusal(fmt.Sprintf("tag %d is not taken in a Logon: nothing there may say more of who trades than CompID and Password", f.tag))
		}
	}
	l := &logon{comp: m.get(tagSenderCompID), password: m.get(tagPassword), number: number(m.get(tagMsgSeqNum)), reset: m.get(tagResetSeqNumFlag) == "Y"}
	heartbeat := number(m.get(tagHeartBtInt))
	switch {
	case !validCompID(l.comp):
		return nil, refusal(fmt.Sprintf("SenderCompID (49): expected 1 to %d of A to Z, a to z, 0 to 9 and . _ -", MaxCompID))
	case m.get(tagTargetCompID) != venue:
		return nil, refusal("TargetCompID (56): expected " + venue)
	case m.get(tagEncryptMethod) != "0":
		return nil, refusal("EncryptMethod (98): expected 0")
	case heartbeat < 1 || heartbeat > 60:
		return nil, refusal("HeartBtInt (108): expected 1 to 60 seconds")
	case len(l.password) < MinPassword || len(l.password) > MaxPassword:
		return nil, refusal(fmt.Sprintf("Password (554): expected %d to %d bytes, from a random generator", MinPassword, MaxPassword))
	}
	for i, f := range m.fields {
		if f.tag == tagRefMsgType && f.value == kindQuoteRequest && i+1 < len(m.fields) && m.fields[i+1] == (field{tagMsgDirection, "R"}) {
			l.quotes = true
		}
	}
	return l, nil
}

func validCompID(s string) bool {
	return len(s) > 0 && len(s) <= MaxCompID && !strings.ContainsFunc(s, func(r rune) bool {
		return !('A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '.' || r == '_' || r == '-')
	})
}

// session is the session of a Logon's CompID and password in an epoch: who has
// another password has another session, whatever else happens.
func (l *logon) session(epoch uint64) order.SessionID {
	h := domain.Hash(domain.FIXSession, []byte(l.comp), []byte(l.password))
	return order.NewSessionID(epoch, h[:])
}

// claim is an alias of that session, which tells a wrong password from a new
// CompID.
func (l *logon) claim(epoch uint64) order.SessionID {
	h := domain.Hash(domain.FIXClaim, []byte(l.comp))
	return order.NewSessionID(epoch, h[:])
}

// resolve finds the session of a Logon: one of this epoch or of the last, or a new
// one, which the member begins. Its error is a [refusal] or the journal's.
func (e *Edge) resolve(ctx context.Context, l *logon, member order.SessionID) (order.SessionID, error) {
	now, err := e.epoch()
	if err != nil {
		return order.SessionID{}, err
	}
	for _, epoch := range []uint64{now, max(now, 1) - 1} {
		claim, session := l.claim(epoch), l.session(epoch)
		owner, err := e.store.Resolve(ctx, claim)
		if err != nil {
			return order.SessionID{}, err
		}
		if owner == claim {
			continue
		}
		if want, has := session.Bytes(), owner.Bytes(); subtle.ConstantTimeCompare(want[:], has[:]) == 0 {
			return order.SessionID{}, refusal("Password (554) is not the one that this SenderCompID first logged on with")
		}
		return session, nil
	}
	if l.number != 1 && !l.reset {
		return order.SessionID{}, refusal("there is no session of this SenderCompID and epoch: begin with MsgSeqNum (34) = 1 or ResetSeqNumFlag (141) = Y")
	}
	e.forget(now)
	if err := e.begins(member, l.session(now)); err != nil {
		return order.SessionID{}, err
	}
	return l.session(now), e.store.Alias(ctx, l.claim(now), l.session(now))
}

// refused returns the text for a client whose Logon has failed, and what is worth
// telling the operator.
func refused(err error) (refusal, error) {
	var r refusal
	switch {
	case errors.As(err, &r):
		return r, nil
	case errors.Is(err, journal.ErrBanned):
		return "the venue has banned this session until its epoch ends", nil
	case errors.Is(err, journal.ErrEnded):
		return "the epoch of this session is over: log on with another SenderCompID", nil
	case errors.Is(err, gateway.ErrDraining), errors.Is(err, gateway.ErrFull):
		return refusal(err.Error()), nil
	}
	return "the venue cannot take the session now: try again later", err
}

// forQuickfix is the Logon as quickfix gets it: without the password, and with a
// TargetSubID that names the connection.
func forQuickfix(m *message, connection string) []byte {
	out := &message{kind: m.kind, fields: []field{{tagTargetSubID, connection}}}
	for _, f := range m.fields {
		if f.tag != tagPassword && f.tag != tagUsername {
			out.fields = append(out.fields, f)
		}
	}
	return out.append(nil)
}
