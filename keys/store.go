package keys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/zkkex/zkkex/internal/atomicfile"
)

// ErrFileMode reports a key file that others than its owner may read or write.
var ErrFileMode = errors.New("others may read or write this key file")

// secretMode is the mode of files that hold secrets, encrypted or not.
const secretMode fs.FileMode = 0o600

// WriteFile writes s to a new file, encrypted under a passphrase, with mode
// 0600. created is when the key was made. It takes about a second, for
// [ScryptWorkFactor]. A file that exists is never overwritten: the error then
// wraps [fs.ErrExist]. An empty passphrase gives [ErrNoPassphrase].
func WriteFile(path string, s *Secret, passphrase string, created time.Time) error {
	return writeFile(path, s, passphrase, created, ScryptWorkFactor)
}

func writeFile(path string, s *Secret, passphrase string, created time.Time, workFactor int) error {
	if err := refuseEarly(path); err != nil {
		return err
	}
	f, err := sealFile(s, passphrase, created, workFactor)
	if err != nil {
		return err
	}
	return create(path, f)
}

// WriteUnencryptedSecretFile writes s to a new file, with mode 0600, as it is:
// whoever reads the file, or a backup of the disk, has the key. It is for
// machines that start without a person, where the disk is encrypted or the
// file lives in a secret store. A file that exists is never overwritten: the
// error then wraps [fs.ErrExist].
func WriteUnencryptedSecretFile(path string, s *Secret, created time.Time) error {
	f, err := unencryptedFile(s, created)
	if err != nil {
		return err
	}
	return create(path, f)
}

// WriteBackup writes s to a new backup, encrypted under a passphrase, with mode
// 0600. It holds the key and the times it was made and saved, and nothing about
// slots: which slots are used goes on changing, and a copy of it is worse than
// none. A file that exists is never overwritten: the error then wraps
// [fs.ErrExist].
func WriteBackup(path string, s *Secret, passphrase string, created, saved time.Time) error {
	return writeBackup(path, s, passphrase, created, saved, ScryptWorkFactor)
}

func writeBackup(path string, s *Secret, passphrase string, created, saved time.Time, workFactor int) error {
	if err := refuseEarly(path); err != nil {
		return err
	}
	f, err := sealBackup(s, passphrase, created, saved, workFactor)
	if err != nil {
		return err
	}
	return create(path, f)
}

// ReadFile reads a key file, encrypted or not; call [File.Open] on the result.
// It returns an error wrapping [ErrFileMode] if others than the owner may read
// or write the file, [ErrBackup] for a backup, and those of [ParseFile].
func ReadFile(path string) (*File, error) {
	f, err := read(path, checkMode)
	if err != nil {
		return nil, err
	}
	if _, ok := f.Backup(); ok {
		return nil, fmt.Errorf("%s: %w", path, ErrBackup)
	}
	return f, nil
}

// ReadBackup reads a backup; call [File.Open] on the result. The file's mode is
// not checked: backups are encrypted, and travel on media that have no modes.
// It returns an error wrapping [ErrNotBackup] for a key file, and those of
// [ParseFile].
func ReadBackup(path string) (*File, error) {
	f, err := read(path, func(string, fs.FileInfo) error { return nil })
	if err != nil {
		return nil, err
	}
	if _, ok := f.Backup(); !ok {
		return nil, fmt.Errorf("%s: %w", path, ErrNotBackup)
	}
	return f, nil
}

// Restore opens a backup and writes a new key file from it, encrypted under the
// same passphrase. A file that exists is never overwritten: the error then
// wraps [fs.ErrExist].
//
// The slots used since the key was made are not known any more: whoever
// restores a key calls slots.Recover on its state before the next proof.
func Restore(backup, path string, passphrase func() (string, error)) (*Secret, error) {
	return restore(backup, path, passphrase, ScryptWorkFactor)
}

func restore(backup, path string, passphrase func() (string, error), workFactor int) (*Secret, error) {
	if err := refuseEarly(path); err != nil {
		return nil, err
	}
	f, err := ReadBackup(backup)
	if err != nil {
		return nil, err
	}
	var used string
	s, err := f.Open(func() (_ string, err error) {
		if passphrase == nil {
			return "", ErrNoPassphrase
		}
		used, err = passphrase()
		return used, err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", backup, err)
	}
	if err := writeFile(path, s, used, f.Created(), workFactor); err != nil {
		return nil, err
	}
	return s, nil
}

// WritePublicFile writes the public key to a new file that everybody may read.
// A file that exists is never overwritten: the error then wraps [fs.ErrExist].
func WritePublicFile(path string, p *Public) error {
	text, _ := p.MarshalText()
	return explainExisting(path, atomicfile.Create(path, text, 0o644))
}

func sealFile(s *Secret, passphrase string, created time.Time, workFactor int) (*File, error) {
	f, err := newFile(FileMagic, s, created)
	if err != nil {
		return nil, err
	}
	return f, f.seal(s, passphrase, workFactor)
}

func sealBackup(s *Secret, passphrase string, created, saved time.Time, workFactor int) (*File, error) {
	f, err := newFile(BackupMagic, s, created)
	if err != nil {
		return nil, err
	}
	f.saved = saved.UTC().Truncate(time.Second)
	if err := checkYear(f.saved); err != nil {
		return nil, err
	}
	return f, f.seal(s, passphrase, workFactor)
}

func (f *File) seal(s *Secret, passphrase string, workFactor int) (err error) {
	payload := f.payload(s)
	defer clear(payload)
	f.sealed, err = encrypt(payload, passphrase, workFactor)
	return err
}

func unencryptedFile(s *Secret, created time.Time) (*File, error) {
	f, err := newFile(UnencryptedFileMagic, s, created)
	if err != nil {
		return nil, err
	}
	f.secret = s
	return f, nil
}

func create(path string, f *File) error {
	text := f.Encode()
	defer clear(text)
	return explainExisting(path, atomicfile.Create(path, text, secretMode))
}

// refuseEarly tells before a second of work, or a question for a passphrase,
// what create would tell after it.
func refuseEarly(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return explainExisting(path, fs.ErrExist)
	}
	_, err := os.Stat(filepath.Dir(path))
	return err
}

func explainExisting(path string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is never overwritten: move it away, or choose another path: %w", path, err)
	}
	return err
}

func read(path string, check func(string, fs.FileInfo) error) (*File, error) {
	// A named pipe blocks when it is opened, so look before.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: expected a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, err
	}
	if err := check(path, info); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, MaxFileSize+1))
	if err != nil {
		return nil, err
	}
	defer clear(text)
	f, err := ParseFile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// checkMode refuses a file that others may read or write. Windows keeps no
// such modes, and there it accepts every file.
func checkMode(path string, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return fmt.Errorf("%w: its mode is %04o, expected %04o: run chmod 600 %s, and consider the key known to them", ErrFileMode, mode, secretMode, path)
	}
	return nil
}
