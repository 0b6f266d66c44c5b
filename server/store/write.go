package store

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Write is a valid operation.
type Write struct {
	ID string // of the operation, for its result

	// Key and Scope identify a replay: see RecordKey. Without a Key, there is no record.
	Key, Scope string
	// Replica says that a replica of the feed sends this, which can only have versions that
	// were given out.
	Replica bool

	EntityID    string
	Unnamed     bool // the client named no entity, so that EntityID was made for this request
	Type        api.OperationType
	Patch       api.UserPatch
	BaseVersion int64
	AnyVersion  bool // the current version is the base: If-Match: *
	CreatedAt   time.Time
	Stamp       api.Stamp

	Author *Author // nil where there are no accounts: then nothing is recorded of who it was
}

// Outcome is the outcome of a write. If Replayed, Result comes from the record of an earlier
// write with the same key, whose status was First. Otherwise First is Result.Status.
type Outcome struct {
	Result   api.Result
	First    api.Status
	Replayed bool
}

// WithPatch returns the write with the user's fields in their stored form, and what is
// wrong with them. Fields of operations, of plain REST and of imports all pass here, and
// nowhere else.
func (w Write) WithPatch(fields api.UserPatch) (Write, []api.FieldError) {
	var errs []api.FieldError
	w.Patch, errs = fields.Clean(w.Type == api.Create)
	return w, errs
}

// Prepare validates a client's operation and makes a Write of it, or returns why it is
// rejected.
func Prepare(clientID string, op api.Operation) (Write, *api.Problem) {
	patch, problem := patchOf(op)
	if problem != nil {
		return Write{}, problem
	}
	w, wrong := Write{
		ID: op.ID, Key: "operation:" + op.ID, Scope: clientID, Replica: true,
		EntityID: op.EntityID, Type: op.Type,
		BaseVersion: op.BaseVersion, CreatedAt: op.CreatedAt, Stamp: op.Stamp,
	}.WithPatch(patch)
	if errs := append(checkEnvelope(op), wrong...); len(errs) > 0 {
		return Write{}, Invalid("Invalid operation", errs...)
	}
	return w, nil
}

func checkEnvelope(op api.Operation) []api.FieldError {
	var errs []api.FieldError
	add := func(bad bool, field, detail string) {
		if bad {
			errs = append(errs, api.FieldError{Field: field, Detail: detail})
		}
	}
	add(!api.ValidID(op.ID), "id", "must be a lower-case UUID")
	add(op.EntityType != api.EntityUser, "entityType", `is unknown; it must be "user"`)
	add(!api.ValidID(op.EntityID), "entityId", "must be a lower-case UUID")
	switch op.Type {
	case api.Create, api.Update, api.Delete:
	default:
		add(true, "type", `must be "create", "update" or "delete"`)
	}
	add(!api.ValidBase(op.BaseVersion), "baseVersion", "must be a version")
	add(!op.CreatedAt.IsZero() && !api.ValidTime(op.CreatedAt), "createdAt", "must be in a year from 1 to 9999, in UTC")
	add(!op.Stamp.Valid(), "stamp", "must be a hybrid logical clock stamp")
	return errs
}

// patchOf decodes the operation's data. It refuses unknown fields: ignoring one would lose a
// part of the write.
func patchOf(op api.Operation) (api.UserPatch, *api.Problem) {
	var patch api.UserPatch
	data := bytes.TrimSpace(op.Data)
	if len(data) == 0 || string(data) == "null" {
		return patch, nil
	}
	if data[0] != '{' {
		return patch, Invalid("Invalid operation", api.FieldError{Field: "data", Detail: "must be a JSON object"})
	}
	if op.Type == api.Delete {
		return patch, DecodeObject(data, &struct{}{}, "data")
	}
	problem := DecodeObject(data, &patch, "data")
	return patch, problem
}

// Invalid is the problem of well-formed input with invalid fields.
func Invalid(title string, errs ...api.FieldError) *api.Problem {
	return api.NewProblem(api.CodeInvalid, title, "", errs...)
}

// ahead is what a record has of a replica's write on a version that the entity has not reached, because
// the replica's row was damaged, or the server's data have gone back: it is a conflict. The replica then
// puts another operation in its place, after which no late copy of it may take effect, though the
// entity may have come to that version. An earlier program does not know such records: as the text is
// no request's, it rejects the copy, and does not call it done.
func (w Write) ahead() string { return "ahead " + w.request() }

func (w Write) recordKey() RecordKey { return RecordKey{Scope: w.Scope, Key: w.Key} }

// request says what the write does, without the person's texts: a record keeps it, and even a
// hash of a name and an email can be found by trying. It leaves out the times, too: two versions
// of a client may both send one operation, and only one of them knows stamps.
func (w Write) request() string {
	base := strconv.FormatInt(w.BaseVersion, 10)
	if w.AnyVersion {
		base = "*"
	}
	parts := []string{string(w.Type), base}
	for _, field := range []struct {
		name string
		text *string
	}{{"name", w.Patch.Name}, {"email", w.Patch.Email}, {"bio", w.Patch.Bio}} {
		if field.text != nil {
			parts = append(parts, field.name)
		}
	}
	return strings.Join(parts, " ")
}
