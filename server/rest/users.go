package rest

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

func (s *server) listUsers(w http.ResponseWriter, r *http.Request) error {
	values, err := query(r)
	if err != nil {
		return err
	}
	q, err := parseList(values)
	if err != nil {
		return err
	}
	read := func(ctx context.Context) (content, error) {
		list, err := s.store.Users(ctx, q)
		var size int64
		for _, d := range list.Documents {
			size += int64(len(d))
		}
		return content{size, mediaJSON, func(w io.Writer) error { return writeList(w, list) }}, err
	}
	if q.Search == "" {
		page, err := s.pageFor(r, mediaJSON, read)
		if err != nil {
			return err
		}
		return s.sendPage(w, r, page)
	}
	// A search may take long, is rarely shared, and ends when its client is gone.
	c, err := read(r.Context())
	if err != nil {
		return err
	}
	return s.sendOwn(w, r, c)
}

// writeList writes a page of the list as JSON, part by part.
func writeList(w io.Writer, list store.List) error {
	out := bufio.NewWriterSize(w, 32<<10)
	text := `{"users":[`
	for _, d := range list.Documents {
		// Flush returns the first error.
		_, _ = out.WriteString(text)
		_, _ = out.Write(d)
		text = ","
	}
	if len(list.Documents) > 0 {
		text = ""
	}
	_, _ = out.WriteString(text + `],"nextPageToken":` + strconv.Quote(pageToken(list.Next)) + "}\n")
	return out.Flush()
}

// query parses a request's query string. What can't be parsed is refused: to leave it out would
// answer another question.
func query(r *http.Request) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, store.Invalid("Invalid query", api.FieldError{
			Field: "query", Detail: "must be percent-encoded fields, joined by &"})
	}
	return values, nil
}

func parseList(v url.Values) (store.ListQuery, error) {
	var errs []api.FieldError
	bad := func(field, detail string) { errs = append(errs, api.FieldError{Field: field, Detail: detail}) }
	search := strings.TrimSpace(v.Get("q"))
	q := store.ListQuery{Search: api.FoldText(search)}
	if utf8.RuneCountInString(search) > api.MaxQuery || !utf8.ValidString(search) || strings.ContainsFunc(search, unicode.IsControl) {
		bad("q", fmt.Sprintf("must be text of at most %d characters, without control characters", api.MaxQuery))
	}
	var ok bool
	if q.Limit, ok = parseLimit(v.Get("limit"), api.DefaultUsers, api.MaxUsers); !ok {
		bad("limit", fmt.Sprintf("must be a number from 1 to %d", api.MaxUsers))
	}
	if text := v.Get("updated_after"); text != "" {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			bad("updated_after", "must be an RFC 3339 time such as 2026-01-31T12:00:00Z")
		}
		q.UpdatedAfter = t.UTC()
		if t.Before(time.UnixMicro(1)) {
			q.UpdatedAfter = time.UnixMicro(0) // before every row; the zero time means "not given"
		}
	}
	if text := v.Get("page_token"); text != "" {
		if q.After, ok = parsePageToken(text, q.ByUpdate()); !ok {
			bad("page_token", "must be a token that this list returned")
		}
	}
	if len(errs) > 0 {
		return q, store.Invalid("Invalid query", errs...)
	}
	return q, nil
}

func parseLimit(text string, fallback, most int) (int, bool) {
	if text == "" {
		return fallback, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= most
}

func pageToken(p *store.Position) string {
	if p == nil {
		return ""
	}
	b, err := json.Marshal(p)
	if err != nil {
		panic("encode a page token: " + err.Error()) // it is text and a valid time
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// maxToken bounds a page token: the folded form of a name of ligatures is long.
const maxToken = 16 << 10

// parsePageToken reads a token that pageToken has made, byte for byte.
func parsePageToken(text string, byUpdate bool) (store.Position, bool) {
	var p store.Position
	if len(text) > maxToken {
		return p, false
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &p) != nil || !api.ValidTime(p.UpdatedAt) || pageToken(&p) != text {
		return p, false
	}
	return p, api.ValidID(p.ID) && !strings.Contains(p.Sort, "\x00") && (!byUpdate || !p.UpdatedAt.IsZero())
}

func (s *server) getUser(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	row, err := s.store.User(r.Context(), id)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag(row.Version))
	if matches(r.Header.Values("If-None-Match"), etag(row.Version)) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	writeJSON(w, http.StatusOK, append(slices.Clip(row.Document), '\n'))
	return nil
}

// newUser is the body of POST.
type newUser struct {
	ID *string `json:"id"`
	api.UserPatch
}

func (s *server) createUser(w http.ResponseWriter, r *http.Request) error {
	var body newUser
	if err := s.decodeBody(w, r, api.MaxUserBody, &body); err != nil {
		return err
	}
	write, errs := store.Write{Type: api.Create, EntityID: newID(r), Unnamed: body.ID == nil}.WithPatch(body.UserPatch)
	if body.ID != nil {
		write.EntityID = *body.ID
	}
	if body.ID != nil && !api.ValidID(*body.ID) {
		errs = append([]api.FieldError{{Field: "id", Detail: "must be a lower-case UUID"}}, errs...)
	}
	if len(errs) > 0 {
		return store.Invalid("Invalid user", errs...)
	}
	outcome, err := s.apply(r, write)
	if err != nil {
		return err
	}
	switch {
	case len(outcome.Result.Document) == 0:
		return api.NewProblem(api.CodeConflict, "The user was deleted",
			"the user of this id, or whom this Idempotency-Key created, was deleted; take another one to create a new user")
	case outcome.Result.Status == api.Conflict && write.Unnamed:
		return api.NewProblem(api.CodeKeyReused, "Idempotency key reused", "another request already used this key")
	case outcome.Result.Status == api.Conflict:
		return api.NewProblem(api.CodeConflict, "Id already in use", "a user with this id exists")
	}
	created := struct {
		ID string `json:"id"`
	}{write.EntityID}
	if outcome.Replayed { // with the id of the first request, not the one made for this request
		if err := json.Unmarshal(outcome.Result.Document, &created); err != nil {
			return fmt.Errorf("decode the created user: %w", err)
		}
	}
	w.Header().Set("Location", api.ItemPath(api.PathUsers, created.ID))
	status := http.StatusCreated
	if outcome.First == api.Duplicate {
		status = http.StatusOK // an equal user exists already
	}
	writeOutcome(w, status, outcome)
	return nil
}

// keyed is the namespace of the ids of users who were created without one, under a key.
var keyed = uuid.MustParse("3c0f5c52-7f0e-4f86-9a54-8f0f7c2b9d16")

// newID makes an id for a new user: of the request's Idempotency-Key, if there is one, so that a
// replay finds the user or the tombstone even when its record is gone.
func newID(r *http.Request) string {
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		return uuid.NewSHA1(keyed, []byte(key)).String()
	}
	return uuid.NewString()
}

func (s *server) updateUser(w http.ResponseWriter, r *http.Request) error {
	write, err := s.conditional(r, api.Update)
	if err != nil {
		return err
	}
	var patch api.UserPatch
	if err := s.decodeBody(w, r, api.MaxUserBody, &patch); err != nil {
		return err
	}
	write, errs := write.WithPatch(patch)
	if len(errs) > 0 {
		return store.Invalid("Invalid change", errs...)
	}
	outcome, err := s.apply(r, write)
	if err != nil {
		return err
	}
	// To the engine, a duplicate is success. A plain client that named a version learns
	// that it is no longer current.
	stale := outcome.First == api.Duplicate && !write.AnyVersion
	deleted := len(outcome.Result.Document) == 0 // before this replay
	if stale || deleted || outcome.Result.Status == api.Conflict {
		return failedCondition(w, outcome)
	}
	writeOutcome(w, http.StatusOK, outcome)
	return nil
}

func (s *server) deleteUser(w http.ResponseWriter, r *http.Request) error {
	write, err := s.conditional(r, api.Delete)
	if err != nil {
		return err
	}
	outcome, err := s.apply(r, write)
	if err != nil {
		return err
	}
	switch {
	case outcome.Result.Status == api.Conflict:
		return failedCondition(w, outcome)
	case outcome.First == api.Duplicate:
		// There was nothing to delete. A replay of the delete, which its Idempotency-Key
		// identifies, gets 204.
		return store.ErrNotFound
	}
	markReplay(w, outcome)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// conditional starts a write that must name the version it is based on.
func (s *server) conditional(r *http.Request, t api.OperationType) (store.Write, error) {
	write := store.Write{Type: t}
	var err error
	if write.EntityID, err = pathID(r); err != nil {
		return write, err
	}
	tags := r.Header.Values("If-Match")
	if len(tags) == 0 {
		return write, api.NewProblem(api.CodePreconditionReq, "If-Match is required",
			"send the ETag of the version that you want to change")
	}
	named := splitTags(tags)
	switch {
	case len(named) == 1 && named[0] == "*":
		write.AnyVersion = true
	case len(named) == 1:
		write.BaseVersion = version(named[0])
	default:
		// Of several tags, the current one counts. If it changes before the write, the
		// condition fails too.
		row, err := s.store.User(r.Context(), write.EntityID)
		if err != nil {
			return write, err
		}
		write.BaseVersion = -1
		if slices.Contains(named, etag(row.Version)) {
			write.BaseVersion = row.Version
		}
	}
	return write, nil
}

// apply does a plain request's write. With an Idempotency-Key, the same request again is a
// replay.
func (s *server) apply(r *http.Request, write store.Write) (store.Outcome, error) {
	if key, given := r.Header["Idempotency-Key"]; given {
		if len(key) != 1 || !api.ValidKey(key[0]) {
			return store.Outcome{}, store.Invalid("Invalid Idempotency-Key", api.FieldError{
				Field: "Idempotency-Key", Detail: "must be 1 to 255 visible ASCII characters"})
		}
		write.Key = "request:" + key[0]
	}
	write.ID = scopeOf(r.Context()).id
	if p := s.mayWrite(r, &write, ""); p != nil {
		return store.Outcome{}, p
	}
	outcomes, err := s.store.Apply(r.Context(), []store.Write{write})
	if err != nil {
		return store.Outcome{}, fmt.Errorf("%s user %s: %w", write.Type, write.EntityID, err)
	}
	outcome := outcomes[0]
	if p := outcome.Result.Problem; p != nil && outcome.Result.Status != api.Conflict {
		return outcome, p
	}
	return outcome, nil
}

// failedCondition is the error of a write that is not based on the current version.
func failedCondition(w http.ResponseWriter, o store.Outcome) error {
	if len(o.Result.Document) == 0 {
		return store.ErrNotFound
	}
	w.Header().Set("ETag", etag(o.Result.Version))
	return api.NewProblem(api.CodePrecondition, "The user has changed",
		fmt.Sprintf("its version is now %d, which If-Match does not name", o.Result.Version))
}

func writeOutcome(w http.ResponseWriter, status int, o store.Outcome) {
	markReplay(w, o)
	w.Header().Set("ETag", etag(o.Result.Version))
	writeJSON(w, status, append(slices.Clip(o.Result.Document), '\n'))
}

func markReplay(w http.ResponseWriter, o store.Outcome) {
	if o.Replayed {
		w.Header().Set("Idempotency-Replayed", "true")
	}
}

func pathID(r *http.Request) (string, error) {
	id := r.PathValue("id")
	if !api.ValidID(id) {
		return "", store.Invalid("Invalid user id", api.FieldError{Field: "id", Detail: "must be a lower-case UUID"})
	}
	return id, nil
}
