package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// batch is api.Batch whose operations are decoded one by one, so that one that
// makes no sense is rejected alone.
type batch struct {
	ClientID   string            `json:"clientId"`
	Operations []json.RawMessage `json:"operations"`
}

var operationFields = []string{"id", "entityType", "entityId", "type", "data", "baseVersion", "createdAt", "stamp"}

func (s *server) applyOperations(w http.ResponseWriter, r *http.Request) {
	var b batch
	if err := s.decodeBody(w, r, api.MaxBody, &b, "clientId", "operations"); err != nil {
		s.fail(w, r, err)
		return
	}
	if err := checkBatch(b); err != nil {
		s.fail(w, r, err)
		return
	}
	if !s.admitClient(w, r, b.ClientID) {
		return
	}
	results := make([]api.Result, len(b.Operations))
	var writes []store.Write
	var places []int // of the writes among the results
	for i, raw := range b.Operations {
		write, id, problem := decodeOperation(b.ClientID, raw)
		if problem != nil {
			results[i] = store.Rejected(id, problem)
			continue
		}
		writes, places = append(writes, write), append(places, i)
	}
	if len(writes) > 0 {
		outcomes, err := s.store.Apply(r.Context(), writes)
		if err != nil {
			s.fail(w, r, fmt.Errorf("apply a batch: %w", err))
			return
		}
		for i, o := range outcomes {
			results[places[i]] = o.Result
		}
	}
	s.metrics.count(results)
	body, err := json.Marshal(api.BatchResult{Results: results})
	if err != nil {
		s.fail(w, r, fmt.Errorf("encode the results: %w", err))
		return
	}
	writeJSON(w, http.StatusOK, append(body, '\n'))
}

// checkBatch checks the envelope, about which the request as a whole is answered.
func checkBatch(b batch) error {
	var errs []api.FieldError
	if !api.ValidID(b.ClientID) {
		errs = append(errs, api.FieldError{Field: "clientId", Detail: "is not a UUID in its lower-case form"})
	}
	if b.Operations == nil {
		errs = append(errs, api.FieldError{Field: "operations", Detail: "is required"})
	}
	if len(errs) > 0 {
		return store.Invalid("The batch is not valid", errs...)
	}
	if len(b.Operations) > api.MaxOperations {
		return newProblem(api.CodeTooLarge, "Too many operations",
			fmt.Sprintf("%d operations; at most %d are allowed", len(b.Operations), api.MaxOperations))
	}
	for i, raw := range b.Operations {
		if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
			return newProblem(api.CodeMalformed, "Not an operation", fmt.Sprintf("operation %d is not an object", i))
		}
	}
	return nil
}

// decodeOperation makes a write of an operation, or says why it is rejected. The
// id is the operation's as far as it can be read.
func decodeOperation(clientID string, raw json.RawMessage) (store.Write, string, *api.Problem) {
	var op api.Operation
	if err := decodeObject(raw, &op, operationFields...); err != nil {
		var named struct {
			ID string `json:"id"`
		}
		// What can't be decoded leaves the id empty; its place in the results tells.
		_ = json.Unmarshal(raw, &named)
		var p *api.Problem
		if !errors.As(err, &p) {
			p = problemOf(err)
		}
		return store.Write{}, named.ID, p
	}
	write, problem := store.Prepare(clientID, op)
	return write, op.ID, problem
}
