package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// RestoreRow is a row of a backup as it is when that is restored. What was written
// after the backup was made had versions, too, and clients still build on them,
// but no version may ever stand for two states. So versions go on from the time in
// milliseconds: no row has been written that often, and the same backup can be
// restored again. Beside this the feed's epoch changes, so that clients read
// everything again.
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
