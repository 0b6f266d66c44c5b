package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Nginx is Debian's nginx in front of a server. It keeps its port across restarts.
type Nginx struct {
	t    testing.TB
	dir  string
	addr string

	cmd *exec.Cmd
	log logBuffer
}

// nginxConfig is what a configuration needs to run as anybody, in a directory of its own.
const nginxConfig = `daemon off; worker_processes 1; error_log stderr; pid nginx.pid;
events {}
http {
	access_log off;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	server_names_hash_bucket_size 128;
%s
}
`

// StartNginx starts nginx with the configuration of a server. In it, ADDRESS is where nginx
// listens, and CERTIFICATE and KEY are files for TLS.
func StartNginx(t testing.TB, server string) *Nginx {
	t.Helper()
	n := &Nginx{t: t, dir: t.TempDir(), addr: freeAddr(t)}
	cert, key := n.certificate()
	server = strings.NewReplacer("ADDRESS", n.addr, "CERTIFICATE", cert, "KEY", key).Replace(server)
	n.write("nginx.conf", fmt.Sprintf(nginxConfig, server))
	t.Cleanup(func() {
		if n.cmd != nil {
			n.Stop()
		}
		if t.Failed() {
			t.Logf("nginx's log, the end of it:\n%s", n.log.tail(4000))
		}
	})
	n.Start()
	return n
}

// Port is where it listens on 127.0.0.1.
func (n *Nginx) Port() string {
	_, port, _ := strings.Cut(n.addr, ":")
	return port
}

// Start starts nginx, and waits until it listens.
func (n *Nginx) Start() {
	n.t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // not everybody's PATH has it
	}
	n.cmd = exec.Command(path, "-p", n.dir, "-e", "stderr", "-c", filepath.Join(n.dir, "nginx.conf"))
	n.cmd.Stdout, n.cmd.Stderr = &n.log, &n.log
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		n.t.Fatalf("starting nginx: %v", err)
	}
	Eventually(n.t, "nginx listens", func() error {
		c, err := net.Dial("tcp", n.addr)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, n.log.tail(1000))
		}
		return c.Close()
	})
}

// Stop ends nginx at once: connections are refused until Start.
func (n *Nginx) Stop() {
	n.t.Helper()
	// The group, because the master leaves its workers to themselves.
	if err := syscall.Kill(-n.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		n.t.Errorf("stopping nginx: %v", err)
	}
	_ = n.cmd.Wait() // it was killed
	n.cmd = nil
}

// certificate writes a certificate that nobody has signed.
func (n *Nginx) certificate() (cert, key string) {
	n.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		n.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "directory.example.org"}, DNSNames: []string{"directory.example.org"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		n.t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		n.t.Fatal(err)
	}
	cert = n.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return cert, n.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})))
}

func (n *Nginx) write(name, content string) string {
	n.t.Helper()
	path := filepath.Join(n.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		n.t.Fatal(err)
	}
	return path
}
