package remote

import (
	"context"
	"maps"
	stdsync "sync"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/sync"
)

// Decoded is a sync.HTTP that asks for answers without a content coding where codings get
// lost on the way. An answer whose Content-Encoding was removed is seen at once, and fetched
// again. One that was decoded but still says otherwise can't be read, so the next request
// asks for a plain answer, which costs no request more.
type Decoded struct {
	HTTP sync.HTTP

	mu     stdsync.Mutex
	plain  bool // how the next request asks
	always bool // and every other
	proofs int  // plain requests that went well after a coded one had failed
	silent int  // requests in a row that nothing answered
}

// enoughProofs is how many proofs end the tries with codings, for as long as the program
// runs: one may be the network that has come back.
const enoughProofs = 2

// plainTries is of how many requests without any answer one asks for a plain one: mostly the
// network is away, but a browser may refuse what it can't decode before it says more of it.
const plainTries = 4

// Do implements sync.HTTP.
func (d *Decoded) Do(ctx context.Context, r sync.Request) (sync.Response, error) {
	d.mu.Lock()
	plain := d.plain || d.always
	d.mu.Unlock()
	resp, err := d.HTTP.Do(ctx, asking(r, plain))
	if err == nil && !plain && resp.Coded() {
		d.learn(true, nil, enoughProofs)
		return d.HTTP.Do(ctx, asking(r, true))
	}
	switch {
	case ctx.Err() != nil: // nothing is known of the answer
	case err != nil && resp.Status == 0:
		d.learnSilence()
	default:
		d.learn(plain, err, 1)
	}
	return resp, err
}

func (d *Decoded) learnSilence() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent++
	d.plain = d.silent%plainTries == 0
}

func (d *Decoded) learn(plain bool, err error, proofs int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = 0
	switch {
	case err != nil:
		d.plain = !plain
		return
	case plain:
		d.proofs += proofs
		d.always = d.proofs >= enoughProofs
	default:
		d.proofs = 0
	}
	d.plain = false
}

// asking returns the request as it is sent.
func asking(r sync.Request, plain bool) sync.Request {
	if plain {
		r.Header = maps.Clone(r.Header)
		if r.Header == nil {
			r.Header = map[string]string{}
		}
		r.Header[api.HeaderAcceptCoding] = api.CodingIdentity
	}
	return r
}
