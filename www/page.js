// The page at /: ECMAScript 5 and nothing that a browser of 2014 lacks. What a test or a
// curious operator wants to know stands in data- attributes: of each tile and of #view
// (camera, state, age-ms, frames, mode), and of body (gateway, cameras).
(function () {
	'use strict';

	// Times are milliseconds of performance.now(), a clock that nobody sets; Date is for what people read.
	var STEPS = [320, 480, 640, 960, 1280, 1920, 2560, 3840]; // widths asked for: few, so that viewers share encodes
	var GRID_FPS = 15;
	var POLL = 1000, POLL_TIMEOUT = 4000, SILENT = 3000;
	var FIRST = 3000; // how long the first picture may take before it is missed
	var DEAD = 10000; // without a picture for so long a connection is given up: the gateway sends one a second, at least
	var SOCKETLESS = 60000; // how long stills do instead, where WebSockets do not get through
	var SMALLEST = 260; // of a tile that need not be scrolled to, px

	var URLs = window.URL || window.webkitURL;
	var sockets = !!(window.WebSocket && window.Blob && URLs && URLs.createObjectURL);
	var slots = 4; // stills asked for at once: a browser has six connections, and the state needs one

	function now() { return performance.now(); }
	function $(id) { return document.getElementById(id); }
	function enc(name) { return encodeURIComponent(name); }
	function text(node, s) { if (node.textContent !== s) { node.textContent = s; } }
	function attr(node, name, value) { value = String(value); if (node.getAttribute(name) !== value) { node.setAttribute(name, value); } }
	function hide(node, yes) { if (node.hidden !== yes) { node.hidden = yes; } }
	function child(parent, tag, cls, content) {
		var e = document.createElement(tag);
		if (cls) { e.className = cls; }
		if (content) { e.textContent = content; }
		parent.appendChild(e);
		return e;
	}
	function two(n) { return (n < 10 ? '0' : '') + n; }
	function clock(d) { return two(d.getHours()) + ':' + two(d.getMinutes()) + ':' + two(d.getSeconds()); }
	function when(rfc3339) { // old browsers read at most three digits of a second's parts
		var d = new Date(rfc3339.replace(/(\.\d{3})\d+/, '$1'));
		if (isNaN(d)) { return rfc3339; }
		return (new Date() - d > 72e6 ? d.toLocaleDateString() + ' ' : '') + clock(d);
	}
	function duration(ms) { // rounded up: no picture is newer than it says
		var s = ms / 1000;
		if (s < 9.9) { return (Math.ceil(s * 10) / 10).toFixed(1) + ' s'; }
		return s < 120 ? Math.ceil(s) + ' s' : s < 7200 ? Math.ceil(s / 60) + ' min' : Math.ceil(s / 3600) + ' h';
	}
	function words(state) { return state === 'lost' ? 'no connection' : state; }
	function shorten(s, most) { return s.length > most ? s.slice(0, most - 1) + '…' : s; }

	// --- The gateway's word on its cameras: /api/cameras, once a second.

	var api = { list: null, by: {}, at: 0, heard: null, sent: 0, failures: 0, error: '', timer: 0 };

	api.silent = function (t) {
		return api.failures > 1 || (api.failures && t - api.at > SILENT) || (api.sent > 0 && t - api.sent > SILENT);
	};
	api.ask = function () {
		clearTimeout(api.timer);
		if (api.sent || !awake()) { return; }
		var r = new XMLHttpRequest(), done = false;
		function end(list, error) {
			if (done) { return; }
			done = true;
			api.sent = 0;
			if (list) {
				var back = api.silent(now());
				api.failures = 0;
				api.error = '';
				api.at = now();
				api.heard = new Date();
				take(list);
				if (back) { kick(); }
			} else {
				api.failures++;
				api.error = error;
			}
			tick();
			api.timer = setTimeout(api.ask, POLL + (list ? 0 : Math.random() * 500));
		}
		api.sent = now();
		r.open('GET', '/api/cameras', true);
		r.timeout = POLL_TIMEOUT;
		r.onload = function () {
			var answer = null;
			try { answer = JSON.parse(r.responseText); } catch (e) { /* not the gateway's answer, but a proxy's */ }
			if (r.status === 200 && answer instanceof Array) { return end(answer); }
			end(null, answer && answer.error ? String(answer.error) : 'it answers ' + r.status + ' ' + r.statusText);
		};
		r.onerror = function () { end(null, 'it cannot be reached'); };
		r.ontimeout = function () { end(null, 'it takes too long to answer'); };
		r.send();
	};
	api.soon = function () { // what pictures do says that the state has changed
		if (now() - api.at > 300) { api.ask(); }
	};
	api.status = function (name) { return api.by['=' + name] || null; };

	// --- A feed brings one camera's pictures into one <img>.
	// width() is how many pixels wide the picture is wanted, 0: as the camera has it.

	function Feed(name, img, fps, width) {
		var feed = { on: false, mode: 'off', frames: 0, shown: 0, why: '' };
		var socket = null, open = false, began = 0, arrived = 0, gaps = [], failures = 0, retry = 0, check = 0, stills = 0;
		var asked = 0, busy = 0, next = null, current = '', loading = '', slot = false, from = 0, still = 0;

		function path(kind) {
			asked = width();
			return '/' + kind + '/' + enc(name) + '?' + (asked ? 'width=' + asked + '&' : '');
		}
		function longest() { return Math.max.apply(null, [0].concat(gaps)); } // gap between pictures, of late
		function release() { if (slot) { slot = false; slots++; } }

		// One picture loads at a time; of those that come meanwhile the newest is kept.
		function load(blob, at) {
			if (busy) { next = { blob: blob, at: at }; return; }
			busy = now();
			from = at;
			feed.blob = blob;
			loading = URLs.createObjectURL(blob);
			img.src = loading;
		}
		function loaded(ok) {
			busy = 0;
			if (current) { URLs.revokeObjectURL(current); }
			current = loading;
			loading = '';
			img.className = ok ? '' : 'none';
			if (ok) {
				feed.frames++;
				feed.shown = from;
				feed.shownAt = new Date();
			}
			if (next) {
				var n = next;
				next = null;
				load(n.blob, n.at);
			}
		}
		img.onload = function () {
			if (feed.mode === 'stills') { from = now(); arrive(from); stillDone(); }
			loaded(true);
		};
		img.onerror = function () {
			if (!busy) { return; }
			if (feed.mode === 'stills') { stillDone(); }
			loaded(false);
		};

		function arrive(t) {
			var gap = arrived > began ? t - arrived : 0, s = api.status(name);
			if (gap) {
				gaps.push(gap);
				if (gaps.length > 8) { gaps.shift(); }
			}
			// The gateway sends one a second while the camera is away.
			if (!gap || gap > 900 || (s && s.state !== 'live')) { api.soon(); }
			arrived = t;
		}

		function connect() {
			clearTimeout(retry);
			if (!feed.on || socket) { return; }
			began = now();
			if (!sockets || began < stills) { return ask(); }
			feed.mode = 'ws';
			open = false;
			var mine;
			try {
				mine = new WebSocket(location.origin.replace(/^http/, 'ws') + path('ws') + (fps ? 'fps=' + fps : ''));
			} catch (e) { return again(); }
			socket = mine;
			mine.binaryType = 'blob';
			mine.onopen = function () { open = true; };
			mine.onmessage = function (e) {
				if (mine !== socket || typeof e.data === 'string') { return; }
				var t = now();
				failures = 0;
				feed.why = '';
				arrive(t);
				// Old browsers want to be told the type.
				load(e.data.type ? e.data : e.data.slice(0, e.data.size, 'image/jpeg'), t);
			};
			mine.onclose = function (e) {
				if (mine !== socket) { return; }
				socket = null;
				feed.why = e.reason || '';
				again();
			};
		}
		function drop() {
			var old = socket;
			socket = null;
			if (old) { old.onopen = old.onmessage = old.onclose = null; old.close(); }
		}
		function again() {
			drop();
			failures++;
			if (!open && failures > 2 && !api.silent(now())) { stills = now() + SOCKETLESS; failures = 0; }
			retry = setTimeout(connect, Math.min(10000, 1000 * Math.pow(1.7, failures - 1)) * (0.75 + Math.random() / 2));
		}

		function ask() {
			clearTimeout(retry);
			if (!feed.on) { return; }
			if (sockets && now() > stills) { return connect(); }
			feed.mode = 'stills';
			if (busy || !slots) { retry = setTimeout(ask, 200); return; }
			slots--;
			slot = true;
			busy = still = now();
			img.src = path('snapshot') + 'placeholder=1&_=' + Date.now();
		}
		function stillDone() {
			release();
			clearTimeout(retry);
			retry = setTimeout(ask, Math.max(0, still + 1000 - now()));
		}

		feed.start = function () {
			if (feed.on) { return; }
			feed.on = true;
			failures = 0;
			gaps = [];
			connect();
		};
		feed.stop = function () {
			feed.on = false;
			feed.mode = 'off';
			clearTimeout(retry);
			clearTimeout(check);
			release();
			next = null;
			drop();
		};
		// end: this feed's pictures are not needed any more, nor its <img>.
		feed.end = function () {
			feed.stop();
			img.onload = img.onerror = null;
			if (current) { URLs.revokeObjectURL(current); }
			if (loading) { URLs.revokeObjectURL(loading); }
			img.className = 'none';
			img.removeAttribute('src');
		};
		// kick: whatever was in the way may be gone.
		feed.kick = function () {
			if (!feed.on || (socket && now() - Math.max(arrived, began) < 2000)) { return; }
			failures = stills = 0;
			drop();
			clearTimeout(retry);
			retry = setTimeout(connect, Math.random() * 300);
		};
		// resized: once its size has settled, ask for what fits.
		feed.resized = function () {
			clearTimeout(check);
			check = setTimeout(function () {
				if (feed.on && socket && width() !== asked) { drop(); connect(); }
			}, 400);
		};
		feed.seed = function (other) { if (sockets && other.blob) { load(other.blob, other.shown); } };
		// fresh: the picture on the screen is the newest there can be.
		feed.fresh = function (t) {
			return feed.on && feed.shown > 0 && t - feed.shown <= Math.max(2000, 3 * longest());
		};
		feed.starting = function (t) { return feed.on && feed.shown < began && t - began < FIRST; };
		feed.connected = function () { return feed.mode === 'stills' || (!!socket && open); };
		feed.watch = function (t) {
			if (busy && t - busy > 15000) { release(); busy = 0; } // the browser has lost it
			// Where the gateway does answer, a picture may just be on its way over a slow line.
			if (socket && t - Math.max(began, arrived) > Math.max(api.silent(t) ? DEAD : 3 * DEAD, 4 * longest())) { again(); }
		};
		return feed;
	}

	// --- A pane is a place with one camera's picture and what there is to say about it:
	// a tile, or #view. root holds .picture, .state, .age and .reason.

	function Pane(name, root, fps) {
		var pane = { name: name, root: root };
		var box = root.querySelector('.picture'), img = box.querySelector('img');
		var state = root.querySelector('.state'), age = root.querySelector('.age'), reason = root.querySelector('.reason');

		pane.feed = Feed(name, img, fps, function () {
			var s = api.status(name), w = box.clientWidth, i = 0;
			if (s && s.width && s.height) { w = Math.min(w, box.clientHeight * s.width / s.height); }
			w *= devicePixelRatio || 1;
			while (i < STEPS.length && STEPS[i] < w - 1) { i++; }
			return i === STEPS.length || (s && s.width && s.width <= STEPS[i]) ? 0 : STEPS[i];
		});

		// judge says what the picture on the screen is: [state, why].
		pane.judge = function (t) {
			var s = api.status(name), feed = pane.feed, fresh = feed.fresh(t), since;
			if (api.silent(t)) {
				since = api.heard ? ' since ' + clock(api.heard) : '';
				return fresh ? ['unknown', 'The gateway does not say how its cameras are' + since + ': ' + api.error] :
					['lost', 'No connection to the gateway' + since];
			}
			if (!s) { return ['connecting', '']; }
			if (s.state !== 'live') {
				since = s.last_error || '';
				if (since.indexOf('camera "' + name + '": ') === 0) { since = since.slice(name.length + 11); }
				return [s.state, s.state === 'idle' ? '' : since];
			}
			if (!feed.on || fresh) { return ['live', '']; }
			if (feed.starting(t)) { return ['connecting', '']; }
			since = feed.shownAt ? ' since ' + clock(feed.shownAt) : ' yet';
			return ['stale', (feed.connected() ? 'No picture' : 'No connection for pictures') + since + (feed.why ? ': ' + feed.why : '')];
		};
		// How old what is on the screen is, null if it shows nothing of the camera.
		pane.age = function (t) {
			var s = api.status(name), own = pane.feed.shown ? t - pane.feed.shown : null;
			if (!s || s.state === 'live' || own === null) { return own; }
			// The gateway sends the last picture again, dimmed: it is as old as the camera's last.
			return s.last_frame_age === null ? null : Math.max(own, s.last_frame_age * 1000 + t - api.at);
		};
		pane.show = function (t) {
			var told = pane.judge(t), ms = pane.age(t), changed = pane.state !== told[0];
			var cls = told[0] + (pane.feed.fresh(t) ? '' : ' dim') + (pane.big ? ' big' : '');
			pane.state = told[0];
			if (root.className !== cls) { root.className = cls; }
			text(state, words(told[0]));
			text(age, ms === null ? '–' : duration(ms));
			text(reason, pane.full ? told[1] : shorten(told[1], 110));
			attr(reason, 'title', told[1]);
			hide(reason, !told[1]);
			attr(root, 'data-state', told[0]);
			attr(root, 'data-age-ms', ms === null ? '' : Math.round(ms));
			attr(root, 'data-frames', pane.feed.frames);
			attr(root, 'data-mode', pane.feed.mode);
			return changed;
		};
		return pane;
	}

	// --- The grid.

	var grid = $('grid'), tiles = [], leaving = 0;
	var observer = null;
	if (window.IntersectionObserver) {
		observer = new IntersectionObserver(function (entries) {
			entries.forEach(function (e) {
				var tile = find(e.target.getAttribute('data-camera'));
				if (tile) { tile.seen = e.intersectionRatio > 0 || e.isIntersecting === true; }
			});
			run();
		}, { rootMargin: '64px' });
	}

	function find(name) {
		return tiles.filter(function (tile) { return tile.name === name; })[0];
	}
	function Tile(name) {
		var li = document.createElement('li'), a = child(li, 'a', 'tile'), picture = child(a, 'div', 'picture');
		var img = child(picture, 'img', 'none'), line, told, tile;
		img.alt = '';
		a.href = '#cam=' + enc(name);
		child(picture, 'p', 'reason').hidden = true;
		line = child(a, 'div', 'line');
		told = child(line, 'span', 'told');
		child(told, 'span', 'state');
		child(told, 'span', 'age');
		child(line, 'span', 'name', name).title = name;
		li.setAttribute('data-camera', name);
		a.onclick = function (e) { entered = !(e.ctrlKey || e.metaKey || e.shiftKey || e.button); };
		a.onkeydown = function (e) { if (e.keyCode === 32) { e.preventDefault(); a.click(); } };
		tile = Pane(name, li, GRID_FPS);
		tile.link = a;
		tile.seen = !observer;
		if (observer) { observer.observe(li); }
		return tile;
	}

	// take makes the tiles those of the list, in its order.
	function take(list) {
		var changed = !api.list || list.length !== tiles.length;
		api.list = list;
		api.by = {};
		list.forEach(function (s, i) {
			api.by['=' + s.name] = s;
			changed = changed || tiles[i].name !== s.name;
		});
		if (!changed) { return; }
		tiles.forEach(function (tile) {
			if (api.status(tile.name)) { return; }
			if (observer) { observer.unobserve(tile.root); }
			tile.feed.end();
			grid.removeChild(tile.root);
		});
		tiles = list.map(function (s, i) {
			var tile = find(s.name) || Tile(s.name);
			if (grid.children[i] !== tile.root) { grid.insertBefore(tile.root, grid.children[i] || null); }
			return tile;
		});
		attr(document.body, 'data-cameras', tiles.length);
		route();
	}

	// arrange makes tiles as large as they can be with all of them in the window; where
	// that is too small, as wide as reads well, to be scrolled.
	function arrange(again) {
		var n = tiles.length, all = grid.clientWidth, narrow = innerWidth < 560, w = all - (narrow ? 0 : 8), h, best = 0, cols;
		if (!n || grid.hidden) { return; }
		h = innerHeight - grid.getBoundingClientRect().top - pageYOffset - 4;
		for (cols = 1; cols <= n; cols++) {
			best = Math.max(best, Math.min(w / cols, (h / Math.ceil(n / cols) - 52) * 16 / 9 + 8));
		}
		if (narrow) { best = w; } else if (best < SMALLEST) { best = w / Math.max(1, Math.floor(w / 320)); }
		tiles.forEach(function (tile) {
			tile.root.style.width = Math.floor(best) + 'px';
			tile.big = best >= 480;
			tile.feed.resized();
		});
		if (again !== true && grid.clientWidth !== all) { arrange(true); } // a scroll bar has come or gone
	}

	function look() { // where there is no observer
		if (observer || large) { return; }
		tiles.forEach(function (tile) {
			var r = tile.root.getBoundingClientRect();
			tile.seen = r.bottom > -64 && r.top < innerHeight + 64;
		});
		run();
	}

	// --- One camera large: #cam=NAME.

	var large = null, view = $('view'), entered = false, scrolled = 0, facts = {}, aspect = 0;

	function wanted() {
		var m = /^#cam=(.*)$/.exec(location.hash);
		try { return m ? decodeURIComponent(m[1]) : null; } catch (e) { return m[1]; }
	}
	function leave() {
		if (entered) { history.back(); } else { location.replace('#'); }
	}
	function step(by) {
		var n = tiles.length, i = tiles.indexOf(find(large.name));
		location.replace('#cam=' + enc(tiles[(i + by + n) % n].name));
	}
	function link(title, kind, name) {
		var p = child($('links'), 'div', 'link'), label = child(p, 'label', '', title), input = child(p, 'input'), b = child(p, 'button', 'button', 'Copy');
		label.htmlFor = input.id = 'link-' + kind;
		input.readOnly = true;
		input.value = location.origin + '/' + kind + '/' + enc(name);
		input.onclick = function () { input.select(); };
		b.type = 'button';
		b.setAttribute('aria-label', 'Copy address: ' + title);
		b.onclick = function () {
			var ok = false;
			input.focus();
			input.select();
			try { ok = document.execCommand('copy'); } catch (e) { /* the address is selected: Ctrl+C does it */ }
			b.textContent = ok ? 'Copied' : 'Press Ctrl+C';
			if (ok) { b.focus(); }
			setTimeout(function () { b.textContent = 'Copy'; }, 2000);
		};
	}
	function fact(key, title, value) {
		var f = facts[key];
		if (!f) {
			f = facts[key] = child($('facts'), 'div');
			child(f, 'dt');
			child(f, 'dd');
			attr(f, 'data-fact', key);
		}
		hide(f, !value);
		text(f.firstChild, title);
		text(f.lastChild, value || '');
	}
	function details() {
		var s = api.status(large.name), g = s && s.gop, rate = s && s.bitrate;
		if (!s) { return; }
		fact('codec', 'Codec', s.codec);
		fact('size', 'Size', s.width ? s.width + ' × ' + s.height : '');
		fact('fps', 'Rate', s.fps ? s.fps.toFixed(1) + ' fps' : '');
		fact('bitrate', 'Bitrate', rate >= 1e6 ? (rate / 1e6).toFixed(1) + ' Mbit/s' : rate ? Math.round(rate / 1e3) + ' kbit/s' : '');
		fact('gop', 'Key frame every', g && g.frames ? g.frames + ' pictures, ' + g.seconds.toFixed(1) + ' s' : '');
		fact('transport', 'Transport', s.transport ? s.transport.toUpperCase() : '');
		fact('viewers', 'Viewers', String(s.viewers));
		fact('address', 'Camera', s.address);
		fact('since', s.state.charAt(0).toUpperCase() + s.state.slice(1) + ' since', s.since ? when(s.since) : '');
		fact('error', 'Last error', s.last_error ? (s.last_error_at ? when(s.last_error_at) + ' ' : '') + s.last_error : '');
		aspect = s.width && s.height ? s.width / s.height : aspect;
		fit();
	}
	function fit() {
		if (!large) { return; }
		var box = view.querySelector('.picture'), w = box.clientWidth, h = w / (aspect || 16 / 9);
		if (innerWidth >= 560) {
			h = Math.min(h, Math.max(200, innerHeight - 1 - box.getBoundingClientRect().top - pageYOffset - $('details').offsetHeight));
		}
		h = Math.floor(h) + 'px';
		if (box.style.height !== h) { box.style.height = h; large.feed.resized(); }
	}
	// route shows what the address asks for.
	function route() {
		var name = wanted(), s = name === null ? null : api.status(name), old = large, tile = s && find(name);
		if (old && (!s || old.name !== name)) {
			old.feed.end();
			view.removeAttribute('data-state');
			large = null;
		}
		if (s && !large) {
			if (!old) { scrolled = pageYOffset; }
			$('links').textContent = $('facts').textContent = '';
			facts = {};
			aspect = 0;
			link('Live, for <img>', 'mjpeg', name);
			link('Still picture', 'snapshot', name);
			text($('view-name'), name);
			attr(view, 'data-camera', name);
			large = Pane(name, view, 0);
			large.full = true;
		}
		hide(view, !large);
		hide(grid, !!large || name !== null);
		notice(name, s);
		if (large && (!old || old !== large)) {
			scrollTo(0, 0);
			details();
			large.feed.seed(tile.feed);
			if (!old) { $('view-name').focus(); }
		}
		if (!large) {
			entered = false;
			arrange();
			if (old) {
				scrollTo(0, scrolled);
				tile = find(old.name);
				if (tile && name === null) { tile.link.focus(); }
			}
		}
		look();
		run();
		tick();
	}
	// notice says what there is instead of pictures.
	function notice(name, s) {
		var none = api.list && !api.list.length, t = now(), down = !api.list && api.silent(t);
		hide($('notice'), !!api.list && !none && (name === null || !!s));
		hide($('howto'), !none);
		hide($('notice-back'), none || !api.list);
		if (!api.list) {
			text($('notice-title'), down ? 'The gateway does not answer' : 'Loading …');
			text($('notice-text'), down ? 'Is it running? ' + api.error + '. This page tries again every second.' : 'Asking the gateway for its cameras.');
		} else if (none) {
			text($('notice-title'), 'No cameras yet');
			text($('notice-text'), 'The gateway runs, but its configuration names no camera.');
		} else if (!s) {
			text($('notice-title'), 'There is no camera “' + shorten(name || '', 60) + '” here');
			text($('notice-text'), 'Has it another name now?');
		}
	}

	// --- What runs, and what is said.

	function awake() { return !document.hidden; }
	function kick() {
		tiles.concat(large || []).forEach(function (pane) { pane.feed.kick(); });
	}
	// run starts and stops feeds: only what is on the screen costs anything. One that has
	// just been scrolled away goes on for a second: it may come back.
	function run() {
		var open = awake() && !grid.hidden;
		tiles.forEach(function (tile) {
			if (!open) { tile.feed.stop(); } else if (tile.seen) { tile.feed.start(); }
		});
		if (large) { large.feed[awake() ? 'start' : 'stop'](); }
		clearTimeout(leaving);
		leaving = setTimeout(function () {
			tiles.forEach(function (tile) { if (!tile.seen) { tile.feed.stop(); } });
		}, 1000);
	}

	var news = [], speak = 0;
	function tell(pane) { // to those who do not see it
		var known = pane.told;
		if (pane.state === 'connecting' || pane.state === known) { return; }
		pane.told = pane.state;
		if (known === undefined) { return; }
		news.push(pane.name + ': ' + words(pane.state));
		clearTimeout(speak);
		speak = setTimeout(function () {
			text($('spoken'), news.length > 5 ? news.length + ' cameras have changed' : news.join(', '));
			news = [];
		}, 1000);
	}

	function tick() {
		var t = now(), live = 0, silent = api.silent(t), alarm = '', title = 'camgate', bad = 0;
		tiles.concat(large || []).forEach(function (pane) {
			pane.feed.watch(t);
			if (!pane.show(t)) { return; }
			if (!pane.link) { return; }
			attr(pane.link, 'aria-label', pane.name + ', ' + words(pane.state));
			tell(pane);
		});
		(api.list || []).forEach(function (s) {
			live += s.state === 'live';
			bad += s.state === 'offline' || s.state === 'stale';
		});
		if (large) {
			details();
			title = large.name + ' – camgate';
		}
		if (silent && api.list) {
			alarm = 'No connection to the gateway since ' + clock(api.heard) + (api.error ? ': ' + api.error : '') + '. Trying again.';
		}
		if ($('alarm').hidden !== !alarm) { hide($('alarm'), !alarm); arrange(); }
		text($('alarm'), alarm);
		if (!api.list) { notice(null, null); }
		attr(document.body, 'data-gateway', silent ? 'silent' : api.list ? 'ok' : 'loading');
		document.body.className = silent || bad ? 'trouble' : '';
		text($('summary'), !tiles.length || silent ? '' : live + ' of ' + tiles.length + ' live');
		text($('clock'), clock(new Date()));
		if (document.title !== title) { document.title = title; }
	}

	function wake() {
		if (awake()) {
			api.ask();
			look();
		} else {
			clearTimeout(api.timer);
		}
		run();
		tick(); // also before it is hidden: what is drawn first when it comes back is dimmed
	}
	function fullscreen() { view.querySelector('.picture').requestFullscreen(); }

	var later = 0;
	addEventListener('scroll', function () {
		later = later || setTimeout(function () { later = 0; look(); }, 150);
	});
	addEventListener('resize', function () { arrange(); fit(); look(); });
	addEventListener('hashchange', route);
	addEventListener('online', function () { kick(); api.ask(); });
	document.addEventListener('visibilitychange', wake);
	document.addEventListener('keydown', function (e) {
		if (!large || e.ctrlKey || e.metaKey || e.altKey) { return; }
		if (e.keyCode === 27) { leave(); }
		if (e.target && e.target.tagName === 'INPUT') { return; }
		if (e.keyCode === 37) { step(-1); }
		if (e.keyCode === 39) { step(1); }
		if (e.keyCode === 70 && view.requestFullscreen) { fullscreen(); }
	});
	function press(id, act, by) { $(id).onclick = function (e) { e.preventDefault(); act(by); }; }
	press('back', leave);
	press('notice-back', leave);
	press('previous', step, -1);
	press('next', step, 1);
	press('full', fullscreen);
	hide($('full'), !view.requestFullscreen);

	setInterval(tick, 250);
	api.ask();
	tick();
})();
