package device

import (
	"fmt"
	"time"
)

// lockTime is for how long too many wrong passwords lock a device, as Hikvision does.
const lockTime = 30 * time.Minute

func (d *Device) locks() bool { return d.has(QuirkLockout) || d.has(QuirkLockoutWarns) }

// lockedFor is how long the device is locked yet; 0: it is not.
func (d *Device) lockedFor() time.Duration {
	if !d.locks() {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return max(0, time.Until(d.lockedUntil))
}

// fail counts a wrong password.
func (d *Device) fail() {
	if !d.locks() {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failures++; d.failures >= d.options.Tries {
		d.failures, d.lockedUntil = 0, time.Now().Add(lockTime)
	}
}

func (d *Device) forgive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures = 0
}

// failReason is what is said to who had a wrong password.
func (d *Device) failReason() string {
	if d.lockedFor() > 0 {
		return d.lockReason()
	}
	if !d.has(QuirkLockoutWarns) {
		return "Sender not authorized"
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf("Invalid username or password. You still have %d attempt(s).", d.options.Tries-d.failures)
}

func (d *Device) lockReason() string {
	if !d.has(QuirkLockoutWarns) {
		return "Sender not authorized" // it does not say why
	}
	return fmt.Sprintf("The account is locked. Try again in %d minute(s).", int(d.lockedFor().Minutes())+1)
}

// Locked says whether wrong passwords have locked it.
func (d *Device) Locked() bool { return d.lockedFor() > 0 }

// Unlock ends a lock after wrong passwords, and forgets them.
func (d *Device) Unlock() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failures, d.lockedUntil = 0, time.Time{}
}
