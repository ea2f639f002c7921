package pkcs11

import (
	"errors"
	"fmt"

	"github.com/zkkex/zkkex/keys/signer"
)

// rv is a return value of a module other than CKR_OK (PKCS#11 v2.40, section 5.1).
type rv uint

// The return values that are told apart.
const (
	rvSlotIDInvalid            rv = 0x03
	rvFunctionFailed           rv = 0x06
	rvAttributeSensitive       rv = 0x11
	rvAttributeTypeInvalid     rv = 0x12
	rvAttributeValueInvalid    rv = 0x13
	rvDeviceError              rv = 0x30
	rvDeviceMemory             rv = 0x31
	rvDeviceRemoved            rv = 0x32
	rvFunctionCanceled         rv = 0x50
	rvFunctionNotSupported     rv = 0x54
	rvKeyHandleInvalid         rv = 0x60
	rvKeyTypeInconsistent      rv = 0x63
	rvKeyFunctionNotPermitted  rv = 0x68
	rvMechanismInvalid         rv = 0x70
	rvMechanismParamInvalid    rv = 0x71
	rvObjectHandleInvalid      rv = 0x82
	rvPINIncorrect             rv = 0xa0
	rvPINInvalid               rv = 0xa1
	rvPINLenRange              rv = 0xa2
	rvPINExpired               rv = 0xa3
	rvPINLocked                rv = 0xa4
	rvSessionClosed            rv = 0xb0
	rvSessionCount             rv = 0xb1
	rvSessionHandleInvalid     rv = 0xb3
	rvTemplateIncomplete       rv = 0xd0
	rvTemplateInconsistent     rv = 0xd1
	rvTokenNotPresent          rv = 0xe0
	rvTokenNotRecognized       rv = 0xe1
	rvUserAlreadyLoggedIn      rv = 0x100
	rvUserNotLoggedIn          rv = 0x101
	rvUserPINNotInitialized    rv = 0x102
	rvUserAnotherLoggedIn      rv = 0x104
	rvCryptokiNotInitialized   rv = 0x190
	rvCryptokiAlreadyInitiated rv = 0x191
	rvFunctionRejected         rv = 0x200
)

// described has, for each, its name, what it means here, and what to do.
var described = map[rv]struct {
	name  string
	means error
	todo  string
}{
	rvSlotIDInvalid:           {"CKR_SLOT_ID_INVALID", signer.ErrGone, "the slot is not there any more"},
	rvFunctionFailed:          {"CKR_FUNCTION_FAILED", nil, "the token could not do it"},
	rvAttributeSensitive:      {"CKR_ATTRIBUTE_SENSITIVE", signer.ErrUnsupportedKey, "the token keeps the value to itself"},
	rvAttributeTypeInvalid:    {"CKR_ATTRIBUTE_TYPE_INVALID", signer.ErrUnsupportedKey, "the object has no such attribute"},
	rvAttributeValueInvalid:   {"CKR_ATTRIBUTE_VALUE_INVALID", signer.ErrUnsupportedKey, "the token does not allow it"},
	rvDeviceError:             {"CKR_DEVICE_ERROR", signer.ErrGone, "the token does not answer properly; take it out and put it in again"},
	rvDeviceMemory:            {"CKR_DEVICE_MEMORY", nil, "the token has no memory left"},
	rvDeviceRemoved:           {"CKR_DEVICE_REMOVED", signer.ErrGone, "the token was taken out"},
	rvFunctionCanceled:        {"CKR_FUNCTION_CANCELED", signer.ErrRefused, "it was cancelled at the token"},
	rvFunctionNotSupported:    {"CKR_FUNCTION_NOT_SUPPORTED", signer.ErrUnsupportedKey, "the module cannot do it"},
	rvKeyHandleInvalid:        {"CKR_KEY_HANDLE_INVALID", signer.ErrGone, "the key is not there any more"},
	rvKeyTypeInconsistent:     {"CKR_KEY_TYPE_INCONSISTENT", signer.ErrUnsupportedKey, "the key is of another type"},
	rvKeyFunctionNotPermitted: {"CKR_KEY_FUNCTION_NOT_PERMITTED", signer.ErrUnsupportedKey, "the key may not be used for it"},
	rvMechanismInvalid:        {"CKR_MECHANISM_INVALID", signer.ErrUnsupportedKey, "the token does not have the mechanism"},
	rvMechanismParamInvalid:   {"CKR_MECHANISM_PARAM_INVALID", signer.ErrUnsupportedKey, "the token does not have the mechanism in this form"},
	rvObjectHandleInvalid:     {"CKR_OBJECT_HANDLE_INVALID", signer.ErrGone, "the key is not there any more"},
	rvPINIncorrect:            {"CKR_PIN_INCORRECT", signer.ErrPIN, "the PIN is wrong; it was tried once and will not be tried again"},
	rvPINInvalid:              {"CKR_PIN_INVALID", signer.ErrPIN, "the token takes no PIN with such characters"},
	rvPINLenRange:             {"CKR_PIN_LEN_RANGE", signer.ErrPIN, "the PIN is too short or too long"},
	rvPINExpired:              {"CKR_PIN_EXPIRED", signer.ErrPIN, "the PIN has expired; set a new one"},
	rvPINLocked:               {"CKR_PIN_LOCKED", signer.ErrPINLocked, "too many wrong PINs were given; the security officer can set a new one"},
	rvSessionClosed:           {"CKR_SESSION_CLOSED", signer.ErrGone, "the session ended"},
	rvSessionCount:            {"CKR_SESSION_COUNT", nil, "the token has no session left; end another program that uses it"},
	rvSessionHandleInvalid:    {"CKR_SESSION_HANDLE_INVALID", signer.ErrGone, "the session ended, as it does when a token is taken out"},
	rvTemplateIncomplete:      {"CKR_TEMPLATE_INCOMPLETE", signer.ErrUnsupportedKey, "the token does not allow it"},
	rvTemplateInconsistent:    {"CKR_TEMPLATE_INCONSISTENT", signer.ErrUnsupportedKey, "the token does not allow it"},
	rvTokenNotPresent:         {"CKR_TOKEN_NOT_PRESENT", signer.ErrGone, "the token was taken out"},
	rvTokenNotRecognized:      {"CKR_TOKEN_NOT_RECOGNIZED", signer.ErrGone, "the module does not know this token"},
	rvUserAlreadyLoggedIn:     {"CKR_USER_ALREADY_LOGGED_IN", nil, "somebody is logged in"},
	rvUserNotLoggedIn:         {"CKR_USER_NOT_LOGGED_IN", signer.ErrGone, "the token forgot the login, as it does when it is taken out"},
	rvUserPINNotInitialized:   {"CKR_USER_PIN_NOT_INITIALIZED", signer.ErrPIN, "the token has no PIN yet; the security officer sets it"},
	rvUserAnotherLoggedIn:     {"CKR_USER_ANOTHER_ALREADY_LOGGED_IN", nil, "the security officer is logged in; end that program"},
	rvCryptokiNotInitialized:  {"CKR_CRYPTOKI_NOT_INITIALIZED", signer.ErrGone, "another part of the program ended the module"},
	rvFunctionRejected:        {"CKR_FUNCTION_REJECTED", signer.ErrRefused, "it was refused at the token"},
}

// Error returns the name and what to do.
func (e rv) Error() string {
	d, known := described[e]
	if !known {
		return fmt.Sprintf("the module returned %#x", uint(e))
	}
	return d.name + ": " + d.todo
}

// Is reports whether target is the error of package signer that the value means.
func (e rv) Is(target error) bool {
	means := described[e].means
	return means != nil && means == target
}

// gone reports whether an error means that token, session, login or key are not there
// any more.
func gone(err error) bool { return errors.Is(err, signer.ErrGone) }

// unsupported reports whether an error means that token or key cannot do it.
func unsupported(err error) bool { return errors.Is(err, signer.ErrUnsupportedKey) }
