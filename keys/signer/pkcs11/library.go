//go:build pkcs11 && cgo

package pkcs11

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/miekg/pkcs11"

	"github.com/zkkex/zkkex/keys/signer"
)

func init() {
	s := scheme
	s.Available = true
	signer.Register(s, func(ctx context.Context, rest string, o *signer.Options) (signer.Signer, error) {
		return openKey(ctx, rest, o, load)
	})
}

// library is a token's library, loaded once by a process and never unloaded: some
// crash then. It is initialised while it has users.
type library struct {
	ctx    *pkcs11.Ctx
	users  int
	theirs bool // another part of the program initialised it, and will end it
}

var (
	mu        sync.Mutex
	libraries = map[string]*library{}
)

// load returns a library for one more user. It returns an error wrapping
// [signer.ErrNoDevice] if it cannot be loaded.
func load(path string) (module, error) {
	path, err := locate(path)
	if err != nil {
		return nil, err
	}
	mu.Lock()
	defer mu.Unlock()
	l := libraries[path]
	if l == nil {
		ctx := pkcs11.New(path)
		if ctx == nil {
			return nil, fmt.Errorf("%w: %s cannot be loaded: it is no PKCS#11 library for this kind of machine, or a library that it needs is missing", signer.ErrNoDevice, path)
		}
		l = &library{ctx: ctx}
		libraries[path] = l
	}
	if l.users == 0 {
		switch err := l.ctx.Initialize(); {
		case isValue(err, rvCryptokiAlreadyInitiated):
			l.theirs = true
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path, translate(err))
		}
	}
	l.users++
	return &user{library: l, ctx: l.ctx}, nil
}

// locate returns the one name of a library's file.
func locate(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("expected a file, the library that came with the token")
	}
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", fmt.Errorf("%w: module-path: %w", signer.ErrNoDevice, err)
	}
	return path, nil
}

// release counts a user less.
func (l *library) release() error {
	mu.Lock()
	defer mu.Unlock()
	l.users--
	if l.users > 0 || l.theirs {
		return nil
	}
	return translate(l.ctx.Finalize())
}

func isValue(err error, v rv) bool {
	var e pkcs11.Error
	return errors.As(err, &e) && rv(e) == v
}

// translate returns an error of the library as an rv.
func translate(err error) error {
	var e pkcs11.Error
	if errors.As(err, &e) {
		return rv(e)
	}
	return err
}
