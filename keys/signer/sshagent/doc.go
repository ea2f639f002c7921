// Package sshagent signs with keys that an ssh-agent holds. It registers the scheme
// "ssh-agent" of package signer:
//
//	ssh-agent:SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
//	ssh-agent:me@desk
//
// that is, the key's fingerprint as ssh-add -l shows it, or its comment. The agent is
// the one at SSH_AUTH_SOCK.
//
// Keys are ecdsa-sha2-nistp256. What the agent signs is a blob in the form of OpenSSH's
// PROTOCOL.sshsig with a namespace of zkkex: no login and no signature of a file or a
// commit. Keys in FIDO tokens (sk-ecdsa-sha2-nistp256) are refused: the token signs a
// hash of flags and a counter of its own together with a hash of the blob, and no
// circuit reads that.
package sshagent
