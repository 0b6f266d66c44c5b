package listen

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// certificateCheck is how often the files are checked. Certificates are renewed weeks before
// they expire, so this is soon enough; SIGHUP reloads at once.
const certificateCheck = 30 * time.Second

// Certificate is a TLS key pair that is reloaded when its files change.
type Certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
	loaded            string // fingerprint of the files when they were last read
}

// LoadCertificate reads a key pair from PEM files.
func LoadCertificate(certFile, keyFile string) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile}
	c.loaded = c.fingerprint()
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// Config returns a TLS configuration that uses the current pair in each handshake.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

// Leaf returns the certificate itself; nil without one.
func (c *Certificate) Leaf() *x509.Certificate {
	if c == nil {
		return nil
	}
	return c.current.Load().Leaf
}

func (c *Certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("read the certificate %s and its key %s: %w", c.certFile, c.keyFile, err)
	}
	c.current.Store(&pair)
	return nil
}

// Watch reloads the pair on a hangup and when its files have changed, until ctx ends.
func (c *Certificate) Watch(ctx context.Context, hangup <-chan os.Signal, log *slog.Logger) {
	ticks := time.NewTicker(certificateCheck)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			c.Reload(log)
		case <-ticks.C:
			if c.Changed() {
				c.Reload(log)
			}
		}
	}
}

// Changed reports whether the files changed since they were read.
func (c *Certificate) Changed() bool { return c.fingerprint() != c.loaded }

// Reload reads the pair again. A pair that can't be read leaves the last good one in use.
func (c *Certificate) Reload(log *slog.Logger) {
	c.loaded = c.fingerprint()
	if err := c.read(); err != nil {
		log.Error("could not reload the TLS certificate; still using the previous one", "error", err)
		return
	}
	log.Info("TLS certificate reloaded", "expires", c.current.Load().Leaf.NotAfter)
}

// fingerprint changes when the files do.
func (c *Certificate) fingerprint() string {
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
