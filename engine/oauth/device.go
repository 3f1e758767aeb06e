package oauth

import (
	"context"
	"errors"
	"time"

	"golang.org/x/oauth2"
)

// The limits of a device login.
const (
	maxDevice   = 30 * time.Minute // however long the server would wait
	maxInterval = 60               // seconds between two questions
	pauseRetry  = 5 * time.Second  // after a question that did not come through
)

// Device is a login that waits for a person with a browser (RFC 8628).
type Device struct {
	// URI is where to go and UserCode what to enter there: printable.
	URI, UserCode string
	// Ends is until when.
	Ends time.Time

	client *Client
	asked  *oauth2.DeviceAuthResponse
}

// Device begins a device login.
func (c *Client) Device(ctx context.Context) (*Device, error) {
	ctx, conf, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	asked, err := conf.DeviceAuth(ctx)
	if err != nil {
		return nil, c.failure(c.DeviceEndpoint, err)
	}
	d := &Device{URI: printable(asked.VerificationURI), UserCode: printable(asked.UserCode), client: c, asked: asked}
	if CheckEndpoint(asked.VerificationURI) != nil || d.URI != asked.VerificationURI || d.UserCode == "" || asked.DeviceCode == "" {
		return nil, &Error{Account: c.Account, Host: hostOf(c.DeviceEndpoint), Kind: Config,
			Err: errors.New("the reply has no page and no code for a person"), Advice: "look at device_endpoint of the account"}
	}
	if most := time.Now().Add(maxDevice); asked.Expiry.IsZero() || asked.Expiry.After(most) {
		asked.Expiry = most
	}
	asked.Interval = min(asked.Interval, maxInterval)
	d.Ends = asked.Expiry
	return d, nil
}

// Wait waits until the person has agreed, or has not. A question that does not come
// through is asked again while there is time.
func (d *Device) Wait(ctx context.Context) (Grant, error) {
	c := d.client
	for {
		asking, conf, err := c.begin(ctx)
		if err != nil {
			return Grant{}, err
		}
		t, err := conf.DeviceAccessToken(asking, d.asked)
		if err == nil {
			return c.grant(t, Grant{})
		}
		if ctx.Err() != nil {
			return Grant{}, ctx.Err()
		}
		failed := c.failure(c.TokenEndpoint, err, d.asked.DeviceCode)
		if !time.Now().Before(d.Ends) {
			return Grant{}, &Error{Account: c.Account, Host: hostOf(c.TokenEndpoint), Kind: TooLate,
				Err: errors.New("nobody entered the code in time"), Advice: c.loginAgain() + " again"}
		}
		if failed.Kind != Temporary {
			return Grant{}, failed
		}
		if err := sleep(ctx, min(max(pauseRetry, failed.RetryAfter), time.Until(d.Ends))); err != nil {
			return Grant{}, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
