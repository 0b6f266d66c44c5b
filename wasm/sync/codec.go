package sync

import (
	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/api/jsoncodec"
	"github.com/rollcall/rollcall/wasm/queue"
)

// ParseMessage reads a message of a Bus that carries text.
func ParseMessage(text string) (Message, error) {
	return jsoncodec.Parse([]byte(text), readMessage)
}

// JSON is the inverse of ParseMessage.
func (m Message) JSON() string { return string(jsoncodec.Write(m.writeJSON)) }

func readMessage(r *jsoncodec.Reader) (m Message) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "kind":
			m.Kind = Kind(r.String())
		case "id":
			m.ID = r.String()
		case "refs":
			m.Refs = jsoncodec.Slice(r, queue.ReadRef)
		case "reason":
			m.Reason = Reason(r.String())
		case "online":
			m.Online = r.Bool()
		case "status":
			m.Status = jsoncodec.Pointer(r, readStatus)
		case "report":
			m.Report = jsoncodec.Pointer(r, readReport)
		default:
			r.Skip()
		}
	}
	return m
}

func (m Message) writeJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("kind").String(string(m.Kind))
	w.OptionalString("id", m.ID)
	if len(m.Refs) > 0 {
		jsoncodec.WriteSlice(w.Name("refs"), m.Refs, queue.Ref.WriteJSON)
	}
	w.OptionalString("reason", string(m.Reason))
	if m.Online {
		w.Name("online").Bool(true)
	}
	if m.Status != nil {
		m.Status.writeJSON(w.Name("status"))
	}
	if m.Report != nil {
		m.Report.writeJSON(w.Name("report"))
	}
	w.Close('}')
}

func readStatus(r *jsoncodec.Reader) (s Status) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "phase":
			s.Phase = Phase(r.String())
		case "online":
			s.Online = r.Bool()
		case "problem":
			s.Problem = jsoncodec.Pointer(r, api.ReadProblem)
		case "pushed":
			s.Pushed = int(r.Int())
		case "pulled":
			s.Pulled = int(r.Int())
		case "conflict":
			s.Conflict = int(r.Int())
		case "rejected":
			s.Rejected = int(r.Int())
		case "repaired":
			s.Repaired = int(r.Int())
		case "syncedAt":
			s.SyncedAt = r.Time()
		case "retryAt":
			s.RetryAt = r.Time()
		case "at":
			s.At = r.Time()
		case "host":
			s.Host = r.String()
		case "stream":
			s.Stream = r.Bool()
		case "rebuild":
			s.Resync = jsoncodec.Pointer(r, readResync)
		default:
			r.Skip()
		}
	}
	return s
}

func (s Status) writeJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("phase").String(string(s.Phase))
	w.Name("online").Bool(s.Online)
	if s.Problem != nil {
		s.Problem.WriteJSON(w.Name("problem"))
	}
	w.Name("pushed").Int(int64(s.Pushed))
	w.Name("pulled").Int(int64(s.Pulled))
	w.Name("conflict").Int(int64(s.Conflict))
	w.Name("rejected").Int(int64(s.Rejected))
	w.Name("repaired").Int(int64(s.Repaired))
	w.Name("syncedAt").Time(s.SyncedAt)
	if !s.RetryAt.IsZero() {
		w.Name("retryAt").Time(s.RetryAt)
	}
	w.Name("at").Time(s.At)
	w.Name("host").String(s.Host)
	w.Name("stream").Bool(s.Stream)
	if p := s.Resync; p != nil {
		w.Name("rebuild").Open('{')
		w.Name("first").Bool(p.First)
		w.Name("arrived").Int(int64(p.Arrived))
		w.OptionalInt("total", int64(p.Total))
		w.Close('}')
	}
	w.Close('}')
}

func readResync(r *jsoncodec.Reader) (p ResyncProgress) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "first":
			p.First = r.Bool()
		case "arrived":
			p.Arrived = int(r.Int())
		case "total":
			p.Total = int(r.Int())
		default:
			r.Skip()
		}
	}
	return p
}

func readReport(r *jsoncodec.Reader) (report Report) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "pushed":
			report.Pushed = int(r.Int())
		case "pulled":
			report.Pulled = int(r.Int())
		case "conflict":
			report.Conflict = int(r.Int())
		case "rejected":
			report.Rejected = int(r.Int())
		case "repaired":
			report.Repaired = int(r.Int())
		case "waiting":
			report.Waiting = int(r.Int())
		case "more":
			report.More = r.Bool()
		case "problem":
			report.Problem = jsoncodec.Pointer(r, api.ReadProblem)
		default:
			r.Skip()
		}
	}
	return report
}

func (r Report) writeJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("pushed").Int(int64(r.Pushed))
	w.Name("pulled").Int(int64(r.Pulled))
	w.Name("conflict").Int(int64(r.Conflict))
	w.Name("rejected").Int(int64(r.Rejected))
	w.Name("repaired").Int(int64(r.Repaired))
	w.Name("waiting").Int(int64(r.Waiting))
	w.Name("more").Bool(r.More)
	if r.Problem != nil {
		r.Problem.WriteJSON(w.Name("problem"))
	}
	w.Close('}')
}

func readCheck(r *jsoncodec.Reader) (c Check) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "at":
			c.At = r.Time()
		case "there":
			c.ServerRows = r.Int()
		case "here":
			c.DeviceRows = r.Int()
		case "apart":
			c.Mismatched = int(r.Int())
		case "epoch":
			c.Epoch = r.String()
		case "generation":
			c.Generation = r.Int()
		case "last":
			c.Last = jsoncodec.Pointer(r, readRepair)
		case "open":
			c.Open = jsoncodec.Pointer(r, readProgress)
		default:
			r.Skip()
		}
	}
	return c
}

func (c Check) writeJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("at").Time(c.At)
	w.Name("there").Int(c.ServerRows)
	w.Name("here").Int(c.DeviceRows)
	w.Name("apart").Int(int64(c.Mismatched))
	w.OptionalString("epoch", c.Epoch)
	w.OptionalInt("generation", c.Generation)
	if l := c.Last; l != nil {
		w.Name("last").Open('{')
		w.Name("at").Time(l.At)
		w.Name("rows").Int(int64(l.Rows))
		w.Name("buckets").Int(int64(l.Buckets))
		w.Close('}')
	}
	if c.Open != nil {
		c.Open.writeJSON(w.Name("open"))
	}
	w.Close('}')
}

func readRepair(r *jsoncodec.Reader) (s RepairSummary) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "at":
			s.At = r.Time()
		case "rows":
			s.Rows = int(r.Int())
		case "buckets":
			s.Buckets = int(r.Int())
		default:
			r.Skip()
		}
	}
	return s
}

func readProgress(r *jsoncodec.Reader) (p CheckProgress) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "tries":
			p.Tries = int(r.Int())
		case "type":
			p.Type = r.String()
		case "bucket":
			p.Bucket = int(r.Int())
		case "after":
			p.After = r.String()
		case "rows":
			p.Rows = int(r.Int())
		case "buckets":
			p.Buckets = int(r.Int())
		case "hit":
			p.Counted = r.Bool()
		case "epoch":
			p.Epoch = r.String()
		case "generation":
			p.Generation = r.Int()
		default:
			r.Skip()
		}
	}
	return p
}

func (p CheckProgress) writeJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("tries").Int(int64(p.Tries))
	w.Name("type").String(p.Type)
	w.Name("bucket").Int(int64(p.Bucket))
	w.OptionalString("after", p.After)
	w.Name("rows").Int(int64(p.Rows))
	w.Name("buckets").Int(int64(p.Buckets))
	if p.Counted {
		w.Name("hit").Bool(true)
	}
	w.OptionalString("epoch", p.Epoch)
	w.OptionalInt("generation", p.Generation)
	w.Close('}')
}

func readIncidents(r *jsoncodec.Reader) []Incident { return jsoncodec.Slice(r, readIncident) }

func readIncident(r *jsoncodec.Reader) (i Incident) {
	for r.Object(); r.Member(); {
		switch string(r.Name) {
		case "what":
			i.What = r.String()
		case "at":
			i.At = r.Time()
		case "times":
			i.Times = int(r.Int())
		case "recovered":
			i.Recovered = r.Time()
		default:
			r.Skip()
		}
	}
	return i
}

func (i Incident) writeJSON(w *jsoncodec.Writer) {
	w.Open('{')
	w.Name("what").String(i.What)
	w.Name("at").Time(i.At)
	w.OptionalInt("times", int64(i.Times))
	w.Name("recovered").Time(i.Recovered)
	w.Close('}')
}

func writeIncidents(all []Incident) string {
	return string(jsoncodec.Write(func(w *jsoncodec.Writer) { jsoncodec.WriteSlice(w, all, Incident.writeJSON) }))
}
