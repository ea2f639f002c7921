package noise

import (
	"fmt"
	"slices"
	"strings"
)

// token is one step of a handshake message (sections 7.1 and 9.2; e1 and ekem1
// from the hybrid forward secrecy extension; s1 and skem1 in docs/spec/noise.md).
type token string

const (
	tokenE     token = "e"     // ephemeral X25519 key
	tokenS     token = "s"     // static X25519 key
	tokenEE    token = "ee"    // DH of both ephemeral keys
	tokenES    token = "es"    // DH of the initiator's ephemeral and the responder's static key
	tokenSE    token = "se"    // DH of the initiator's static and the responder's ephemeral key
	tokenSS    token = "ss"    // DH of both static keys
	tokenPSK   token = "psk"   // pre-shared key
	tokenE1    token = "e1"    // ephemeral ML-KEM encapsulation key
	tokenEKEM1 token = "ekem1" // ciphertext for the peer's e1
	tokenS1    token = "s1"    // static ML-KEM encapsulation key, known in advance
	tokenSKEM1 token = "skem1" // ciphertext for the peer's s1
)

// The hybrid patterns.
const (
	// PatternIKhfs is IK with an ephemeral ML-KEM-768 beside the ephemeral
	// X25519.
	PatternIKhfs = "IKhfs"
	// PatternIKhfsPrekey adds, in message 1, a ciphertext for the responder's
	// static ML-KEM-768 prekey, so that a later quantum attacker does not read
	// message 1 either.
	PatternIKhfsPrekey = "IKhfs+skem1"
)

// patterns are the handshake patterns in the notation of the specification:
// one-way (7.4), fundamental interactive (7.5), deferred (18.1), hybrid. The
// messages before "..." are known in advance.
var patterns = map[string]string{
	"N": "<- s; ...; -> e, es",
	"K": "-> s; <- s; ...; -> e, es, ss",
	"X": "<- s; ...; -> e, es, s, ss",

	"NN": "-> e; <- e, ee",
	"NK": "<- s; ...; -> e, es; <- e, ee",
	"NX": "-> e; <- e, ee, s, es",
	"XN": "-> e; <- e, ee; -> s, se",
	"XK": "<- s; ...; -> e, es; <- e, ee; -> s, se",
	"XX": "-> e; <- e, ee, s, es; -> s, se",
	"KN": "-> s; ...; -> e; <- e, ee, se",
	"KK": "-> s; <- s; ...; -> e, es, ss; <- e, ee, se",
	"KX": "-> s; ...; -> e; <- e, ee, se, s, es",
	"IN": "-> e, s; <- e, ee, se",
	"IK": "<- s; ...; -> e, es, s, ss; <- e, ee, se",
	"IX": "-> e, s; <- e, ee, se, s, es",

	"NK1":  "<- s; ...; -> e; <- e, ee, es",
	"NX1":  "-> e; <- e, ee, s; -> es",
	"X1N":  "-> e; <- e, ee; -> s; <- se",
	"X1K":  "<- s; ...; -> e, es; <- e, ee; -> s; <- se",
	"XK1":  "<- s; ...; -> e; <- e, ee, es; -> s, se",
	"X1K1": "<- s; ...; -> e; <- e, ee, es; -> s; <- se",
	"X1X":  "-> e; <- e, ee, s, es; -> s; <- se",
	"XX1":  "-> e; <- e, ee, s; -> es, s, se",
	"X1X1": "-> e; <- e, ee, s; -> es, s; <- se",
	"K1N":  "-> s; ...; -> e; <- e, ee; -> se",
	"K1K":  "-> s; <- s; ...; -> e, es; <- e, ee; -> se",
	"KK1":  "-> s; <- s; ...; -> e; <- e, ee, se, es",
	"K1K1": "-> s; <- s; ...; -> e; <- e, ee, es; -> se",
	"K1X":  "-> s; ...; -> e; <- e, ee, s, es; -> se",
	"KX1":  "-> s; ...; -> e; <- e, ee, se, s; -> es",
	"K1X1": "-> s; ...; -> e; <- e, ee, s; -> se, es",
	"I1N":  "-> e, s; <- e, ee; -> se",
	"I1K":  "<- s; ...; -> e, es, s; <- e, ee; -> se",
	"IK1":  "<- s; ...; -> e, s; <- e, ee, se, es",
	"I1K1": "<- s; ...; -> e, s; <- e, ee, es; -> se",
	"I1X":  "-> e, s; <- e, ee, s, es; -> se",
	"IX1":  "-> e, s; <- e, ee, se, s; -> es",
	"I1X1": "-> e, s; <- e, ee, s; -> se, es",

	PatternIKhfs:       "<- s; ...; -> e, es, e1, s, ss; <- e, ee, ekem1, se",
	PatternIKhfsPrekey: "<- s, s1; ...; -> e, es, skem1, e1, s, ss; <- e, ee, ekem1, se",
}

// pattern is a handshake pattern, taken apart.
type pattern struct {
	known    [2][]token // by Role: the keys the peer knows in advance
	messages [][]token  // the initiator's first, then by turns
}

// parsePattern reads the notation of the table above.
func parsePattern(notation string) pattern {
	var p pattern
	lines := strings.Split(notation, "; ")
	if i := slices.Index(lines, "..."); i >= 0 {
		for _, line := range lines[:i] {
			role, tokens := parseLine(line)
			p.known[role] = tokens
		}
		lines = lines[i+1:]
	}
	for _, line := range lines {
		_, tokens := parseLine(line)
		p.messages = append(p.messages, tokens)
	}
	return p
}

func parseLine(line string) (Role, []token) {
	arrow, list, _ := strings.Cut(line, " ")
	var tokens []token
	for name := range strings.SplitSeq(list, ", ") {
		tokens = append(tokens, token(name))
	}
	if arrow == "->" {
		return Initiator, tokens
	}
	return Responder, tokens
}

// withPSKs returns the pattern with a psk token for each place: at the beginning
// of message 1 for place 0, at the end of message n for place n (section 9.4).
func (p pattern) withPSKs(places []int) (pattern, error) {
	messages := slices.Clone(p.messages)
	for _, place := range places {
		switch {
		case place > len(messages):
			return pattern{}, fmt.Errorf("the pattern has %d messages, expected psk0 to psk%[1]d, got psk%d", len(messages), place)
		case place == 0:
			messages[0] = slices.Concat([]token{tokenPSK}, messages[0])
		default:
			messages[place-1] = slices.Concat(messages[place-1], []token{tokenPSK})
		}
	}
	p.messages = messages
	return p, nil
}

// oneWay reports whether only the initiator sends (section 7.4).
func (p pattern) oneWay() bool { return len(p.messages) == 1 }

// sends reports whether role sends t in a message.
func (p pattern) sends(role Role, t token) bool {
	for i, message := range p.messages {
		if sender(i) == role && slices.Contains(message, t) {
			return true
		}
	}
	return false
}

// count returns how often t occurs in messages.
func (p pattern) count(t token) (n int) {
	for _, message := range p.messages {
		for _, u := range message {
			if u == t {
				n++
			}
		}
	}
	return n
}

// sender returns who sends message i, counted from 0.
func sender(i int) Role {
	if i%2 == 0 {
		return Initiator
	}
	return Responder
}
