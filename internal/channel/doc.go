// Package channel carries an application's bytes over records: a [net.Conn] on
// top of a [record.Session] and a connection that need not be trusted. It knows
// no handshake: whoever has finished one hands over the session.
//
// # Who does what
//
// One goroutine at a time, the reader, reads, opens and queues records. It never
// writes, and it stops reading while the queue is full, so a peer that sends
// faster than the application reads is held back by the transport. While the
// application calls Read again and again, that is the caller's goroutine; while
// it does not, one of the channel's own. Write seals and sends in the caller's
// goroutine.
//
// What the channel has to say for itself is sent by a goroutine of its own, the
// driver, which is started when there is something, once at a time, and ends
// when there is nothing more: ratchets, messages, the empty record that
// confirms an initiator, and what a Write that ran into its deadline left
// behind. Were the reader to send, two peers whose writers wait for each other's
// readers, and whose readers wait for their own writers, would wait forever.
//
// # Idle channels
//
// A channel without traffic has one goroutine at most, and a read buffer of [idleBuffer]
// bytes. Longer buffers are borrowed while a record is incomplete or data is
// queued. No timer runs but the one of [Conn.SetEnd],
// and one of 10 ms after a Read: keys that are too old are
// replaced at the next use.
package channel
