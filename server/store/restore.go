package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// RestoreRow moves the version of a backup's row ahead. Clients may know versions from after
// the backup, and no version may stand for two states. So versions continue from the time in
// milliseconds: no row was written that often, and the same backup can be restored again. The
// feed's epoch changes as well, so that clients read everything again.
func RestoreRow(r Row, now time.Time) (Row, error) {
	r.Version = max(r.Version+1, now.UnixMilli())
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
