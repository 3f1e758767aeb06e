package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	askTimeout = 15 * time.Second
	// maxAnswer is how large a status may be: 5,000 mailboxes take 2 MiB.
	maxAnswer = 64 << 20
)

// Ask reads the status of the daemon whose admin address is base, as in
// http://127.0.0.1:9464, into out.
func Ask(ctx context.Context, base, token string, out any) error {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("the admin address is a URL, as in http://127.0.0.1:9464")
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/status"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	// The token goes to the address that was named, and to no other.
	client := &http.Client{Timeout: askTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("asking the daemon: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("asking the daemon: %w", err)
	}
	if resp.StatusCode == http.StatusUnauthorized {
		return errors.New("asking the daemon: HTTP 401: it wants another token: give that of its admin: in $IMAPILOT_ADMIN_TOKEN, or with -c the configuration that has it")
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("asking the daemon: HTTP %d: %s", resp.StatusCode, strings.TrimSpace(string(body[:min(len(body), 500)])))
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("the daemon's answer cannot be read: %w", err)
	}
	return nil
}
