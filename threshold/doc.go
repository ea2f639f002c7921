// Package threshold is identities that nobody holds alone: a group of n participants
// owns one registry leaf, and any t of them sign for it. The key is of type
// [zkkex.KeyEdDSA] (Baby Jubjub, proven by a signature). It is made by all
// participants together and is never assembled, not even while it is used. The
// signature scheme is FROST (RFC 9591), in package frost.
//
// # Who holds what
//
//   - A participant holds one share, in its own folder on its own machine. With
//     t-1 shares nothing can be signed, and nothing is known of the key.
//   - The nullifier key nk is not shared. The prover's machine holds it, in its own
//     state directory, because a proof needs it. Whoever steals nk links the group's
//     sessions and cannot open any; whoever steals t shares can open sessions only
//     with nk. Keep them apart: best on a machine that holds no share, a requester's.
//   - A requester may ask for signatures, as every participant may, and holds no share.
//   - The place where members meet, a shared folder or a relay, is not trusted. It
//     sees who talks to whom and when, and can drop messages. It sees neither what is
//     signed nor signatures.
//
// # A walk through
//
// Alice, Bob and Carol want a group of which two sign, and a machine "desk" is to
// trade for it. Each makes a folder, and gives the others the line that is printed:
//
//	alice$ zkkex threshold init ./alice alice > alice.line
//
// One of them writes the setup down, and all put it into their folders:
//
//	alice$ zkkex threshold setup --signers 2 alice.line bob.line carol.line --requester desk.line --out setup
//	alice$ zkkex threshold join ./alice setup --via /mnt/desk
//
// Compare the setup's digest by telephone, for whoever brings files could change
// them. --via names a folder that all can write to, or a relay. Any member or anybody
// else can run one: zkkex threshold relay. Then the key is made, with all
// participants there at the same time; requesters run it too, and watch:
//
//	alice$ zkkex threshold dkg ./alice
//	attempt 1: waiting for first message of carol
//
// If somebody lies, everybody's command says who and ends; nothing has come about, and
// it can be run again. If somebody's is stopped, the others go on with the next
// attempt when it is back. From then on participants answer, each asked in words for
// each signature:
//
//	bob$ zkkex threshold serve ./bob
//	desk asks the group to sign that its key enters a registry
//	  registry: ...
//	sign? [y/N]
//
// and the group is enrolled, and trades, as any other key does:
//
//	desk$ zkkex enroll --key threshold:desk ...
//
// zkkex threshold status says what a folder has. zkkex threshold refresh, run by all
// participants at the same time, and by requesters then or later, gives all of them
// new shares of the same key; shares that were stolen or backed up before are then
// useless, unless t of them are of one generation. Delete old backups. It also
// replaces the keys that earlier shares were sealed to.
//
// # What a participant agrees to
//
// What is shown is what is signed: the message comes with the request, and a
// coordinator cannot put another in its place later. But what is shown of a
// certificate is its binding, a hash: whoever asks can put anything there, also the
// digest of a delegation or of an enrolment, since a circuit takes all of them as one
// field element. Answer certificates without being asked only if you trust the requester with
// what the key can do.
//
// # Nonces
//
// Two signatures with one nonce tell the share. Nonces are made in memory for one
// session, deleted before the signature's share is computed, and never written
// anywhere: a process that is killed has forgotten them and commits anew, and a
// folder that is copied or restored from a backup holds none. What cannot be
// detected is a machine that is copied with its memory: do not resume a snapshot of
// a machine that was serving, nor clone it running.
//
// # When somebody lies or is away
//
// Every part of a signature is verified by itself. Who sends a wrong one is named and
// left out, and the others are asked again with fresh nonces; who is silent keeps
// nobody from signing, and no clock decides (ROAST, Ruffing and others, 2022). In a key
// generation every participant tells, signed, what it received: who tells two
// participants two things is named with both of its signatures. Who deals a bad share is
// shown to by whoever got it: by the key that opens it, of that one attempt, which then
// yields no shares. False complaints are seen through the same way.
//
// A participant that has lied can make every attempt fail, under its name. Make a new
// group without it. One that signs confirmations it does not keep can, if it also
// controls where the members meet, let some finish a refresh and others not; they hold
// both shares until they are told that it is complete, and lose nothing.
//
// # Limits
//
// The long-term keys are Ed25519 and the group's key is on Baby Jubjub: a quantum
// computer forges. What members seal to each other is sealed with X25519 and
// ML-KEM-768 together. Nothing that computes with shares takes constant time: do
// not run a signer beside code that you do not trust on one processor. Shares lie in
// files of mode 0600, not encrypted: use an encrypted disk. All n participants are
// needed for a key generation and for a refresh; one who is lost for good cannot be
// replaced in a group, only by a new group, that is, by revoking and enrolling anew.
// The threshold and the number of participants are fixed; 2 <= t <= n <= 64. A topic
// of a board has at most 4,096 messages, and so a group that many requests within 25
// hours on a relay. A share's part of the group's key can be biased by the last to
// speak, which does no harm to Schnorr signatures.
//
// Formats: docs/spec/threshold.md. Reasons: docs/design/0036-threshold.md.
package threshold
