package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// certificateCheck is how often the files are looked at. Certificates are renewed
// weeks before they end, so this is soon enough; SIGHUP makes it at once.
const certificateCheck = 30 * time.Second

// certificate is a key pair that is read again when its files have changed.
type certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
	seen              string // the files' state when they were last read
}

func newCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	c.seen = c.state()
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// config is TLS with the pair as it is at each handshake.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

func (c *certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("read the certificate %s and its key %s: %w", c.certFile, c.keyFile, err)
	}
	c.current.Store(&pair)
	return nil
}

// watch reads the pair again after a hangup and when its files have changed. One
// that can't be read leaves the last good one in use.
func (c *certificate) watch(ctx context.Context, hangup <-chan os.Signal, log *slog.Logger) {
	ticks := time.NewTicker(certificateCheck)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			c.reload(log)
		case <-ticks.C:
			if c.state() != c.seen {
				c.reload(log)
			}
		}
	}
}

func (c *certificate) reload(log *slog.Logger) {
	c.seen = c.state()
	if err := c.read(); err != nil {
		log.Error("the certificate stays the one before", "error", err)
		return
	}
	log.Info("certificate read again", "ends", c.current.Load().Leaf.NotAfter)
}

// state is a text that changes when the files do.
func (c *certificate) state() string {
	var text string
	for _, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			text += err.Error() + "\n"
			continue
		}
		text += fmt.Sprintln(info.Size(), info.ModTime().UnixNano())
	}
	return text
}
