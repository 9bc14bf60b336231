// Finding cameras, and moving one: what the page at / can do besides showing them.
// ECMAScript 5, as page.js. A test reads data- attributes of #found (devices, state) and
// of #ptz (camera, state).
(function () {
	'use strict';

	var T = Camgate.word;

	function $(id) { return document.getElementById(id); }
	function child(parent, tag, cls, content) {
		var e = document.createElement(tag);
		if (cls) { e.className = cls; }
		if (content) { e.textContent = content; }
		parent.appendChild(e);
		return e;
	}
	// send asks the gateway; done gets the answer, or null and a sentence.
	function send(method, path, body, done) {
		var r = new XMLHttpRequest();
		r.open(method, path, true);
		r.timeout = 30000;
		if (body) { r.setRequestHeader('Content-Type', 'application/json'); }
		r.onload = function () {
			var answer = null;
			try { answer = JSON.parse(r.responseText); } catch (e) { /* an empty answer, or a proxy's */ }
			if (r.status >= 200 && r.status < 300 && (answer || !r.responseText)) { return done(answer || {}, '', r.status); }
			done(null, answer && answer.error ? String(answer.error) : T('answers', r.status + ' ' + r.statusText), r.status);
		};
		r.onerror = function () { done(null, T('unreachable'), 0); };
		r.ontimeout = function () { done(null, T('slow'), 0); };
		r.send(body ? JSON.stringify(body) : null);
	}

	// --- What is on the network.

	var found = $('found'), list = $('found-list'), searching = false, rows = {}; // of devices, by their ids
	var SHOWN = ['id', 'name', 'maker', 'model', 'address', 'via', 'onvif', 'cameras', 'warnings'];

	function say(text) { $('found-text').textContent = text; }
	function field(form, title, type, name, value) {
		var label = child(form, 'label', '', title), input = child(label, 'input');
		input.type = type;
		input.name = name;
		input.value = value || '';
		input.setAttribute('autocomplete', 'off');
		return input;
	}
	function toml(text) { return '"' + text.replace(/[\\"]/g, '\\$&') + '"'; }
	// kept tells how a camera stays after a restart: pages write no configuration.
	function kept(item, device, name, user) {
		var address = device.onvif[0].replace(/^http/, 'onvif').replace('://', '://' + (user ? encodeURIComponent(user) + '@' : ''));
		child(item, 'p', '', T(user ? 'keepFile' : 'keep'));
		child(item, 'pre', '', '[[camera]]\nname = ' + toml(name) + '\nsource = ' + toml(address) + '\nid = ' + toml(device.id) +
			(user ? '\npassword_file = ' + toml(name + '.password') : ''));
	}
	function addForm(item, device, button) {
		var form = child(item, 'form', 'add'), user = field(form, T('user'), 'text', 'user'), password = field(form, T('password'), 'password', 'password');
		var go = child(form, 'button', 'button', T('addIt')), said = child(form, 'p', 'said');
		said.setAttribute('role', 'status');
		button.hidden = true;
		user.focus();
		form.onsubmit = function (e) {
			e.preventDefault();
			go.disabled = true;
			said.textContent = T('asks');
			send('POST', 'api/cameras', { device: device.id, user: user.value, password: password.value }, function (answer, error) {
				var link;
				go.disabled = false;
				password.value = '';
				if (!answer) { said.textContent = error; return; }
				item.removeChild(form);
				item.setAttribute('data-camera', answer.camera);
				link = child(item, 'a', 'button', T('show', answer.camera));
				link.href = '#cam=' + encodeURIComponent(answer.camera);
				kept(item, device, answer.camera, user.value);
				link.focus();
			});
		};
	}
	function show(device) {
		var item = child(list, 'li'), what = [device.maker, device.model].join(' ').trim(), button, i, link;
		item.setAttribute('data-device', device.id);
		child(item, 'strong', '', device.name || what || device.address);
		child(item, 'span', 'quiet', [device.name ? what : '', device.address, device.via.join(', ')].filter(Boolean).join(' · '));
		for (i = 0; i < device.cameras.length; i++) {
			link = child(item, 'a', 'button', T('show', device.cameras[i]));
			link.href = '#cam=' + encodeURIComponent(device.cameras[i]);
		}
		if (!device.cameras.length && device.onvif.length) {
			button = child(item, 'button', 'button', T('add'));
			button.type = 'button';
			button.onclick = function () { addForm(item, device, button); };
		}
		if (!device.cameras.length && !device.onvif.length) {
			child(item, 'span', 'quiet', T('noOnvif'));
		}
		for (i = 0; device.warnings && i < device.warnings.length; i++) { child(item, 'p', 'quiet', device.warnings[i]); }
		return item;
	}
	// busy: somebody is typing there, or has yet to copy what keeps the camera.
	function busy(item) { return item.querySelector('form, pre'); }
	function take(answer, error) {
		var old = rows;
		if (!answer) { say(error); return; }
		found.setAttribute('data-devices', answer.devices.length);
		if (!searching) { say(answer.devices.length ? '' : T('noDevice')); }
		rows = {};
		answer.devices.forEach(function (device) {
			var key = '=' + device.id, was = old[key], told = JSON.stringify(device, SHOWN);
			rows[key] = was && (was.told === told || busy(was.item)) ? was : { told: told, item: show(device) };
		});
		Object.keys(old).forEach(function (key) {
			if (!rows[key] && busy(old[key].item)) { rows[key] = old[key]; }
			if (rows[key] !== old[key]) { list.removeChild(old[key].item); }
		});
		answer.devices.forEach(function (device, i) { // moved only where needed: what is moved loses the keyboard
			var item = rows['=' + device.id].item;
			if (list.children[i] !== item) { list.insertBefore(item, list.children[i] || null); }
		});
	}
	function search() {
		if (searching) { return; }
		searching = true;
		found.setAttribute('data-state', 'searching');
		$('search').disabled = true;
		say(T('searching'));
		send('POST', 'api/discovery', null, function (answer, error) {
			searching = false;
			found.setAttribute('data-state', 'done');
			$('search').disabled = false;
			take(answer, error);
		});
	}
	function open(yes) {
		found.hidden = !yes;
		$('find').setAttribute('aria-expanded', yes ? 'true' : 'false');
		if (!yes) { return; }
		send('GET', 'api/discovery', null, function (answer, error) {
			take(answer, error);
			search();
		});
		$('found-title').focus();
		found.scrollIntoView();
	}
	$('find').onclick = function () { open(found.hidden); };
	$('found-close').onclick = function () { open(false); $('find').focus(); };
	$('search').onclick = search;
	send('GET', 'api/discovery', null, function (answer, error, status) { $('find').hidden = status === 404; });

	// --- A camera that moves: the pad under the large picture. Held, it moves; let go, it stops.

	var pad = $('ptz'), camera = '', repeat = 0, asking = 0, given = 0, next = ''; // given: orders that are not taken yet; next: the step that waits for them
	var MOVES = { left: [-1, 0, 0], right: [1, 0, 0], up: [0, 1, 0], down: [0, -1, 0], 'in': [0, 0, 1], out: [0, 0, -1] };

	function order(body) {
		var to = camera;
		given++;
		send('POST', 'api/cameras/' + encodeURIComponent(camera) + '/ptz', body, function (answer, error) {
			given--;
			if (to !== camera) { return; }
			$('ptz-said').textContent = error;
			if (!given && next) { step(next); }
		});
	}
	function move(way, seconds) {
		var m = MOVES[way], speed = 0.6;
		pad.setAttribute('data-state', way);
		order({ pan: m[0] * speed, tilt: m[1] * speed, zoom: m[2] * speed, seconds: seconds });
	}
	// step is a key's: one after the other, and of those of a key that is held one waits.
	function step(way) {
		next = given ? way : '';
		if (!given) { move(way, 0.4); }
	}
	function hold(way) {
		release();
		next = '';
		move(way, 2);
		// A slow camera takes one after the other: those given in advance would go on after the hand.
		repeat = setInterval(function () { if (!given) { move(way, 2); } }, 1000);
	}
	function release() {
		if (!repeat) { return; }
		clearInterval(repeat);
		repeat = 0;
		pad.setAttribute('data-state', 'stop');
		order({ stop: true });
	}
	function button(b) {
		var way = b.getAttribute('data-move');
		function down(e) {
			if (e.button) { return; } // the menu's
			e.preventDefault();
			hold(way);
		}
		b.addEventListener('mousedown', down);
		b.addEventListener('touchstart', down);
		['mouseup', 'mouseleave', 'touchend', 'touchcancel', 'blur'].forEach(function (end) { b.addEventListener(end, release); });
		b.onclick = function (e) { if (!e.detail) { step(way); } }; // by the keyboard, which repeats what is held
	}
	function presets() {
		var select = $('preset'), of = camera;
		select.textContent = '';
		child(select, 'option', '', T('goto_')).value = '';
		select.hidden = true;
		send('GET', 'api/cameras/' + encodeURIComponent(camera) + '/presets', null, function (answer) {
			if (of !== camera) { return; }
			for (var i = 0; answer && i < answer.length; i++) { child(select, 'option', '', answer[i].name || answer[i].token).value = answer[i].token; }
			select.hidden = !(answer && answer.length);
		});
	}
	$('preset').onchange = function () {
		if (this.value) { order({ preset: this.value }); }
		this.selectedIndex = 0;
	};
	// look asks whether the camera that is shown large can be moved, until it is known.
	function look() {
		var m = /^#cam=(.*)$/.exec(location.hash), name = '';
		clearTimeout(asking);
		try { name = m ? decodeURIComponent(m[1]) : ''; } catch (e) { /* no camera is called that */ }
		if (name !== camera) {
			release();
			next = '';
			camera = name;
			pad.hidden = true;
			$('ptz-said').textContent = '';
			pad.setAttribute('data-camera', name);
			if (name) { open(false); }
		}
		if (!name) { return; }
		send('GET', 'api/cameras/' + encodeURIComponent(name), null, function (status) {
			if (name !== camera) { return; }
			if (status && status.onvif) {
				if (status.onvif.ptz && pad.hidden) { pad.hidden = false; presets(); }
				return;
			}
			asking = setTimeout(look, 2000);
		});
	}
	Array.prototype.forEach.call(pad.querySelectorAll('button'), button);
	addEventListener('hashchange', look);
	addEventListener('blur', release);
	document.addEventListener('visibilitychange', function () { if (document.hidden) { release(); } });
	look();
})();
