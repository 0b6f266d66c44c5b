package remote

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

// The engine finds a row again by the id that the client chose. A backend that chooses ids
// itself saves another row at each attempt, so the first attempt must be the last.

// CodeBackendIDs is the code of the problem that a backend does not keep the ids it is
// sent. No server sends it.
const CodeBackendIDs api.Code = "backend_ids"

// creations is what a REST has learned since its start about the backend's ids.
type creations struct {
	confirmed map[string]bool   // by type: a new row was found under the id it was sent with
	posted    map[string]posted // by operation: accepted, yet not found under its id
	stopped   map[string]bool   // by type: nothing more is created
}

// posted is the answer to a create whose row was not found.
type posted struct {
	status int
	id     string // the row's as the answer has it, "" when it has none
	sure   bool   // the backend has answered; a portal answers 200 to anything
	missed bool   // the backend has no such row
}

// otherRow is the error of an answer with the row of another id.
type otherRow struct{ asked, got string }

func (e *otherRow) Error() string { return fmt.Sprintf("the row %q instead of %q", e.got, e.asked) }

// held reports whether a create must not be sent, or not again: settle decides it.
func (r *REST) held(o queue.Operation) bool {
	if r.ids.posted == nil {
		r.ids = creations{confirmed: map[string]bool{}, posted: map[string]posted{}, stopped: map[string]bool{}}
	}
	return o.Type == api.Create && (r.ids.posted[o.ID].sure || r.ids.stopped[o.Ref.Type])
}

// created makes the result of a create that the backend accepted. Without versions the
// first row of a type is read back: a backend may repeat the id it was sent and keep its own.
func (r *REST) created(ctx context.Context, o queue.Operation, resp sync.Response, status api.Status) (api.Result, error) {
	saved, err := r.parseRow(resp.Body)
	found := posted{status: resp.Status, sure: resp.Status != 200 || resp.IsJSON() || r.ids.posted[o.ID].missed}
	switch {
	case err != nil:
		if at := strings.TrimRight(resp.Header["location"], "/"); at != "" {
			found.id, found.sure = path.Base(at), true
		}
	case saved.id != o.Ref.ID:
		found.id = saved.id
		if len(queue.Decode(o.Data).ChangedFrom(queue.Decode(saved.document))) == 0 {
			return r.stop(o, found), nil
		}
	case r.Dialect.Version != "" || r.ids.confirmed[o.Ref.Type]:
		return saved.result(o, status), nil
	}
	r.ids.posted[o.ID] = found
	result, err := r.settle(ctx, o)
	if err != nil && saved != nil && saved.id == o.Ref.ID {
		delete(r.ids.posted, o.ID)
		return saved.result(o, status), nil // the next create confirms it
	}
	return result, err
}

// settle looks for the row of a create under its id.
func (r *REST) settle(ctx context.Context, o queue.Operation) (api.Result, error) {
	found, sent := r.ids.posted[o.ID]
	current, err := r.read(ctx, o.Ref)
	var other *otherRow
	switch {
	case errors.As(err, &other):
		return r.stop(o, posted{id: other.got, sure: true}), nil
	case err != nil:
		return resultOf(o, err)
	case current == nil && found.status == 202:
		return api.Result{ID: o.ID, Status: api.Retry, Problem: &api.Problem{
			Title: "The backend has accepted this and not saved it yet", Code: api.CodeUnavailable,
		}}, nil
	case current == nil && found.sure:
		return r.stop(o, found), nil
	case current == nil && sent:
		r.ids.posted[o.ID] = posted{missed: true} // once more, to be sure
		return api.Result{}, misfit(sync.Request{Method: "POST", Path: r.Paths[o.Ref.Type]}, errors.New("a success, yet nothing is there"))
	case current == nil:
		return rejected(o, r.unsent(o)), nil
	case !sent:
		result, _ := r.compare(o, current)
		return result, nil
	}
	delete(r.ids.posted, o.ID)
	delete(r.ids.stopped, o.Ref.Type) // the row was only late
	r.ids.confirmed[o.Ref.Type] = true
	return current.result(o, api.Duplicate), nil // others may have changed it since
}

// stop rejects a create whose row is not under its id, and stops further ones of its type.
func (r *REST) stop(o queue.Operation, found posted) api.Result {
	r.ids.posted[o.ID], r.ids.stopped[o.Ref.Type] = found, true
	title, what, cure := "This backend chooses ids itself", fmt.Sprintf("has it as %q", found.id),
		fmt.Sprintf("have POST %s keep the \"id\" it is sent", r.Paths[o.Ref.Type])
	switch {
	case found.id == "" || found.id == o.Ref.ID:
		what = "has nothing under that id"
	case strings.EqualFold(found.id, o.Ref.ID):
		title, cure = "This backend changes ids", "make ids in lower case, and set Dialect.LowerIDs if the backend returns upper case"
	}
	return rejected(o, &api.Problem{Code: CodeBackendIDs, Title: title, Detail: fmt.Sprintf(
		"It accepted %q and now %s. Rollcall needs ids that the client chooses: %s. It sends nothing new there until it is restarted. "+
			"What the backend saved arrives under its own id; this copy can then be discarded.", o.Ref.ID, what, cure)})
}

// unsent is why a create is not sent after another was misnamed.
func (r *REST) unsent(o queue.Operation) *api.Problem {
	return &api.Problem{Code: CodeBackendIDs, Title: "This backend chooses ids itself", Detail: fmt.Sprintf(
		"This was not sent, because an earlier one came back under another id. Rollcall needs ids that the client chooses: "+
			"once POST %s keeps the \"id\" it is sent, restart Rollcall and retry.", r.Paths[o.Ref.Type])}
}

func rejected(o queue.Operation, problem *api.Problem) api.Result {
	return api.Result{ID: o.ID, Status: api.Rejected, Problem: problem}
}
