package pkcs11

// module is what is used of a token's library, so that tests can stand for one. Its
// errors are of type rv, where the library gave one. Every method may take long, and
// none can be interrupted.
type module interface {
	// slots returns the slots that hold a token.
	slots() ([]uint, error)
	token(slot uint) (tokenInfo, error)
	mechanisms(slot uint) ([]uint, error)
	// openSession opens a session that reads only.
	openSession(slot uint) (uint, error)
	closeSession(session uint) error
	// loggedIn reports whether the process is logged in at the session's token.
	loggedIn(session uint) (bool, error)
	login(session, user uint, pin string) error
	// find returns at most limit objects.
	find(session uint, template []attribute, limit int) ([]uint, error)
	attribute(session, object, kind uint) ([]byte, error)
	signInit(session, mechanism, key uint) error
	sign(session uint, data []byte) ([]byte, error)
	// deriveECDH derives a session object by CKM_ECDH1_DERIVE without a key derivation
	// function.
	deriveECDH(session, key uint, point []byte, template []attribute) (uint, error)
	destroy(session, object uint) error
	// close says that this user needs the library no longer.
	close() error
}

// attribute is of an object. value is a uint, a bool, a string or []byte.
type attribute struct {
	kind  uint
	value any
}

// tokenInfo is what a token says of itself.
type tokenInfo struct {
	label, manufacturer, model, serial string
	flags                              uint
}

// Constants of PKCS#11 v2.40.
const (
	userRegular         = 1
	userContextSpecific = 2

	classPublicKey  = 2
	classPrivateKey = 3
	classSecretKey  = 4

	keyEC            = 3
	keyGenericSecret = 0x10

	attrClass              = 0x0
	attrToken              = 0x1
	attrLabel              = 0x3
	attrValue              = 0x11
	attrKeyType            = 0x100
	attrID                 = 0x102
	attrSensitive          = 0x103
	attrSign               = 0x108
	attrDerive             = 0x10c
	attrValueLen           = 0x161
	attrExtractable        = 0x162
	attrECParams           = 0x180
	attrECPoint            = 0x181
	attrAlwaysAuthenticate = 0x202

	mechanismECDSA = 0x1041
	mechanismECDH  = 0x1050

	flagLoginRequired = 1 << 2
	flagPINPad        = 1 << 8
	flagInitialized   = 1 << 10
	flagPINCountLow   = 1 << 16
	flagPINFinalTry   = 1 << 17
	flagPINLocked     = 1 << 18
)
