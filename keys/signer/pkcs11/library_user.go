//go:build pkcs11 && cgo

package pkcs11

import "github.com/miekg/pkcs11"

// user is one key's use of a library, and its module.
type user struct {
	library *library
	ctx     *pkcs11.Ctx
}

func (u *user) slots() ([]uint, error) {
	slots, err := u.ctx.GetSlotList(true)
	return slots, translate(err)
}

func (u *user) token(slot uint) (tokenInfo, error) {
	t, err := u.ctx.GetTokenInfo(slot)
	if err != nil {
		return tokenInfo{}, translate(err)
	}
	return tokenInfo{
		label: t.Label, manufacturer: t.ManufacturerID, model: t.Model, serial: t.SerialNumber, flags: t.Flags,
	}, nil
}

func (u *user) mechanisms(slot uint) ([]uint, error) {
	list, err := u.ctx.GetMechanismList(slot)
	if err != nil {
		return nil, translate(err)
	}
	kinds := make([]uint, len(list))
	for i, m := range list {
		kinds[i] = m.Mechanism
	}
	return kinds, nil
}

func (u *user) openSession(slot uint) (uint, error) {
	s, err := u.ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
	return uint(s), translate(err)
}

func (u *user) closeSession(session uint) error {
	return translate(u.ctx.CloseSession(pkcs11.SessionHandle(session)))
}

func (u *user) loggedIn(session uint) (bool, error) {
	info, err := u.ctx.GetSessionInfo(pkcs11.SessionHandle(session))
	return info.State == pkcs11.CKS_RO_USER_FUNCTIONS || info.State == pkcs11.CKS_RW_USER_FUNCTIONS, translate(err)
}

// login gives the PIN to the library in memory of C, which is freed and not wiped.
func (u *user) login(session, kind uint, pin string) error {
	return translate(u.ctx.Login(pkcs11.SessionHandle(session), kind, pin))
}

func (u *user) find(session uint, template []attribute, limit int) (found []uint, err error) {
	s := pkcs11.SessionHandle(session)
	if err := u.ctx.FindObjectsInit(s, attributes(template)); err != nil {
		return nil, translate(err)
	}
	for len(found) < limit {
		handles, _, err := u.ctx.FindObjects(s, limit-len(found))
		if err != nil {
			_ = u.ctx.FindObjectsFinal(s) // the first error counts
			return nil, translate(err)
		}
		if len(handles) == 0 {
			break
		}
		for _, h := range handles {
			found = append(found, uint(h))
		}
	}
	return found, translate(u.ctx.FindObjectsFinal(s))
}

func attributes(template []attribute) []*pkcs11.Attribute {
	list := make([]*pkcs11.Attribute, len(template))
	for i, a := range template {
		list[i] = pkcs11.NewAttribute(a.kind, a.value)
	}
	return list
}

func (u *user) attribute(session, object, kind uint) ([]byte, error) {
	list, err := u.ctx.GetAttributeValue(pkcs11.SessionHandle(session), pkcs11.ObjectHandle(object), []*pkcs11.Attribute{pkcs11.NewAttribute(kind, nil)})
	if err != nil {
		return nil, translate(err)
	}
	return list[0].Value, nil
}

func (u *user) signInit(session, mechanism, key uint) error {
	return translate(u.ctx.SignInit(pkcs11.SessionHandle(session), []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, pkcs11.ObjectHandle(key)))
}

func (u *user) sign(session uint, data []byte) ([]byte, error) {
	b, err := u.ctx.Sign(pkcs11.SessionHandle(session), data)
	return b, translate(err)
}

func (u *user) deriveECDH(session, key uint, point []byte, template []attribute) (uint, error) {
	parameters := pkcs11.NewECDH1DeriveParams(pkcs11.CKD_NULL, nil, point)
	h, err := u.ctx.DeriveKey(pkcs11.SessionHandle(session), []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanismECDH, parameters)}, pkcs11.ObjectHandle(key), attributes(template))
	return uint(h), translate(err)
}

func (u *user) destroy(session, object uint) error {
	return translate(u.ctx.DestroyObject(pkcs11.SessionHandle(session), pkcs11.ObjectHandle(object)))
}

func (u *user) close() error { return u.library.release() }
