// The page at /: ECMAScript 5 and nothing that a browser of 2014 lacks. player.js shows
// the pictures, words.js has the texts. What a test or a curious operator wants to know
// stands in data- attributes: of each tile and of #view (camera, state, age-ms, frames,
// mode), and of body (gateway, cameras, view).
//
// The address says what is shown: ?cams=a,b (these alone), cols=2, order=b,a (these first),
// kiosk (pictures and nothing else), wall or wall=NAME, lang=de; #cam=NAME (one large),
// #wall, #wall=NAME.
(function () {
	'use strict';

	// Times are milliseconds of performance.now(), a clock that nobody sets, where it is there; Date is for what people read.
	var GRID_FPS = 15;
	var POLL = 1000, POLL_TIMEOUT = 4000, SILENT = 3000;
	var SMALLEST = 260; // of a tile that need not be scrolled to, px
	var DRAG = 8, HOLD = 400; // px that the mouse, ms that a finger, must go to move a tile
	var IDLE = 3000; // until a kiosk hides its cursor

	var query = Camgate.query, T = Camgate.word, kiosk = query.kiosk !== undefined;

	function now() { return window.performance && performance.now ? performance.now() : Date.now(); }
	function $(id) { return document.getElementById(id); }
	function enc(name) { return encodeURIComponent(name); }
	function dec(s) { try { return decodeURIComponent(s); } catch (e) { return s; } }
	function names(s) { return s ? s.split(',').filter(Boolean).map(dec) : []; }
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
	function when(d) { return (new Date() - d > 72e6 ? d.toLocaleDateString() + ' ' : '') + clock(d); }
	function stamp(rfc3339) { // old browsers read at most three digits of a second's parts
		var d = new Date(rfc3339.replace(/(\.\d{3})\d+/, '$1'));
		return isNaN(d) ? rfc3339 : when(d);
	}
	function duration(ms) { // rounded up: no picture is newer than it says
		var s = ms / 1000;
		if (s < 9.9) { return (Math.ceil(s * 10) / 10).toFixed(1) + ' s'; }
		return s < 120 ? Math.ceil(s) + ' s' : s < 7200 ? Math.ceil(s / 60) + ' min' : Math.ceil(s / 3600) + ' h';
	}
	function shorten(s, most) { return s.length > most ? s.slice(0, most - 1) + '…' : s; }
	function absolute(path) { var a = document.createElement('a'); a.href = path; return a.href; }
	function awake() { return !document.hidden; }

	// --- What the page remembers, here and in its address.

	var order = [], cols = 0, chosen = names(query.cams); // chosen: these cameras alone

	function recall(key) { try { return localStorage.getItem('camgate.' + key + location.pathname); } catch (e) { return null; } }
	function remember(key, value) { try { localStorage.setItem('camgate.' + key + location.pathname, value); } catch (e) { /* a browser that keeps nothing */ } }
	order = names(query.order !== undefined ? query.order : recall('order'));
	cols = Math.max(0, Math.min(64, Math.floor(+(query.cols !== undefined ? query.cols : recall('cols'))) || 0));

	function address(changes) { // the page's, with changes: null takes a word out
		var all = {}, k, list = [];
		for (k in query) { all[k] = query[k]; }
		for (k in changes) { all[k] = changes[k]; }
		for (k in all) { if (all[k] !== null) { list.push(all[k] === '' ? k : k + '=' + all[k]); } }
		return list.length ? '?' + list.join('&') : location.pathname;
	}
	function write(changes) {
		for (var k in changes) {
			if (changes[k] === null) { delete query[k]; } else { query[k] = changes[k]; }
		}
		if (history.replaceState) { history.replaceState(history.state, '', address({}) + location.hash); }
		attr($('to-kiosk'), 'href', address({ kiosk: '' }) + location.hash);
	}

	// --- The gateway's word on its cameras: /api/cameras, once a second.

	var api = { list: null, by: {}, at: 0, heard: null, sent: 0, failures: 0, error: '', timer: 0 };

	api.silent = function (t) {
		return api.failures > 1 || (api.failures && t - api.at > SILENT) || (api.sent > 0 && t - api.sent > SILENT);
	};
	api.ask = function () {
		clearTimeout(api.timer);
		if (api.sent || !awake()) { return; }
		var r = new XMLHttpRequest(), done = false, limit;
		function end(list, error) {
			if (done) { return; }
			done = true;
			clearTimeout(limit);
			api.sent = 0;
			if (list) {
				api.failures = 0;
				api.error = '';
				api.at = now();
				api.heard = new Date();
				take(list);
				if (doubt || !$('notice').hidden) { readWalls(); } // beside a notice no picture begins or ends
			} else {
				api.failures++;
				api.error = error;
				doubt = true;
			}
			tick();
			api.timer = setTimeout(api.ask, POLL + (list ? 0 : Math.random() * 500));
		}
		api.sent = now();
		r.open('GET', 'api/cameras', true);
		// Of our own: some browsers know no other, and what they give up themselves they do not tell.
		limit = setTimeout(function () { end(null, T('slow')); r.abort(); }, POLL_TIMEOUT);
		r.onload = function () {
			var answer = null;
			try { answer = JSON.parse(r.responseText); } catch (e) { /* not the gateway's answer, but a proxy's */ }
			if (r.status === 200 && answer instanceof Array) { return end(answer); }
			end(null, answer && answer.error ? String(answer.error) : T('answers', r.status + ' ' + r.statusText));
		};
		r.onerror = function () { end(null, T('unreachable')); };
		r.send();
	};
	api.soon = function () { // what pictures do says that the state has changed
		if (now() - api.at > 300) { api.ask(); }
	};
	api.status = function (name) { return api.by['=' + name] || null; };

	// --- A pane is a place with one camera's picture and what there is to say about it:
	// a tile, or #view. root holds .picture, .state and .age.

	function Pane(name, root, options) {
		var pane = { name: name, root: root }, box = root.querySelector('.picture');
		var state = root.querySelector('.state'), age = root.querySelector('.age');

		options.camera = name;
		options.lang = document.documentElement.lang;
		pane.player = new Camgate.Player(box, options);
		function told() { api.soon(); pane.show(now()); }
		box.addEventListener('camgate-state', told);
		pane.end = function () { // #view's place is the next one's
			box.removeEventListener('camgate-state', told);
			pane.player.destroy();
		};

		// judge says what the picture on the screen is.
		pane.judge = function (t) {
			var s = api.status(name), own = pane.player.state;
			// Who does not hear from the gateway knows of no camera, even while pictures come.
			if (api.silent(t)) { return own === 'live' ? 'unknown' : 'lost'; }
			return own === 'paused' && s ? s.state : own;
		};
		// How old what is on the screen is, null if it shows nothing of the camera.
		pane.age = function (t) {
			var s = api.status(name), own = pane.player.age();
			if (!s || s.state === 'live' || own === null) { return own; }
			return s.last_frame_age === null ? null : Math.max(own, s.last_frame_age * 1000 + t - api.at);
		};
		pane.show = function (t) {
			var told = pane.judge(t), ms = pane.age(t), cls = told + (pane.big ? ' big' : '') + (pane.held ? ' held' : '');
			pane.state = told;
			if (root.className !== cls) { root.className = cls; }
			text(state, T(told));
			text(age, ms === null ? '–' : duration(ms));
			attr(root, 'data-state', told);
			attr(root, 'data-age-ms', ms === null ? '' : Math.round(ms));
			attr(root, 'data-frames', pane.player.frames);
			attr(root, 'data-mode', pane.player.path);
		};
		return pane;
	}

	// --- The grid.

	var grid = $('grid'), tiles = [];

	function find(name) {
		return tiles.filter(function (tile) { return tile.name === name; })[0];
	}
	function Tile(name) {
		var li = document.createElement('li'), a = child(li, 'a', 'tile'), picture = child(a, 'div', 'picture'), line, told, tile;
		a.href = '#cam=' + enc(name);
		a.draggable = false;
		a.title = T('arrange');
		line = child(a, 'div', 'line');
		told = child(line, 'span', 'told');
		child(told, 'span', 'state');
		child(told, 'span', 'age');
		child(line, 'span', 'name', name);
		li.setAttribute('data-camera', name);
		grid.appendChild(li);
		tile = Pane(name, li, { path: 'ws,mjpeg,snapshot', fps: GRID_FPS, quiet: true, fit: query.fit });
		picture.setAttribute('aria-hidden', 'true'); // the link says it all
		tile.link = a;
		a.onclick = function (e) {
			if (dragged) { e.preventDefault(); return; }
			entered = !(e.ctrlKey || e.metaKey || e.shiftKey || e.button);
		};
		a.onkeydown = function (e) {
			if (e.keyCode === 32) { e.preventDefault(); a.click(); }
			if (e.altKey && e.keyCode >= 37 && e.keyCode <= 40) {
				e.preventDefault();
				move(tile, tiles.indexOf(tile) + [-1, -across(), 1, across()][e.keyCode - 37]);
				a.focus();
			}
		};
		a.addEventListener('mousedown', function (e) { if (!e.button) { grab(tile, e.clientX, e.clientY); } });
		a.addEventListener('touchstart', function (e) {
			var p = e.touches[0];
			clearTimeout(holding);
			if (e.touches.length === 1) { holding = setTimeout(function () { grab(tile, p.clientX, p.clientY); lift(); }, HOLD); }
		});
		return tile;
	}

	// listed are the names that are shown, in their order.
	function listed() {
		var known = (api.list || []).map(function (s) { return s.name; });
		if (chosen.length) { return chosen.filter(function (n, i) { return chosen.indexOf(n) === i; }); }
		return order.filter(function (n, i) { return known.indexOf(n) >= 0 && order.indexOf(n) === i; })
			.concat(known.filter(function (n) { return order.indexOf(n) < 0; }));
	}
	function take(list) {
		api.list = list;
		api.by = {};
		list.forEach(function (s) { api.by['=' + s.name] = s; });
		lay();
	}
	// lay makes the tiles those that are listed.
	function lay() {
		var want = listed(), changed = want.length !== tiles.length || want.some(function (n, i) { return tiles[i].name !== n; });
		if (!changed) { if (api.list && routed !== known()) { route(); } return; }
		tiles.forEach(function (tile) {
			if (want.indexOf(tile.name) >= 0) { return; }
			tile.end();
			grid.removeChild(tile.root);
		});
		tiles = want.map(function (name) { return find(name) || Tile(name); });
		place();
		attr(document.body, 'data-cameras', tiles.length);
		route();
	}
	// known says which of the cameras that the address names there are: what is shown follows it.
	function known() { return listed().concat(wanted() || []).filter(api.status).join(); }
	function place() { // moved only where needed: what is moved loses the keyboard
		tiles.forEach(function (tile, i) { if (grid.children[i] !== tile.root) { grid.insertBefore(tile.root, grid.children[i] || null); } });
	}

	// arrange makes tiles as large as they can be with all of them in the window; where
	// that is too small, as wide as reads well, to be scrolled.
	function arrange(again) {
		var n = tiles.length, all = grid.clientWidth, narrow = innerWidth < 560, w = all - (narrow || kiosk ? 0 : 8), h, best = 0, c, rows, most = cols;
		if (!n || grid.hidden) { return; }
		h = innerHeight - grid.getBoundingClientRect().top - pageYOffset - (kiosk ? 0 : 4);
		if (kiosk) { // pictures fill the window
			for (c = 1; !cols && c <= n; c++) {
				rows = Math.min(w / c, h / Math.ceil(n / c) * 16 / 9);
				if (rows > best + 1) { best = rows; most = c; }
			}
			rows = Math.ceil(n / most);
			tiles.forEach(function (tile) {
				tile.root.style.width = Math.floor(w / most) + 'px';
				tile.root.style.height = Math.floor(h / rows) + 'px';
				tile.big = w / most >= 480;
			});
			return;
		}
		for (c = 1; c <= n; c++) {
			best = Math.max(best, Math.min(w / c, (h / Math.ceil(n / c) - 52) * 16 / 9 + 8));
		}
		if (narrow) { best = w; } else if (best < SMALLEST) { best = w / Math.max(1, Math.floor(w / 320)); }
		if (cols && (!narrow || cols < 3)) { best = w / cols; }
		tiles.forEach(function (tile) {
			tile.root.style.width = Math.floor(best) + 'px';
			tile.big = best >= 480;
		});
		if (again !== true && grid.clientWidth !== all) { arrange(true); } // a scroll bar has come or gone
	}
	function across() { // how many tiles are in a row
		var top = tiles[0].root.offsetTop;
		return tiles.filter(function (tile) { return tile.root.offsetTop === top; }).length;
	}
	function columns() {
		var select = $('columns'), i;
		for (i = 0; i <= Math.max(8, cols); i++) { child(select, 'option', '', i ? String(i) : T('auto')).value = i; }
		select.selectedIndex = cols;
		select.onchange = function () {
			cols = select.selectedIndex;
			remember('cols', cols);
			write({ cols: cols ? String(cols) : null });
			route();
		};
	}

	// --- A tile that is dragged goes where it is let go; the others make room.

	var grabbed = null, lifted = false, dragged = false, from = null, holding = 0;

	function move(tile, to) {
		var at = tiles.indexOf(tile);
		to = Math.max(0, Math.min(tiles.length - 1, to));
		if (at < 0 || to === at) { return; } // its camera may have gone meanwhile
		tiles.splice(at, 1);
		tiles.splice(to, 0, tile);
		place();
		order = tiles.map(function (t) { return t.name; });
		if (chosen.length) { chosen = order; }
		if (!lifted) { keep(); }
		text($('spoken'), T('moved', tile.name, to + 1, tiles.length));
	}
	function keep() {
		var list = order.map(enc).join(',');
		if (chosen.length) { write({ cams: list }); return; }
		remember('order', list);
		write({ order: list });
	}
	function grab(tile, x, y) {
		grabbed = tile;
		lifted = dragged = false;
		from = { x: x, y: y };
	}
	function lift() {
		lifted = dragged = grabbed.held = true;
		grabbed.show(now());
	}
	function drag(x, y) {
		var over;
		if (!grabbed || (!lifted && Math.abs(x - from.x) + Math.abs(y - from.y) < DRAG)) { return; }
		if (!lifted) { lift(); }
		tiles.some(function (tile, i) {
			var r = tile.root.getBoundingClientRect();
			over = i;
			return x >= r.left && x < r.right && y >= r.top && y < r.bottom;
		}) && move(grabbed, over);
	}
	function let_go() {
		clearTimeout(holding);
		if (!grabbed) { return; }
		grabbed.held = false;
		grabbed.show(now());
		if (lifted) { keep(); }
		grabbed = null;
		lifted = false;
		setTimeout(function () { dragged = false; }, 0); // after the click that ends it
	}
	addEventListener('mousemove', function (e) { drag(e.clientX, e.clientY); });
	addEventListener('mouseup', let_go);
	addEventListener('touchmove', function (e) {
		if (!lifted) { clearTimeout(holding); return; }
		e.preventDefault();
		drag(e.touches[0].clientX, e.touches[0].clientY);
	}, { passive: false });
	addEventListener('touchend', let_go);
	addEventListener('touchcancel', let_go);
	grid.addEventListener('contextmenu', function (e) { if (lifted) { e.preventDefault(); } });

	// --- Several in one picture: #wall, or #wall=NAME for one of the configuration's.

	var wall = null, walls = null, wallsText = '', links = [], doubt = false; // walls: of the configuration; null: not known

	function wallOf() {
		var m = /^#wall(?:=(.*))?$/.exec(location.hash);
		if (m) { return { name: dec(m[1] || '') }; }
		return query.wall !== undefined && !location.hash ? { name: dec(query.wall) } : null;
	}
	function showWall(want) {
		var options = { quiet: false, controls: !kiosk, label: T('wall'), lang: document.documentElement.lang, path: 'ws,mjpeg,snapshot', fps: GRID_FPS };
		// The gateway shows no wall with a camera that it does not have: then those that there are.
		var some = listed().filter(api.status), list = some.length ? some : listed(), key = want && (want.name ? '=' + want.name : list.map(enc).join(',') + '/' + cols);
		if (wall && wall.key !== key) { wall.player.destroy(); wall = null; }
		if (!want || wall || (!want.name && !list.length)) { return; }
		if (want.name) { options.camera = want.name; } else {
			options.cams = list;
			options.labels = 'name,age';
			options.cols = cols || Math.ceil(Math.sqrt(list.length));
		}
		wall = { key: key, player: new Camgate.Player($('wall').querySelector('.picture'), options) };
	}
	// readWalls makes links to the walls that the configuration names. Another gateway may have come with
	// other walls wherever a picture has begun or ended, however quickly that was.
	function readWalls() {
		var r = new XMLHttpRequest(), limit = setTimeout(function () { doubt = true; r.abort(); }, POLL_TIMEOUT);
		doubt = false;
		r.open('GET', 'api/walls', true);
		r.onload = function () {
			var list = null;
			clearTimeout(limit);
			try { list = JSON.parse(r.responseText); } catch (e) { /* not the gateway's answer, but a proxy's */ }
			if (r.status !== 200 || !(list instanceof Array)) { doubt = true; return; }
			if (r.responseText === wallsText) { return; }
			wallsText = r.responseText;
			walls = list;
			links.forEach(function (a) { $('views').removeChild(a); });
			links = walls.map(function (w) {
				var a = child($('views'), 'a', 'button', w.name);
				a.href = '#wall=' + enc(w.name);
				return a;
			});
			route();
			views();
			arrange(); // they may take more than a line
		};
		r.onerror = function () { clearTimeout(limit); doubt = true; };
		r.send();
	}
	document.addEventListener('camgate-state', function () { doubt = true; });
	readWalls();
	// noWall says that there is none of the name that the address asks for.
	function noWall(want) {
		return !!want && !!want.name && !!walls && !api.status(want.name) && !walls.some(function (w) { return w.name === want.name; });
	}
	function views() { // which of the links is where we are
		Array.prototype.forEach.call($('views').children, function (a) {
			var w = wallOf(), here = w ? '#wall' + (w.name ? '=' + enc(w.name) : '') : '#';
			if (a.getAttribute('href') === here && !large) { attr(a, 'aria-current', 'page'); } else { a.removeAttribute('aria-current'); }
		});
	}

	// --- One camera large: #cam=NAME.

	var large = null, view = $('view'), entered = false, scrolled = 0, facts = {}, aspect = 0, routed = null;

	function wanted() {
		var m = /^#cam=(.*)$/.exec(location.hash);
		return m ? dec(m[1]) : null;
	}
	function leave() {
		if (entered) { history.back(); } else { location.replace('#'); }
	}
	function step(by) {
		var n = tiles.length, i = tiles.indexOf(find(large.name));
		if (n) { location.replace('#cam=' + enc(tiles[(i + by + n) % n].name)); }
	}
	function link(title, kind, name) {
		var p = child($('links'), 'div', 'link'), label = child(p, 'label', '', title), input = child(p, 'input'), b = child(p, 'button', 'button', T('copy'));
		label.htmlFor = input.id = 'link-' + kind;
		input.readOnly = true;
		input.value = absolute(kind + '/' + enc(name));
		input.onclick = function () { input.select(); };
		b.type = 'button';
		b.setAttribute('aria-label', T('copyOf', title));
		b.onclick = function () {
			var ok = false;
			input.focus();
			input.select();
			try { ok = document.execCommand('copy'); } catch (e) { /* the address is selected: Ctrl+C does it */ }
			b.textContent = T(ok ? 'copied' : 'press');
			if (ok) { b.focus(); }
			setTimeout(function () { b.textContent = T('copy'); }, 2000);
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
		var s = api.status(large.name), g = s && s.gop, rate = s && s.bitrate, p = large.player;
		if (!s) { return; }
		fact('codec', T('codec'), s.codec);
		fact('size', T('size'), s.width ? s.width + ' × ' + s.height : '');
		fact('fps', T('fps'), s.fps ? s.fps.toFixed(1) + ' fps' : '');
		fact('bitrate', T('bitrate'), rate >= 1e6 ? (rate / 1e6).toFixed(1) + ' Mbit/s' : rate ? Math.round(rate / 1e3) + ' kbit/s' : '');
		fact('gop', T('gop'), g && g.frames ? T('gopText', g.frames, g.seconds.toFixed(1)) : '');
		fact('transport', T('transport'), s.transport ? s.transport.toUpperCase() : '');
		fact('viewers', T('viewers'), String(s.viewers));
		fact('path', T('path'), p.path ? { webrtc: 'WebRTC', ws: 'WebSocket', mjpeg: 'Multipart', snapshot: 'Snapshot' }[p.path] + (p.reason ? ' (' + p.reason + ')' : '') : '');
		fact('address', T('address'), s.address);
		fact('since', T('since', T(s.state)), s.since ? stamp(s.since) : '');
		fact('error', T('last'), s.last_error ? (s.last_error_at ? stamp(s.last_error_at) + ' ' : '') + s.last_error : '');
		aspect = s.width && s.height ? s.width / s.height : aspect;
		fit();
	}
	function fit() {
		if (!large || kiosk) { return; }
		var box = view.querySelector('.picture'), w = box.clientWidth, h = w / (aspect || 16 / 9);
		if (innerWidth >= 560) {
			h = Math.min(h, Math.max(200, innerHeight - 1 - box.getBoundingClientRect().top - pageYOffset - $('details').offsetHeight));
		}
		h = Math.floor(h) + 'px';
		if (box.style.height !== h) { box.style.height = h; }
	}
	// route shows what the address asks for.
	function route() {
		var name = wanted(), there = name !== null && (api.status(name) || (!api.list && chosen.indexOf(name) >= 0)), old = large, tile = there && find(name);
		var onWall = name === null && wallOf(), none = noWall(onWall);
		if (!api.list && !tiles.length && !(onWall && onWall.name)) { return; }
		routed = api.list && known();
		if (old && (!there || old.name !== name)) {
			old.end();
			view.removeAttribute('data-state');
			large = null;
		}
		if (there && !large) {
			if (!old) { scrolled = pageYOffset; }
			$('links').textContent = $('facts').textContent = '';
			facts = {};
			aspect = 0;
			link(T('mjpeg'), 'mjpeg', name);
			link(T('snapshot'), 'snapshot', name);
			text($('view-name'), name);
			attr(view, 'data-camera', name);
			hide(view, false);
			large = Pane(name, view, { controls: !kiosk });
			if (tile) { large.player.poster(tile.player.frame()); }
		}
		hide(view, !large);
		hide(grid, !!large || name !== null || !!onWall);
		hide($('wall'), !onWall || none);
		showWall(none ? null : onWall);
		notice(name, there, none && onWall.name);
		attr(document.body, 'data-view', large ? 'camera' : onWall ? 'wall' : 'grid');
		if (large && old !== large) {
			scrollTo(0, 0);
			details();
			if (!old && !kiosk) { $('view-name').focus(); }
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
		views();
		attr($('to-kiosk'), 'href', address({ kiosk: '' }) + location.hash);
		tick();
	}
	// notice says what there is instead of pictures.
	function notice(name, known, noWall) {
		var none = api.list && !api.list.length && !tiles.length, t = now(), down = !api.list && api.silent(t);
		hide($('notice'), !noWall && (kiosk && !none && !down && (name === null || !api.list) || !!tiles.length && name === null || !!known || !!wall || !!api.list && !none && name === null));
		hide($('howto'), !none);
		hide($('notice-back'), none || !api.list);
		if (!api.list) {
			text($('notice-title'), T(down ? 'away' : 'loading'));
			text($('notice-text'), down ? T('running', api.error) : T('asking'));
		} else if (none) {
			text($('notice-title'), T('none'));
			text($('notice-text'), T('noneText'));
		} else if (noWall) {
			text($('notice-title'), T('noWall', shorten(noWall, 60)));
			text($('notice-text'), T('walls', walls.map(function (w) { return w.name; }).join(', ') || '–'));
		} else if (!known) {
			text($('notice-title'), T('unknown_', shorten(name || '', 60)));
			text($('notice-text'), T('renamed'));
		}
	}

	// --- A kiosk: nobody is there to move a mouse, wake a screen or reload a page.

	function kioskMode() {
		var hiding = 0, lock = null;
		function still() { document.body.setAttribute('data-still', ''); }
		function moved() {
			document.body.removeAttribute('data-still');
			clearTimeout(hiding);
			hiding = setTimeout(still, IDLE);
		}
		function wake() { // the screen stays on; the browser lets go of it when the page is hidden
			if (!navigator.wakeLock || lock || !awake()) { return; }
			navigator.wakeLock.request('screen').then(function (l) {
				lock = l;
				l.addEventListener('release', function () { lock = null; });
			}, function () { /* not here, or not now */ });
		}
		document.documentElement.setAttribute('data-kiosk', '');
		addEventListener('mousemove', moved);
		addEventListener('touchstart', moved);
		document.addEventListener('visibilitychange', wake);
		setInterval(wake, 30000);
		view.addEventListener('click', function () { if (large) { leave(); } });
		still();
		wake();
	}

	// --- What is said.

	var news = [], speak = 0;
	function tell(pane) { // to those who do not see it
		var known = pane.told;
		if (/^(connecting|idle)$/.test(pane.state) || pane.state === known) { return; } // on the way, or watched by nobody
		pane.told = pane.state;
		if (known === undefined) { return; }
		news.push(pane.name + ': ' + T(pane.state));
		speak = speak || setTimeout(function () { // with what comes soon after
			speak = 0;
			text($('spoken'), news.length > 5 ? T('changed', news.length) : news.join(', '));
			news = [];
		}, 1000);
	}

	function tick() {
		var t = now(), live = 0, silent = api.silent(t), alarm = '', title = 'camgate', bad = 0;
		tiles.concat(large || []).forEach(function (pane) {
			pane.show(t);
			if (!pane.link) { return; }
			attr(pane.link, 'aria-label', pane.name + ', ' + T(pane.state));
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
		if (silent && api.list && !kiosk) {
			alarm = T('alarm', when(api.heard)) + (api.error ? ': ' + api.error : '') + '. ' + T('trying');
		}
		if ($('alarm').hidden !== !alarm) { hide($('alarm'), !alarm); arrange(); }
		text($('alarm'), alarm);
		if (!api.list) { notice(null, null); }
		attr(document.body, 'data-gateway', silent ? 'silent' : api.list ? 'ok' : 'loading');
		document.body.className = silent || bad ? 'trouble' : '';
		text($('summary'), !api.list || !api.list.length || silent ? '' : T('count', live, api.list.length));
		text($('clock'), clock(new Date()));
		if (document.title !== title) { document.title = title; }
	}

	function wake() {
		if (awake()) { api.ask(); } else { clearTimeout(api.timer); }
		tick(); // also before it is hidden: what is drawn first when it comes back is dimmed
	}
	function fullscreen() { if (large) { large.player.fullscreen(); } }

	addEventListener('resize', function () { arrange(); fit(); });
	addEventListener('hashchange', route);
	addEventListener('online', api.ask);
	document.addEventListener('visibilitychange', wake);
	document.addEventListener('keydown', function (e) {
		if (e.ctrlKey || e.metaKey || e.altKey) { return; }
		if (!large) {
			if (e.keyCode === 27 && wallOf() && location.hash) { location.replace('#'); }
			return;
		}
		if (e.keyCode === 27) { leave(); }
		if (e.target && /^(INPUT|SELECT)$/.test(e.target.tagName)) { return; }
		if (e.keyCode === 37) { step(-1); }
		if (e.keyCode === 39) { step(1); }
		if (e.keyCode === 70) { fullscreen(); }
	});
	function press(id, act, by) { $(id).onclick = function (e) { e.preventDefault(); act(by); }; }
	if (query.wall !== undefined) { $('to-grid').href = address({ wall: null }); } // with no word behind #, that wall is shown
	press('back', leave);
	press('notice-back', function () {
		if (query.wall !== undefined && !location.hash) { location.replace(address({ wall: null })); } else { leave(); }
	});
	press('previous', step, -1);
	press('next', step, 1);
	press('full', fullscreen);
	hide($('full'), !(view.requestFullscreen || view.webkitRequestFullscreen));

	columns();
	if (kiosk) { kioskMode(); }
	setInterval(tick, 250);
	api.ask();
	if (chosen.length) { lay(); } // these are known without asking
	tick();
})();
