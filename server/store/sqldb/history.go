package sqldb

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcall/rollcall/server/store"
)

// EffectColumns are the columns of the table history, in the order of EffectValues.
const EffectColumns = `change, entity_id, version, type, account_id, device, at, made_at, replaced`

// EffectValues are the values of EffectColumns.
func EffectValues(e *store.Effect) []any {
	var replaced any
	if len(e.Replaced) > 0 {
		replaced = string(e.Replaced)
	}
	return []any{e.Change, e.EntityID, e.Version, string(e.Type), e.Account, e.Device, e.At.UnixMicro(), micro(e.Made), replaced}
}

func scanEffect(s Scanner) (e store.Effect, err error) {
	var at, made int64
	var replaced []byte
	err = s.Scan(&e.Change, &e.EntityID, &e.Version, &e.Type, &e.Account, &e.Device, &at, &made, &replaced)
	e.At, e.Made, e.Replaced = microseconds(at), since1970(made), replaced
	return e, err
}

// History reads and forgets who changed what.
type History struct{ DB Querier }

// firstFrom is the first change from a time on. Times and changes are in one order.
const firstFrom = `coalesce((SELECT change FROM history WHERE at >= $1 ORDER BY change LIMIT 1), 9223372036854775807)`

// Past returns an entity with its latest effects up to a change.
func (h History) Past(ctx context.Context, id string, until int64) (p store.Past, err error) {
	p.Effects, err = rowsOf(h.DB, scanEffect).all(ctx, `SELECT `+EffectColumns+` FROM history WHERE entity_id = $1 AND change <= $2 ORDER BY change DESC LIMIT $3`, id, until, store.MaxPast)
	if err != nil {
		return p, fmt.Errorf("read the history of user %s: %w", id, err)
	}
	rows, err := rowsOf(h.DB, ScanRow[Scanner]).all(ctx, `SELECT `+RowColumns+` FROM users WHERE id = $1`, id)
	if err != nil {
		return p, fmt.Errorf("read user %s: %w", id, err)
	}
	if len(rows) > 0 {
		p.Current = &rows[0]
	}
	return p, nil
}

// Effects calls f for each effect from a time on, in their order; of one account if it is not nil.
func (h History) Effects(ctx context.Context, from time.Time, account *string, f func(store.Effect) error) error {
	text, args := `SELECT `+EffectColumns+` FROM history WHERE change >= `+firstFrom, []any{micro(from)}
	if account != nil {
		text, args = text+` AND account_id = $2`, append(args, *account)
	}
	if err := rowsOf(h.DB, scanEffect).each(ctx, f, text+` ORDER BY change`, args...); err != nil {
		return fmt.Errorf("read who changed what: %w", err)
	}
	return nil
}

// ForgetChunk is how many rows are forgotten at once, while writers wait.
const ForgetChunk = 5000

// Forget forgets some of what is old, and returns how many rows. There may be more if it is a whole
// chunk.
func (h History) Forget(ctx context.Context, old store.Old) (n int64, err error) {
	const some = ` ORDER BY change LIMIT $2)`
	for _, one := range []struct {
		text   string
		before time.Time
	}{
		{`DELETE FROM history WHERE change IN (SELECT change FROM history WHERE change < ` + firstFrom + some, old.Changes},
		{`UPDATE history SET replaced = NULL WHERE change IN (SELECT change FROM history WHERE replaced IS NOT NULL AND change < ` + firstFrom + some, old.Texts},
		{`DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE at < $1 ORDER BY number LIMIT $2)`, old.Audit},
	} {
		done, err := h.DB.ExecContext(ctx, one.text, micro(one.before), ForgetChunk-n)
		if err != nil {
			return n, fmt.Errorf("forget what is old: %w", err)
		}
		rows, err := done.RowsAffected()
		if err != nil {
			return n, fmt.Errorf("forget what is old: %w", err)
		}
		if n += rows; n >= ForgetChunk {
			break
		}
	}
	return n, nil
}

// Erase forgets what was replaced of an entity.
func (h History) Erase(ctx context.Context, id string) error {
	if _, err := h.DB.ExecContext(ctx, `UPDATE history SET replaced = NULL WHERE entity_id = $1`, id); err != nil {
		return fmt.Errorf("erase the history of user %s: %w", id, err)
	}
	return nil
}
