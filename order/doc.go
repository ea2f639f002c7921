// Package order is anonymous order entry: the messages, their encoding, and the
// client of a venue that takes orders from members it cannot name.
//
// # Messages
//
// Messages are named and valued after FIX 4.4 and FIX 5.0 SP2, the session layer
// after FIXP (FIX Performance Session Layer 1.1). A [Request] goes to the venue,
// and is idempotent: the venue does what it says at most once, and answers a
// repetition with the reports that it gave the first time. A [Report] comes back,
// numbered from 1 within the session, and is recoverable: a number that is
// missing can be asked for again. Sequence numbers of requests serve only to
// notice a loss; a gap never holds anything back, least of all a cancel.
//
// # Who sends an order
//
// A session is the venue's name for all that one pseudonym does in an epoch, see
// [SessionID]. Who comes back with another pseudonym owns nothing of it, but can
// show that an order is theirs with the order's own key, see [Secret] and
// [Proof]; that links the two sessions for the venue.
//
// # Numbers
//
// Prices and quantities are [Decimal]: integer mantissa and exponent. There is
// one encoding of each number, and none of what is not a number.
package order
