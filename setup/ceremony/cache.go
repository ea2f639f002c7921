package ceremony

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/setup/params"
)

// cacheVersion changes when verification does: what an older program verified is
// then verified again.
const cacheVersion = "v1"

// cache remembers what this user's programs have verified: the digests of files,
// each of which fixes all files before it. It is in the user's own cache folder
// and never in the ceremony's, which others write. What cannot be remembered is
// verified again, so its errors are nobody's.
type cache struct{ dir string }

// userCache returns the cache of this user, or one that remembers nothing if
// there is no place for it.
func userCache() cache {
	dir, err := os.UserCacheDir()
	if err != nil {
		return cache{}
	}
	return cache{dir: filepath.Join(dir, "zkkex", "ceremony", cacheVersion)}
}

func (c cache) has(digest params.Digest) bool {
	if c.dir == "" {
		return false
	}
	info, err := os.Lstat(c.path(digest))
	return err == nil && info.Mode().IsRegular()
}

func (c cache) add(digest params.Digest) {
	if c.dir == "" || os.MkdirAll(c.dir, 0o700) != nil {
		return
	}
	if err := atomicfile.Create(c.path(digest), nil, 0o600); err != nil && !errors.Is(err, os.ErrExist) {
		return // verified again next time
	}
}

func (c cache) path(digest params.Digest) string {
	return filepath.Join(c.dir, digest.String())
}
