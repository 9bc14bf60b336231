package device

import "net/http"

// access says who may ask for an operation (ONVIF Core section 5.9.4.3).
type access int

const (
	readSystem access = iota // whoever has a login
	preAuth                  // anybody
	clockClass               // anybody, unless a quirk says otherwise
	open                     // whoever has a login, unless a quirk says otherwise
)

// An operation fills its template with what answer returns.
type operation struct {
	access access
	answer func(*call) (any, *fault)
}

func nothing(*call) (any, *fault) { return nil, nil }

// operations by prefix and name.
var operations = map[string]operation{
	"tds:GetSystemDateAndTime":   {clockClass, (*call).systemDateAndTime},
	"tds:GetDeviceInformation":   {open, func(c *call) (any, *fault) { return c.d.options, nil }},
	"tds:GetHostname":            {preAuth, func(c *call) (any, *fault) { return c.d.hostname(), nil }},
	"tds:GetScopes":              {open, func(c *call) (any, *fault) { return c.d.scopes(), nil }},
	"tds:GetServices":            {preAuth, (*call).getServices},
	"tds:GetCapabilities":        {preAuth, (*call).getCapabilities},
	"tds:GetServiceCapabilities": {preAuth, (*call).serviceCapabilities},
	"tds:GetEndpointReference":   {preAuth, func(c *call) (any, *fault) { return c.d.options.UUID, nil }},
	"tds:GetNetworkInterfaces":   {readSystem, (*call).networkInterfaces},

	"trt:GetServiceCapabilities":        {preAuth, (*call).serviceCapabilities},
	"trt:GetProfiles":                   {open, func(c *call) (any, *fault) { return c.profiles(), nil }},
	"trt:GetProfile":                    {readSystem, (*call).profile},
	"trt:GetStreamUri":                  {readSystem, (*call).streamURI},
	"trt:GetSnapshotUri":                {readSystem, (*call).snapshotURI},
	"trt:GetVideoSources":               {readSystem, func(c *call) (any, *fault) { return c.profiles()[:1], nil }},
	"trt:GetVideoSourceConfigurations":  {readSystem, func(c *call) (any, *fault) { return c.profiles()[:1], nil }},
	"trt:GetVideoEncoderConfigurations": {readSystem, func(c *call) (any, *fault) { return c.encoders(), nil }},
	"trt:GetVideoEncoderConfiguration":  {readSystem, (*call).encoder},

	"tr2:GetServiceCapabilities":        {preAuth, (*call).serviceCapabilities},
	"tr2:GetProfiles":                   {open, (*call).profiles2},
	"tr2:GetStreamUri":                  {readSystem, (*call).streamURI},
	"tr2:GetSnapshotUri":                {readSystem, (*call).snapshotURI},
	"tr2:GetVideoSourceConfigurations":  {readSystem, func(c *call) (any, *fault) { return c.profiles()[:1], nil }},
	"tr2:GetVideoEncoderConfigurations": {readSystem, func(c *call) (any, *fault) { return c.encoders(), nil }},

	"tptz:GetServiceCapabilities": {preAuth, (*call).serviceCapabilities},
	"tptz:GetNodes":               {readSystem, func(*call) (any, *fault) { return maxPresets, nil }},
	"tptz:GetNode":                {readSystem, (*call).ptzNode},
	"tptz:GetConfigurations":      {readSystem, nothing},
	"tptz:GetStatus":              {readSystem, (*call).ptzStatus},
	"tptz:ContinuousMove":         {readSystem, turning(continuousMove)},
	"tptz:AbsoluteMove":           {readSystem, turning(absoluteMove)},
	"tptz:RelativeMove":           {readSystem, turning(relativeMove)},
	"tptz:Stop":                   {readSystem, turning(stopMove)},
	"tptz:GetPresets":             {readSystem, (*call).presets},
	"tptz:GotoPreset":             {readSystem, turning(gotoPreset)},
	"tptz:SetPreset":              {readSystem, (*call).setPreset},

	"tev:GetServiceCapabilities":      {preAuth, (*call).serviceCapabilities},
	"tev:GetEventProperties":          {readSystem, nothing},
	"tev:CreatePullPointSubscription": {readSystem, (*call).createPullPoint},
	"tev:PullMessages":                {readSystem, (*call).pullMessages},
	"tev:SetSynchronizationPoint":     {readSystem, (*call).synchronize},
	"wsnt:Renew":                      {readSystem, (*call).renewSubscription},
	"wsnt:Unsubscribe":                {readSystem, (*call).unsubscribe},
}

// soap answers one request to a service.
func (d *Device) soap(w http.ResponseWriter, r *http.Request) {
	c, err := d.newCall(w, r)
	if err != nil {
		d.count("malformed")
		c = &call{d: d, w: w, r: r}
		c.fail(senderFault(err.Error(), "ter:WellFormed"))
		return
	}
	op, known := operations[c.key()]
	if known {
		d.count(c.operation)
		d.count(c.key())
	}
	if !c.admit(op.access) {
		return
	}
	if !known || !d.offers(c.prefix) || !d.offersOperation(c.key()) {
		c.fail(notSupported(c.operation))
		return
	}
	data, failed := op.answer(c)
	if failed != nil {
		c.fail(failed)
		return
	}
	c.answer("", c.filled(data))
}

func (c *call) filled(data any) string {
	if c.operation == "GetServiceCapabilities" {
		return fill(c.operation, data)
	}
	return fill(c.key(), data)
}
