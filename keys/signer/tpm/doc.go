// Package tpm signs with keys in a TPM 2.0. It registers the scheme "tpm" of package
// signer:
//
//	tpm:0x81000001
//	tpm:0x81000001?device=/dev/tpmrm0&pin-source=/etc/zkkex/pin
//	tpm:0x81000001?device=tcp:127.0.0.1:2321&auth=none
//
// The number is the key's persistent handle. The device is a character device, a Unix
// socket or a TCP address that takes commands as they are, as swtpm does;
// /dev/tpmrm0 if it is left out. The key's authorisation value is read from the file
// pin-source, asked for, or none with auth=none.
//
// Keys are on P-256, for signing and unrestricted, made inside the TPM and fixed to it
// (fixedTPM and sensitiveDataOrigin), used by their authorisation value. The TPM signs
// the SHA-256 digest of a message. With tpm2-tools, a key without authorisation value is
// made like this:
//
//	tpm2_createprimary -C o -G ecc -c parent.ctx
//	tpm2_create -C parent.ctx -G ecc256:ecdsa-sha256 -u key.pub -r key.priv \
//	  -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign'
//	tpm2_load -C parent.ctx -u key.pub -r key.priv -c key.ctx
//	tpm2_evictcontrol -C o -c key.ctx 0x81000001
//
// and with one by -p PIN in the second command.
//
// # Authorisation value
//
// It never crosses the bus: it is the key of an HMAC session. It is kept in memory until
// the key is closed. A wrong one is used once; a TPM that has one try left before it
// locks itself is given none without a person.
package tpm
