package remote

import (
	"fmt"
	"strings"

	"github.com/rollcall/rollcall/wasm/sync"
)

var _, _, _ sync.Checked = (*Server)(nil), (*REST)(nil), (*Fallback)(nil)

// Check implements sync.Checked.
func (s *Server) Check(w *sync.Wiring, types []string) {
	w.Need("remote.Server.HTTP", s.HTTP)
	checkPaths(w, "remote.Server", s.Paths, types)
}

// Check implements sync.Checked.
func (r *REST) Check(w *sync.Wiring, types []string) {
	w.Need("remote.REST.HTTP", r.HTTP)
	w.Need("remote.REST.Now", r.Now)
	checkPaths(w, "remote.REST", r.Paths, types)
	d := r.Dialect
	if (d.Next == "") != (d.Token == "") {
		w.Add("Dialect.Next and Dialect.Token go together")
	}
	if d.Next != "" && d.Rows == "" {
		w.Add("Dialect.Next needs Dialect.Rows: an array has no other member")
	}
	if d.ClientDates && d.Updated == "" {
		w.Add("Dialect.ClientDates needs Dialect.Updated")
	}
}

// Check implements sync.Checked.
func (f *Fallback) Check(w *sync.Wiring, types []string) {
	w.Need("remote.Fallback.Batch", f.Batch)
	w.Need("remote.Fallback.Plain", f.Plain)
	w.Part(f.Batch, types)
	w.Part(f.Plain, types)
}

func checkPaths(w *sync.Wiring, of string, paths map[string]string, types []string) {
	for _, entityType := range types {
		switch path, ok := paths[entityType]; {
		case !ok:
			w.Add(fmt.Sprintf("%s.Paths has no %q", of, entityType))
		case !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/"):
			w.Add(fmt.Sprintf("%s.Paths[%q] is %q: a path begins with a slash, and does not end with one", of, entityType, path))
		}
	}
}
