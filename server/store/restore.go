package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/api"
)

// VersionAt is a version that was not reached before a time, the microseconds since 1970: no
// row was written that often. It is exact in a JSON number. A clock that is a century ahead
// leaves room to count: versions never go back, and clients could not name greater ones.
func VersionAt(t time.Time) int64 { return min(t.UnixMicro(), api.MaxVersion-1<<40) }

// RestoreRow moves the version of a backup's row ahead. Clients may know versions from after
// the backup, and no version may stand for two states. So versions continue from the time, and
// the same backup can be restored again. The feed's epoch changes as well, so that clients read
// everything again: see FeedState.Restore.
func RestoreRow(r Row, now time.Time) (Row, error) {
	r.Version = max(r.Version+1, VersionAt(now))
	if r.Deleted {
		return r, nil
	}
	u, err := r.User()
	if err != nil {
		return r, err
	}
	u.Version = r.Version
	if r.Document, err = json.Marshal(u); err != nil {
		return r, fmt.Errorf("encode the document of user %s: %w", r.ID, err)
	}
	return r, nil
}

// Restore makes the state that of a backup whose rows were moved ahead with RestoreRow. Its
// epoch has no past, so that every client reads everything again.
func (f *FeedState) Restore(epoch uint64, now time.Time) {
	f.Epoch, f.Past = epoch, ""
	f.Floor = max(f.Floor+1, VersionAt(now))
}
