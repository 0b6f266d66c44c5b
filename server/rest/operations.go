package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/server/store"
)

// batch is api.Batch with operations that are decoded one by one, so that an invalid one is
// rejected alone.
type batch struct {
	ClientID   string        `json:"clientId"`
	Operations rawOperations `json:"operations"`
}

// rawOperations are undecoded operations. A second list in the body is an error, since one of
// the two would be dropped silently. What is beyond api.MaxOperations is counted, not kept: a
// list of zeros would take fifty times the memory of the body that is paid for.
type rawOperations struct {
	list  []jsontext.Value
	count int
	read  bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (o *rawOperations) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if o.read {
		return errors.New("it is given twice")
	}
	o.read = true
	if d.PeekKind() != jsontext.KindBeginArray {
		return jsonv2.UnmarshalDecode(d, &o.list) // null, or an error
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for o.list = []jsontext.Value{}; d.PeekKind() != jsontext.KindEndArray; o.count++ {
		if o.count >= api.MaxOperations {
			if err := d.SkipValue(); err != nil {
				return err
			}
			continue
		}
		raw, err := d.ReadValue()
		if err != nil {
			return err
		}
		o.list = append(o.list, raw.Clone())
	}
	_, err := d.ReadToken()
	return err
}

// lenient are the options to decode a batch's envelope. Operations are decoded strictly, so
// that one with a duplicate field or invalid UTF-8 is rejected alone.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

func (s *server) applyOperations(w http.ResponseWriter, r *http.Request) error {
	var b batch
	if err := s.decodeBody(w, r, api.MaxBody, &b, lenient...); err != nil {
		return err
	}
	if err := checkBatch(b); err != nil {
		return err
	}
	if err := s.admitClient(w, r, b.ClientID); err != nil {
		return err
	}
	results := make([]api.Result, len(b.Operations.list))
	var writes []store.Write
	var places []int // of the writes in the results
	for i, raw := range b.Operations.list {
		write, id, problem := decodeOperation(b.ClientID, raw)
		if problem == nil {
			problem = s.mayWrite(r, &write, b.ClientID)
		}
		if problem != nil {
			results[i] = store.Rejected(id, problem)
			continue
		}
		writes, places = append(writes, write), append(places, i)
	}
	if len(writes) > 0 {
		outcomes, err := s.store.Apply(r.Context(), writes)
		if err != nil {
			return fmt.Errorf("apply a batch: %w", err)
		}
		var size int64
		for i, o := range outcomes {
			results[places[i]] = o.Result
			size += int64(len(o.Result.Document))
		}
		if err := s.reserve(r, size); err != nil {
			return err // sent again, each is found to be done
		}
	}
	s.metrics.count(results)
	body, err := json.Marshal(api.BatchResult{Results: results})
	if err != nil {
		return fmt.Errorf("encode the results: %w", err)
	}
	writeJSON(w, http.StatusOK, append(body, '\n'))
	return nil
}

// checkBatch checks the envelope. What is wrong with it fails the whole request.
func checkBatch(b batch) error {
	var errs []api.FieldError
	if !api.ValidID(b.ClientID) {
		errs = append(errs, api.FieldError{Field: "clientId", Detail: "must be a lower-case UUID"})
	}
	if b.Operations.list == nil {
		errs = append(errs, api.FieldError{Field: "operations", Detail: "is required"})
	}
	if len(errs) > 0 {
		return store.Invalid("Invalid batch", errs...)
	}
	if b.Operations.count > api.MaxOperations {
		p := api.NewProblem(api.CodeTooLarge, "Too many operations",
			fmt.Sprintf("%d operations; at most %d are allowed", b.Operations.count, api.MaxOperations))
		p.MaxOperations = api.MaxOperations
		return p
	}
	for i, raw := range b.Operations.list {
		if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
			return api.NewProblem(api.CodeMalformed, "Invalid operation", fmt.Sprintf("operation %d is not a JSON object", i))
		}
	}
	return nil
}

// decodeOperation decodes an operation into a write, or returns why it is rejected. The id is
// empty if it can't be read or echoed.
func decodeOperation(clientID string, raw jsontext.Value) (store.Write, string, *api.Problem) {
	var op api.Operation
	if p := store.DecodeObject(raw, &op, ""); p != nil {
		var named struct {
			ID string `json:"id"`
		}
		_ = jsonv2.Unmarshal(raw, &named, lenient...)
		return store.Write{}, echoed(named.ID), p
	}
	write, problem := store.Prepare(clientID, op)
	return write, echoed(op.ID), problem
}

func echoed(id string) string {
	if !api.ValidLabel(id) {
		return ""
	}
	return id
}
