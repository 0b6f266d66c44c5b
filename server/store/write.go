package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/rollcall/rollcall/api"
)

// Write is a valid operation, ready to be decided.
type Write struct {
	ID       string // of the operation; the result carries it
	ClientID string

	// Key recognises a replay and Hash its payload; an empty Key keeps no record.
	Key  string
	Hash string
	// Latest has a replay answered with the entity as it is by then, not with the
	// first result: who keeps a replica of the feed must not go back behind it.
	Latest bool

	EntityID    string
	Type        api.OperationType
	Patch       api.UserPatch
	BaseVersion int64
	AnyVersion  bool // whatever version there is, it is the base: If-Match: *
	CreatedAt   time.Time
	Stamp       api.Stamp
}

// Outcome is what became of a write. Replayed tells that Result comes from the
// record of an earlier write with the same key, whose status was First;
// otherwise First is Result.Status.
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

// Prepare validates an operation of a client and makes a Write of it, or says
// why it will never be taken.
func Prepare(clientID string, op api.Operation) (Write, *api.Problem) {
	patch, problem := patchOf(op)
	if problem != nil {
		return Write{}, problem
	}
	w, wrong := Write{
		ID: op.ID, ClientID: clientID, Key: "operation:" + op.ID, Hash: hash(op, patch), Latest: true,
		EntityID: op.EntityID, Type: op.Type,
		BaseVersion: op.BaseVersion, CreatedAt: op.CreatedAt, Stamp: op.Stamp,
	}.WithPatch(patch)
	if errs := append(checkEnvelope(op), wrong...); len(errs) > 0 {
		return Write{}, Invalid("Invalid operation", errs...)
	}
	return w, nil
}

// maxBase leaves room to count on within what JSON carries exactly.
const maxBase = 1 << 52

func checkEnvelope(op api.Operation) []api.FieldError {
	var errs []api.FieldError
	add := func(bad bool, field, detail string) {
		if bad {
			errs = append(errs, api.FieldError{Field: field, Detail: detail})
		}
	}
	add(!api.ValidID(op.ID), "id", "is not a UUID in its lower-case form")
	add(op.EntityType != api.EntityUser, "entityType", `is not known; it must be "user"`)
	add(!api.ValidID(op.EntityID), "entityId", "is not a UUID in its lower-case form")
	switch op.Type {
	case api.Create, api.Update, api.Delete:
	default:
		add(true, "type", `must be "create", "update" or "delete"`)
	}
	add(op.BaseVersion < 0 || op.BaseVersion > maxBase, "baseVersion", "is not a version")
	add(!op.Stamp.Valid(), "stamp", "is not a hybrid logical clock stamp")
	return errs
}

// patchOf decodes the operation's data, refusing fields nobody knows: a write of
// which a part is dropped in silence is a lost write.
func patchOf(op api.Operation) (api.UserPatch, *api.Problem) {
	var patch api.UserPatch
	data := bytes.TrimSpace(op.Data)
	if len(data) == 0 || string(data) == "null" {
		return patch, nil
	}
	if data[0] != '{' {
		return patch, Invalid("The operation is not valid", api.FieldError{Field: "data", Detail: "is not an object"})
	}
	if op.Type == api.Delete {
		return patch, DecodeObject(data, &struct{}{}, "data")
	}
	problem := DecodeObject(data, &patch, "data")
	return patch, problem
}

// Invalid is the problem of well-formed input that breaks a rule.
func Invalid(title string, errs ...api.FieldError) *api.Problem {
	return api.NewProblem(api.CodeInvalid, title, "", errs...)
}

// hash is of what the operation does, so that another order of fields or other
// white space is no other payload. Its dates are left out: two versions of a
// client may take turns in sending one operation, and only one knows stamps.
func hash(op api.Operation, patch api.UserPatch) string {
	return Hash(op.EntityType, op.EntityID, op.Type, patch, op.BaseVersion)
}

// Hash is a fingerprint of the parts of a payload. The parts must be encodable
// as JSON.
func Hash(parts ...any) string {
	b, err := json.Marshal(parts)
	if err != nil {
		// Parts are strings, numbers and structs of them: this is a defect of the caller.
		panic("hash of a payload: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
