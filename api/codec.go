package api

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/rollcall/rollcall/api/jsoncodec"
)

// This file reads what a device gets and writes what it sends. The server has encoding/json
// for the same types; the tests hold one to the other.

// ParseUser reads a user's document.
func ParseUser(document json.RawMessage) (User, error) {
	return jsoncodec.Parse(document, ReadUser)
}

// ReadUser reads a user.
func ReadUser(r *jsoncodec.Reader) (u User) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "id":
			u.ID = r.String()
		case "name":
			u.Name = r.String()
		case "email":
			u.Email = r.String()
		case "bio":
			u.Bio = r.String()
		case "createdAt":
			u.CreatedAt = r.Time()
		case "updatedAt":
			u.UpdatedAt = r.Time()
		case "version":
			u.Version = r.Int()
		default:
			r.Skip()
		}
	}
	return u
}

// WriteJSON writes the user.
func (u User) WriteJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("id").String(u.ID)
	w.Name("name").String(u.Name)
	w.Name("email").String(u.Email)
	w.Name("bio").String(u.Bio)
	w.Name("createdAt").Time(u.CreatedAt)
	w.Name("updatedAt").Time(u.UpdatedAt)
	w.Name("version").Int(u.Version)
	w.Close('}')
}

// WriteJSON writes the fields that are set.
func (p UserPatch) WriteJSON(w *jsoncodec.Writer) {
	w.Open('{')
	if p.Name != nil {
		w.Name("name").String(*p.Name)
	}
	if p.Email != nil {
		w.Name("email").String(*p.Email)
	}
	if p.Bio != nil {
		w.Name("bio").String(*p.Bio)
	}
	w.Close('}')
}

// WriteJSON writes the batch.
func (b Batch) WriteJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("clientId").String(b.ClientID)
	jsoncodec.WriteSlice(w.Name("operations"), b.Operations, Operation.WriteJSON)
	w.Close('}')
}

// WriteJSON writes the operation.
func (o Operation) WriteJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("id").String(o.ID)
	w.Name("entityType").String(o.EntityType)
	w.Name("entityId").String(o.EntityID)
	w.Name("type").String(string(o.Type))
	if len(o.Data) > 0 {
		w.Name("data").Raw(o.Data)
	}
	w.Name("baseVersion").Int(o.BaseVersion)
	w.Name("createdAt").Time(o.CreatedAt)
	w.OptionalString("stamp", string(o.Stamp))
	w.Close('}')
}

// ReadBatchResult reads the response to a Batch.
func ReadBatchResult(r *jsoncodec.Reader) (b BatchResult) {
	for r.Object(); r.Member(); {
		if string(r.Name) == "results" {
			b.Results = jsoncodec.Slice(r, readResult)
		} else {
			r.Skip()
		}
	}
	return b
}

func readResult(r *jsoncodec.Reader) (result Result) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "id":
			result.ID = r.String()
		case "status":
			result.Status = Status(r.String())
		case "version":
			result.Version = r.Int()
		case "stamp":
			result.Stamp = Stamp(r.String())
		case "document":
			result.Document = r.Raw()
		case "problem":
			result.Problem = jsoncodec.Pointer(r, ReadProblem)
		default:
			r.Skip()
		}
	}
	return result
}

// ReadProblem reads a problem.
func ReadProblem(r *jsoncodec.Reader) (p Problem) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "type":
			p.Type = r.String()
		case "title":
			p.Title = r.String()
		case "status":
			p.Status = int(r.Int())
		case "detail":
			p.Detail = r.String()
		case "code":
			p.Code = Code(r.String())
		case "errors":
			p.Errors = jsoncodec.Slice(r, readFieldError)
		case "maxOperations":
			p.MaxOperations = int(r.Int())
		default:
			r.Skip()
		}
	}
	return p
}

func readFieldError(r *jsoncodec.Reader) (e FieldError) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "field":
			e.Field = r.String()
		case "detail":
			e.Detail = r.String()
		default:
			r.Skip()
		}
	}
	return e
}

// WriteJSON writes the problem.
func (p Problem) WriteJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.OptionalString("type", p.Type)
	w.Name("title").String(p.Title)
	w.Name("status").Int(int64(p.Status))
	w.OptionalString("detail", p.Detail)
	w.Name("code").String(string(p.Code))
	if len(p.Errors) > 0 {
		jsoncodec.WriteSlice(w.Name("errors"), p.Errors, FieldError.writeJSON)
	}
	w.OptionalInt("maxOperations", int64(p.MaxOperations))
	w.Close('}')
}

func (e FieldError) writeJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("field").String(e.Field)
	w.Name("detail").String(e.Detail)
	w.Close('}')
}

// ReadChangePage reads a page of the feed.
func ReadChangePage(r *jsoncodec.Reader) (p ChangePage) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "changes":
			p.Changes = jsoncodec.Slice(r, readChange)
		case "cursor":
			p.Cursor = r.String()
		case "hasMore":
			p.HasMore = r.Bool()
		case "contentDigests":
			p.Digests = jsoncodec.Map(r, readDigest)
		case "epoch":
			p.Epoch = r.String()
		case "total":
			p.Total = r.Int()
		default:
			r.Skip()
		}
	}
	return p
}

// ReadBucketPage reads a page of a bucket.
func ReadBucketPage(r *jsoncodec.Reader) (p BucketPage) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "changes":
			p.Changes = jsoncodec.Slice(r, readChange)
		case "hasMore":
			p.HasMore = r.Bool()
		default:
			r.Skip()
		}
	}
	return p
}

func readChange(r *jsoncodec.Reader) (c Change) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "entityType":
			c.EntityType = r.String()
		case "entityId":
			c.EntityID = r.String()
		case "version":
			c.Version = r.Int()
		case "deleted":
			c.Deleted = r.Bool()
		case "stamp":
			c.Stamp = Stamp(r.String())
		case "document":
			c.Document = r.Raw()
		default:
			r.Skip()
		}
	}
	return c
}

var errDigest = errors.New("not a digest: its count is negative, or it does not have " + strconv.Itoa(Buckets) + " buckets")

// readDigest reads {"count": N, "buckets": base64 of the sums}.
func readDigest(r *jsoncodec.Reader) (d Digest) {
	var sums []byte
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "count":
			d.Count = r.Int()
		case "buckets":
			sums, _ = base64.StdEncoding.DecodeString(r.String())
		default:
			r.Skip()
		}
	}
	if d.Count < 0 || len(sums) != sumsSize {
		r.Fail(errDigest)
		return Digest{}
	}
	d.setSums(sums)
	return d
}

// MarshalJSON encodes {"count": N, "buckets": base64 of the sums}.
func (d Digest) MarshalJSON() ([]byte, error) {
	return jsoncodec.Write(func(w *jsoncodec.Writer) {
		w.Open('{')
		w.Name("count").Int(d.Count)
		w.Name("buckets").String(base64.StdEncoding.EncodeToString(d.appendSums(nil)))
		w.Close('}')
	}), nil
}

// UnmarshalJSON is the inverse of MarshalJSON. It refuses an invalid count or number of buckets.
func (d *Digest) UnmarshalJSON(b []byte) error {
	read, err := jsoncodec.Parse(b, readDigest)
	if err == nil {
		*d = read
	}
	return err
}

// ReadSession reads who a device is to the server.
func ReadSession(r *jsoncodec.Reader) (s Session) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "open":
			s.Open = r.Bool()
		case "account":
			s.Account = jsoncodec.Pointer(r, ReadIdentity)
		case "provider":
			s.Provider = r.String()
		default:
			r.Skip()
		}
	}
	return s
}

// ReadIdentity reads an account.
func ReadIdentity(r *jsoncodec.Reader) (i Identity) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "id":
			i.ID = r.String()
		case "name":
			i.Name = r.String()
		case "displayName":
			i.DisplayName = r.String()
		case "role":
			i.Role = r.String()
		default:
			r.Skip()
		}
	}
	return i
}

// WriteJSON writes the account.
func (i Identity) WriteJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("id").String(i.ID)
	w.Name("name").String(i.Name)
	w.Name("displayName").String(i.DisplayName)
	w.Name("role").String(i.Role)
	w.Close('}')
}

// WriteJSON writes what starts a session.
func (s SignIn) WriteJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.OptionalString("name", s.Name)
	w.Name("password").String(s.Password)
	w.OptionalString("link", s.Link)
	w.OptionalString("device", s.Device)
	w.Close('}')
}
