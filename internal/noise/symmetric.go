package noise

import (
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/hmac"
)

// symmetricState is Noise's SymmetricState (section 5.2): chaining key and
// transcript hash. Its only outputs are ciphertexts, the hash, and keys that
// follow from the chaining key one way.
type symmetricState struct {
	cipherFunction *cipherFunction
	hashFunction   *hashFunction
	hmac           hmac.State    // and the hash
	h, ck          [maxHash]byte // the first HASHLEN bytes
	temp           [2][maxHash]byte
	extracted      [maxHash]byte
	expanded       [3 * maxHash]byte
	cipher         cipherState
	keyed          bool // a key was mixed in: nothing goes in clear from here on
}

func newSymmetricState(p *Protocol) *symmetricState {
	s := &symmetricState{cipherFunction: p.cipher, hashFunction: p.hash, hmac: hmac.State{Hash: p.hash.new()}}
	if len(p.name) <= p.hash.size {
		copy(s.h[:], p.name)
	} else {
		s.hmac.Hash.Write([]byte(p.name))
		s.hmac.Hash.Sum(s.h[:0])
	}
	s.ck = s.h
	return s
}

// mixHash hashes data into the transcript.
func (s *symmetricState) mixHash(data []byte) {
	s.hmac.Hash.Reset()
	s.hmac.Hash.Write(s.transcript())
	s.hmac.Hash.Write(data)
	s.hmac.Hash.Sum(s.h[:0])
}

// mixKey mixes input into the chaining key, and takes the next key from it.
func (s *symmetricState) mixKey(input []byte) {
	ck, key := s.ck[:s.hashFunction.size], s.temp[0][:s.hashFunction.size]
	s.hkdf(ck, input, ck, key)
	s.initializeKey(key)
}

// hkdf is Noise's HKDF (section 4.3): RFC 5869 with the chaining key as salt and
// an empty info. It fills each output, whose length is HASHLEN; an output may
// be the chaining key itself.
func (s *symmetricState) hkdf(chainingKey, input []byte, outputs ...[]byte) {
	key, all := s.extracted[:s.hashFunction.size], s.expanded[:len(outputs)*s.hashFunction.size]
	s.hmac.Extract(key, input, chainingKey)
	s.hmac.Expand(all, key, nil)
	for i, output := range outputs {
		copy(output, all[i*s.hashFunction.size:])
	}
	clear(key)
	clear(all)
	s.hmac.Wipe()
}

// mixKeyAndHash mixes a pre-shared key into chaining key and transcript
// (section 9.1).
func (s *symmetricState) mixKeyAndHash(input []byte) {
	ck, mixed, key := s.ck[:s.hashFunction.size], s.temp[0][:s.hashFunction.size], s.temp[1][:s.hashFunction.size]
	s.hkdf(ck, input, ck, mixed, key)
	s.mixHash(mixed)
	clear(mixed)
	s.initializeKey(key)
}

// initializeKey takes the first 32 bytes of key as the cipher's key, and clears
// key.
func (s *symmetricState) initializeKey(key []byte) {
	s.cipher.initialize(s.cipherFunction, (*[keySize]byte)(key))
	s.keyed = true
	clear(key)
}

// encryptAndHash appends plaintext to dst, sealed as soon as there is a key, and
// hashes what it appended.
func (s *symmetricState) encryptAndHash(dst, plaintext []byte) ([]byte, error) {
	begin := len(dst)
	if !s.keyed {
		dst = append(dst, plaintext...)
	} else {
		var err error
		if dst, err = s.cipher.seal(dst, s.transcript(), plaintext); err != nil {
			return nil, err
		}
	}
	s.mixHash(dst[begin:])
	return dst, nil
}

// decryptAndHash appends to dst what encryptAndHash was given, and hashes what
// came in. It returns [ErrAuthentication] if that is not authentic.
func (s *symmetricState) decryptAndHash(dst, data []byte) ([]byte, error) {
	if !s.keyed {
		dst = append(dst, data...)
	} else {
		var err error
		if dst, err = s.cipher.open(dst, s.transcript(), data); err != nil {
			return nil, err
		}
	}
	s.mixHash(data)
	return dst, nil
}

// split returns the keys of the two directions, the initiator's first.
func (s *symmetricState) split() (initiator, responder *cipherState) {
	first, second := s.temp[0][:s.hashFunction.size], s.temp[1][:s.hashFunction.size]
	s.hkdf(s.ck[:s.hashFunction.size], nil, first, second)
	initiator, responder = new(cipherState), new(cipherState)
	initiator.initialize(s.cipherFunction, (*[keySize]byte)(first))
	responder.initialize(s.cipherFunction, (*[keySize]byte)(second))
	clear(first)
	clear(second)
	return initiator, responder
}

// derive returns a secret for another use than the framework's: a pseudorandom
// function of the chaining key over (tag, transcript hash, context). The framed
// input is longer than any that mixKey takes, so neither repeats the other.
func (s *symmetricState) derive(tag domain.Tag, context [][]byte) (secret [keySize]byte) {
	fields := append([][]byte{s.transcript()}, context...)
	output := s.temp[0][:s.hashFunction.size]
	s.hkdf(s.ck[:s.hashFunction.size], domain.Frame(tag, fields...), output)
	copy(secret[:], output)
	clear(output)
	return secret
}

// transcript returns the transcript hash, valid until the next change.
func (s *symmetricState) transcript() []byte { return s.h[:s.hashFunction.size] }

// wipe forgets all secrets and keeps the transcript hash, which is none.
func (s *symmetricState) wipe() {
	clear(s.ck[:])
	s.cipher.wipe()
}
