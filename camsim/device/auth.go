package device

// A token is a WS-UsernameToken as it came.
type token struct{ user, password, kind, nonce, created string }

func newToken(e *element) *token {
	if e == nil {
		return nil
	}
	return &token{e.value("Username"), e.value("Password"), e.find("Password").attr("Type"), e.value("Nonce"), e.value("Created")}
}

// SetPassword changes the password that it wants.
func (d *Device) SetPassword(password string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.password = password
}

// wantedPassword is the one that opens it now.
func (d *Device) wantedPassword() string {
	if d.has(QuirkEmptyPassword) {
		return ""
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.password
}

func (c *call) admit(a access) bool { return true }

// Unlock ends a lock after wrong passwords, and forgets them.
func (d *Device) Unlock() {}
