package queue

import (
	"encoding/json"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
)

// ParseOperation reads an operation from its stored JSON.
func ParseOperation(text string) (Operation, error) {
	return jsoncodec.Parse([]byte(text), readOperation)
}

// ParseConflict reads a conflict from its stored JSON.
func ParseConflict(text string) (Conflict, error) {
	return jsoncodec.Parse([]byte(text), readConflict)
}

// ReadRef reads the name of an entity.
func ReadRef(r *jsoncodec.Reader) (ref Ref) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "type":
			ref.Type = r.String()
		case "id":
			ref.ID = r.String()
		default:
			r.Skip()
		}
	}
	return ref
}

// WriteJSON writes the name of an entity.
func (r Ref) WriteJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("type").String(r.Type)
	w.Name("id").String(r.ID)
	w.Close('}')
}

func readOperation(r *jsoncodec.Reader) (o Operation) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "seq":
			o.Seq = r.Int()
		case "id":
			o.ID = r.String()
		case "ref":
			o.Ref = ReadRef(r)
		case "type":
			o.Type = api.OperationType(r.String())
		case "data":
			o.Data = r.Raw()
		case "base":
			o.Base = r.Raw()
		case "baseVersion":
			o.BaseVersion = r.Int()
		case "unseen":
			o.Unseen = r.Bool()
		case "createdAt":
			o.CreatedAt = r.Time()
		case "stamp":
			o.Stamp = api.Stamp(r.String())
		case "state":
			o.State = State(r.String())
		case "retryCount":
			o.RetryCount = int(r.Int())
		case "nextAttemptAt":
			o.NextAttemptAt = r.Time()
		case "lastError":
			o.LastError = jsoncodec.Pointer(r, api.ReadProblem)
		case "client":
			o.Client = r.String()
		default:
			r.Skip()
		}
	}
	return o
}

// WriteJSON writes the operation as a store keeps it.
func (o Operation) WriteJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("seq").Int(o.Seq)
	w.Name("id").String(o.ID)
	o.Ref.WriteJSON(w.Name("ref"))
	w.Name("type").String(string(o.Type))
	if len(o.Data) > 0 {
		w.Name("data").Raw(o.Data)
	}
	if len(o.Base) > 0 {
		w.Name("base").Raw(o.Base)
	}
	w.Name("baseVersion").Int(o.BaseVersion)
	if o.Unseen {
		w.Name("unseen").Bool(true)
	}
	w.Name("createdAt").Time(o.CreatedAt)
	w.Name("stamp").String(string(o.Stamp))
	w.Name("state").String(string(o.State))
	w.Name("retryCount").Int(int64(o.RetryCount))
	w.Name("nextAttemptAt").Time(o.NextAttemptAt)
	if o.LastError != nil {
		o.LastError.WriteJSON(w.Name("lastError"))
	}
	w.OptionalString("client", o.Client)
	w.Close('}')
}

func readConflict(r *jsoncodec.Reader) (c Conflict) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "id":
			c.ID = r.String()
		case "ref":
			c.Ref = ReadRef(r)
		case "operationId":
			c.OperationID = r.String()
		case "at":
			c.At = r.Time()
		case "strategy":
			c.Strategy = r.String()
		case "base":
			c.Base = readDocument(r)
		case "mine":
			c.Mine = readDocument(r)
		case "theirs":
			c.Theirs = readDocument(r)
		case "theirsVersion":
			c.TheirsVersion = r.Int()
		case "kept":
			c.Kept = Side(r.String())
		case "fields":
			c.Fields = jsoncodec.Slice(r, readField)
		case "reviewed":
			c.Reviewed = r.Bool()
		default:
			r.Skip()
		}
	}
	return c
}

func readField(r *jsoncodec.Reader) (f Field) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "name":
			f.Name = r.String()
		case "base":
			f.Base = readDocument(r)
		case "mine":
			f.Mine = readDocument(r)
		case "theirs":
			f.Theirs = readDocument(r)
		case "kept":
			f.Kept = Side(r.String())
		default:
			r.Skip()
		}
	}
	return f
}

// readDocument reads what a side has, of which writing makes null if it has nothing.
func readDocument(r *jsoncodec.Reader) json.RawMessage {
	if r.Null() {
		return nil
	}
	return r.Raw()
}

// WriteJSON writes the conflict as a store keeps it.
func (c Conflict) WriteJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("id").String(c.ID)
	c.Ref.WriteJSON(w.Name("ref"))
	w.Name("operationId").String(c.OperationID)
	w.Name("at").Time(c.At)
	w.Name("strategy").String(c.Strategy)
	w.Name("base").Raw(c.Base)
	w.Name("mine").Raw(c.Mine)
	w.Name("theirs").Raw(c.Theirs)
	w.Name("theirsVersion").Int(c.TheirsVersion)
	w.Name("kept").String(string(c.Kept))
	jsoncodec.WriteSlice(w.Name("fields"), c.Fields, Field.writeJSON)
	w.Name("reviewed").Bool(c.Reviewed)
	w.Close('}')
}

func (f Field) writeJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("name").String(f.Name)
	w.Name("base").Raw(f.Base)
	w.Name("mine").Raw(f.Mine)
	w.Name("theirs").Raw(f.Theirs)
	w.Name("kept").String(string(f.Kept))
	w.Close('}')
}

func readOutcome(r *jsoncodec.Reader) (o Outcome) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "id":
			o.ID = r.String()
		case "end":
			o.Kind = OutcomeKind(r.String())
		case "by":
			o.By = r.String()
		case "version":
			o.Version = r.Int()
		default:
			r.Skip()
		}
	}
	return o
}

func (o Outcome) writeJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("id").String(o.ID)
	w.Name("end").String(string(o.Kind))
	w.OptionalString("by", o.By)
	w.OptionalInt("version", o.Version)
	w.Close('}')
}

func readSavedChanges(r *jsoncodec.Reader) (s SavedChanges) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "format":
			s.Format = r.String()
		case "version":
			s.Version = int(r.Int())
		case "savedAt":
			s.SavedAt = r.Time()
		case "client":
			s.Client = r.String()
		case "operations":
			s.Operations = jsoncodec.Slice(r, readOperation)
		case "unreadable":
			s.Unreadable = jsoncodec.Slice(r, (*jsoncodec.Reader).Raw)
		default:
			r.Skip()
		}
	}
	return s
}

// readSavedHead reads what says whether the rest of a file of saved changes can be read.
func readSavedHead(r *jsoncodec.Reader) (s SavedChanges) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "format":
			s.Format = r.String()
		case "version":
			s.Version = int(r.Int())
		default:
			r.Skip()
		}
	}
	return s
}
