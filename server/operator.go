package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"sync"

	"github.com/rollcall/rollcall/server/listen"
	"github.com/rollcall/rollcall/server/origin"
	"github.com/rollcall/rollcall/server/rest"
)

// operatorMuxes returns what only the operator may see, by the address that it is served on.
// Metrics and profiles may share one.
func operatorMuxes(o serveOptions, metrics *rest.Metrics) map[string]*http.ServeMux {
	muxes := map[string]*http.ServeMux{}
	at := func(addr string) *http.ServeMux {
		if muxes[addr] == nil {
			muxes[addr] = http.NewServeMux()
		}
		return muxes[addr]
	}
	if o.metrics != "" {
		at(o.metrics).Handle("/metrics", metrics.Handler())
	}
	if o.profiles != "" {
		mux := at(o.profiles)
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return muxes
}

// guarded refuses requests for other names and from pages of other sites: a browser runs on
// the operator's machine, too.
func guarded(policy *origin.Policy, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		p := policy.Host(r, "")
		if p == nil {
			p = policy.Site(r, "")
		}
		if p != nil {
			http.Error(w, p.Error(), p.Status)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// operatorLimits are for some monitors: whoever reaches the address must not use up the files
// that the process may open.
var operatorLimits = listen.Limits{Total: 64, PerNetwork: 16, Exempt: func(netip.Addr) bool { return false }}

// serveOperator serves on an address of its own until ctx ends.
func serveOperator(ctx context.Context, tasks *sync.WaitGroup, addr string, h http.Handler, log *slog.Logger) error {
	l, err := listen.TCP(ctx, addr, operatorLimits)
	if err != nil {
		return fmt.Errorf("listen for metrics or profiles on %s: %w", addr, err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		DisableGeneralOptionsHandler: true, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	log.Info("serving the operator", "url", "http://"+l.Addr().String())
	tasks.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			log.Error("can no longer serve metrics or profiles", "error", err)
		}
	})
	tasks.Go(func() {
		<-ctx.Done()
		_ = server.Close() // nobody needs an unfinished profile
	})
	return nil
}
