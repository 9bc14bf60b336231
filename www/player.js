// camgate's player: one camera in one element, by the best way that works there.
//
//   <script src="http://gateway:8000/player.js"></script>
//   <camgate-player camera="door" controls></camgate-player>
//   new Camgate.Player(element, { camera: 'door', controls: true })   // in any browser
//
// Options, which are also attributes: camera, or cams (several in one picture: "a,b,c") and
// cols, labels (name, age); path (auto, webrtc, ws, mjpeg, snapshot: the best to be tried, or a list of those
// allowed), base (the gateway's address, for a script that is not loaded from it), width,
// fps, quality, fit (contain, cover, fill), controls, stats, muted (no sound at all), lang,
// label (what screen readers call it), quiet (they are told no changes).
//
// The element says in data-state (connecting, live, stale, offline, error, paused) what the
// picture is and in data-path how it comes; each change is an event camgate-state. A
// picture that is not live is dimmed and has a sentence on it.
//
// ECMAScript 5, and what browsers learned after 2012 only where it is there. All looks are
// set through element.style: a page's Content-Security-Policy forbids style sheets of ours.
(function () {
	'use strict';

	var Camgate = window.Camgate = window.Camgate || {};
	if (Camgate.Player) { return; }

	// Times are milliseconds.
	var TICK = 250;
	var STEPS = [320, 480, 640, 960, 1280, 1920, 2560, 3840]; // widths asked for: few, so that viewers share encodes
	var FIRST = { webrtc: 4000, ws: 4000, mjpeg: 5000, snapshot: 8000 }; // until a path shows a picture, or the next begins
	var TRIAL = 12000; // until a better path shows a picture beside the one that works
	var QUIET = 2000; // without a new picture it is stale, or after three periods of the camera's
	var DEAD = 5000; // so is its connection
	var HOLD = [10e3, 20e3, 60e3, 300e3]; // until a path that failed is tried again
	var PROBE = 2000, RETRY = 500, RECENT = 600e3; // asking a gateway that is away
	var MOST = 64; // cameras on a WebSocket
	var SLOTS = 4; // pictures over HTTP at once: a browser has six connections a host, and pages need some
	var STILLS = 3; // of these, pictures that are asked for one by one
	var GONE = 20e3; // a WebRTC session that is not heard from ends by itself

	var ORDER = ['webrtc', 'ws', 'mjpeg', 'snapshot'];
	var NAMES = { webrtc: 'WebRTC', ws: 'WebSocket', mjpeg: 'Multipart', snapshot: 'Snapshot' };
	var URLs = window.URL || window.webkitURL;
	var RTC = window.RTCPeerConnection;
	var canFit = 'objectFit' in document.documentElement.style;

	function now() { return window.performance && performance.now ? performance.now() : Date.now(); }
	function enc(s) { return encodeURIComponent(s); }
	function nothing() { /* what is not wanted any more */ }
	function parse(s) { try { return JSON.parse(s); } catch (e) { return null; } }
	function absolute(url) { var a = document.createElement('a'); a.href = url; return a.href; }
	function style(node, rules) { for (var k in rules) { if (node.style[k] !== rules[k]) { node.style[k] = rules[k]; } } return node; }
	function child(parent, tag, rules, cls) {
		var node = style(document.createElement(tag), rules || {});
		if (cls) { node.className = cls; }
		if (parent) { parent.appendChild(node); }
		return node;
	}
	function drop(node) { if (node && node.parentNode) { node.parentNode.removeChild(node); } }
	function attr(node, name, value) { if (node.getAttribute(name) !== value) { node.setAttribute(name, value); } }
	function text(node, s) { if (node.textContent !== s) { node.textContent = s; } }
	function two(n) { return (n < 10 ? '0' : '') + n; }
	function clock(d) { // with its day, where that may be another
		return (new Date() - d > 72e6 ? d.toLocaleDateString() + ' ' : '') + two(d.getHours()) + ':' + two(d.getMinutes()) + ':' + two(d.getSeconds());
	}

	var here = (function () { // the gateway is where this script came from
		var all = document.getElementsByTagName('script'), own = document.currentScript, i;
		for (i = all.length - 1; !own && i >= 0; i--) { if (/player\.js([?#]|$)/.test(all[i].src)) { own = all[i]; } }
		return absolute(own && own.src ? own.src.replace(/[^\/]*([?#].*)?$/, '') : './');
	})();

	// --- What it says. {0} is what belongs in between.

	var KEYS = 'connecting stale offline since gateway error paused none some full small loud mute save stats live age rate size path bits fps'.split(' ');
	var WORDS = {
		en: 'Connecting …|No new picture since {0}|Camera not available|Last picture: {0}|No connection to the gateway|No picture|Paused|There is no camera “{0}” here|Not all cameras are live|' +
			'Full screen|Leave full screen|Sound on|Sound off|Save picture|Statistics|live|Age|Rate|Size|Path|Bitrate|fps',
		de: 'Verbinde …|Kein neues Bild seit {0}|Kamera nicht erreichbar|Letztes Bild: {0}|Keine Verbindung zum Gateway|Kein Bild|Angehalten|Hier gibt es keine Kamera „{0}“|Nicht alle Kameras sind live|' +
			'Vollbild|Vollbild beenden|Ton an|Ton aus|Bild speichern|Statistik|live|Alter|Rate|Größe|Weg|Bitrate|Bilder/s',
		fr: 'Connexion…|Pas de nouvelle image depuis {0}|Caméra indisponible|Dernière image : {0}|Pas de connexion à la passerelle|Pas d’image|En pause|Il n’y a pas de caméra « {0} » ici|Certaines caméras ne sont pas en direct|' +
			'Plein écran|Quitter le plein écran|Activer le son|Couper le son|Enregistrer l’image|Statistiques|en direct|Âge|Cadence|Taille|Voie|Débit|i/s',
		ja: '接続中…|{0} から新しい映像がありません|カメラに接続できません|最後の映像：{0}|ゲートウェイに接続できません|映像がありません|一時停止中|カメラ「{0}」はありません|ライブではないカメラがあります|' +
			'全画面表示|全画面を終了|音声オン|音声オフ|画像を保存|統計|ライブ|経過|レート|サイズ|経路|ビットレート|fps',
		zh: '連線中…|{0} 起沒有新畫面|無法連線至攝影機|最後畫面：{0}|無法連線至閘道器|沒有畫面|已暫停|這裡沒有攝影機「{0}」|部分攝影機沒有即時畫面|' +
			'全螢幕|結束全螢幕|開啟聲音|關閉聲音|儲存畫面|統計資料|即時|延遲|幀率|尺寸|路徑|位元率|fps'
	};
	// Why a path is not taken; for who looks after the gateway, in its language.
	var REASONS = {
		frozen: 'the picture stands still', timeout: 'no picture in time', closed: 'connection lost', refused: 'refused',
		missing: 'not in this browser', slots: 'too many connections', none: 'no such camera'
	};
	// language is the first of ours that an element, the elements around it, or the browser asks for.
	function language(node, wanted) {
		var list = [wanted], i, l;
		for (; node && node.getAttribute; node = node.parentNode) { list.push(node.getAttribute('lang')); }
		list = list.concat(navigator.languages && navigator.languages.length ? navigator.languages.slice(0) : [navigator.language]);
		for (i = 0; i < list.length; i++) {
			l = String(list[i] || '').toLowerCase().split(/[-_]/)[0];
			if (WORDS.hasOwnProperty(l)) { return l; }
		}
		return 'en';
	}

	// --- A gateway, and what all players of the page know of it.

	var gateways = {}, players = [];

	function Gateway(base) {
		return gateways[base] || (gateways[base] = {
			base: base, slots: SLOTS, stills: 0, queue: [], held: {}, fails: {}, ice: [], hubs: [], bye: [],
			asking: [], waiting: [], tries: 0, timer: 0, heard: 0 // and trial, silent, knocking, socketless
		});
	}
	// check asks whether a gateway answers at all; a picture may be asked for from anywhere.
	function check(g, done) {
		var img, timer, over = false;
		g.asking.push(done);
		if (g.asking.length > 1) { return; }
		function end(yes, silent) {
			var list = g.asking;
			if (over) { return; }
			over = true;
			g.silent = !!silent;
			clearTimeout(timer);
			img.onload = img.onerror = null;
			if (!yes) { img.removeAttribute('src'); }
			g.asking = [];
			if (yes) { heard(g); }
			list.forEach(function (f) { f(yes); });
		}
		img = new Image();
		img.onload = function () { end(true); };
		img.onerror = function () { end(false); };
		timer = setTimeout(function () { end(false, true); }, PROBE);
		img.src = small(g);
	}
	// alive asks, unless another has found already that it does not.
	function alive(g, done) { if (g.waiting.length) { done(false); } else { check(g, done); } }
	// trying: one player of a page tries a better path at a time; the pictures of all of them share the line.
	function trying(g) { return g.trial && !g.trial.over && !g.trial.first; }
	function full(g) { return trying(g) && g.trial.linked; }
	function socketOf(g) { return g.base.replace(/^http/, 'ws') + 'ws'; }
	function small(g) { return g.base + 'favicon.svg?' + Math.random(); }
	// take waits for one of the few connections for stills; give lets another have it.
	function take(g, f) { g.queue.push(f); serve(g); }
	function give(g) { g.slots++; serve(g); }
	function serve(g) {
		while (g.queue.length && g.slots > 0 && g.stills < STILLS) { g.slots--; g.stills++; g.queue.shift()(); }
	}
	function heard(g) {
		g.heard = now();
		while (g.bye.length) {
			var b = g.bye.pop();
			if (now() - b.at < GONE) { farewell(b.session); }
		}
	}
	// await calls done when the gateway answers. One asks for all players.
	function awaitGateway(g, done) {
		g.waiting.push(done);
		if (g.waiting.length === 1) { g.tries = 0; probe(g); }
	}
	function probe(g) {
		clearTimeout(g.timer);
		if (!g.waiting.length) { return; }
		// While nothing comes through, HTTP is left alone but for once in a while; see knock.
		if (g.silent && window.WebSocket && !g.socketless && g.tries !== 3 && (g.tries & 7) !== 7) { return knock(g); }
		check(g, function (yes) {
			if (yes) { return back(g); }
			later(g, Math.min(g.heard && now() - g.heard < RECENT ? 2000 : 10e3, RETRY * Math.exp(0.4 * g.tries)));
		});
	}
	function later(g, wait) {
		clearTimeout(g.timer);
		g.tries++;
		g.timer = setTimeout(function () { probe(g); }, wait * (0.75 + Math.random() / 2));
	}
	function back(g) {
		var list = g.waiting;
		clearTimeout(g.timer);
		g.waiting = [];
		list.forEach(function (f) { setTimeout(f, Math.random() * 200); }); // not all at once
	}
	// knock asks by a WebSocket. A browser keeps the connections that HTTP began where nothing comes
	// through, and has later requests wait for the six of them: until the system tries those again, in a
	// minute or more. The connection of a WebSocket is always a new one.
	function knock(g) {
		var s, timer, began = now();
		if (g.knocking) { return; }
		try { s = new WebSocket(socketOf(g), 'camgate'); } catch (e) {
			g.socketless = true;
			return probe(g);
		}
		g.knocking = true;
		function end(yes) {
			clearTimeout(timer);
			s.onopen = s.onclose = null;
			s.close();
			g.knocking = false;
			if (!yes) { return later(g, RETRY); }
			heard(g);
			loosen(g);
			// If HTTP waits all the same: a path that needs none.
			later(g, 2000);
			setTimeout(function () {
				if (!g.waiting.length) { return; }
				ORDER.forEach(function (p) { if (p !== 'ws') { g.held[p] = Math.max(g.held[p] || 0, now() + 4000); } });
				back(g);
			}, 700);
		}
		s.onopen = function () { end(true); };
		s.onclose = function () { // something has answered, or the browser knows that it has no network
			g.silent = now() - began > PROBE;
			end(false);
		};
		// Browsers have a WebSocket wait that follows many which failed: after a while, be patient.
		timer = setTimeout(function () { end(false); }, g.tries < 8 ? 2500 : 8000);
	}
	function loosen(g) {
		var img = new Image(), timer = setTimeout(function () { img.onload = null; img.removeAttribute('src'); }, PROBE);
		img.onload = function () { clearTimeout(timer); back(g); };
		img.src = small(g);
	}
	function kick(g) { g.tries = 0; probe(g); }

	// request is an XMLHttpRequest that ends exactly once; done gets it, or null where
	// nothing came.
	function request(method, url, o, done) {
		var r = new XMLHttpRequest(), over = false, timer;
		function end(answer) {
			if (over) { return; }
			over = true;
			clearTimeout(timer);
			done(answer);
		}
		r.open(method, url, true);
		if (o.type) { r.setRequestHeader('Content-Type', o.type); }
		if (o.blob) { r.responseType = 'blob'; }
		r.onload = function () { end(r.status ? r : null); };
		r.onerror = function () { end(null); };
		timer = setTimeout(function () { end(null); r.abort(); }, o.timeout);
		r.send(o.body || null);
		return function () { over = true; clearTimeout(timer); r.abort(); };
	}
	function sentence(r) { // of an answer that is none
		var s = r.responseType ? '' : String(r.responseText || '').split('\n')[0];
		return r.status + (s && s.length < 300 && s.charAt(0) !== '<' ? ' ' + s : '');
	}

	// --- Many cameras over one WebSocket: a hub is a gateway's, its tiles are players'.

	// hubOf finds one with room for another tile: the gateway closes connections of more than MOST.
	function hubOf(g) {
		var hub = g.hubs.filter(function (h) { return h.count < MOST; })[0];
		if (!hub) { g.hubs.push(hub = Hub(g)); }
		return hub;
	}
	function Hub(g) {
		var hub = { count: 0, heard: 0 }, socket = null, open = false, tiles = {}, last = 0, idle = 0, quick, before, turned;

		function send(m) { if (socket && open) { socket.send(JSON.stringify(m)); } }
		function connect() {
			var mine;
			open = false;
			quick = before = Infinity;
			turned = now();
			try { mine = new WebSocket(socketOf(g), 'camgate'); } catch (e) { return setTimeout(lost, 0); }
			socket = mine;
			mine.binaryType = 'arraybuffer';
			mine.onopen = function () {
				open = true;
				g.socketless = false;
				heard(g);
				for (var id in tiles) { send(tiles[id].wish); }
			};
			mine.onmessage = function (e) {
				if (mine !== socket) { return; }
				heard(g);
				hub.heard = now();
				if (typeof e.data === 'string') { word(parse(e.data)); } else { frame(e.data); }
			};
			mine.onclose = function (e) { if (mine === socket) { lost(e.reason); } };
		}
		function lost(reason) {
			var list = tiles, was = open;
			tiles = {};
			hub.count = 0;
			g.socketless = !was && now() - g.heard < 3000; // HTTP comes through
			shut();
			for (var id in list) { list[id].lost(was, reason); }
		}
		function shut() {
			var old = socket;
			socket = null;
			if (old) { old.onopen = old.onmessage = old.onclose = null; old.close(); }
		}
		function word(m) {
			var tile = m && tiles[m.tile];
			if (!tile) { return; }
			if (m.type === 'state') { tile.state(m.state, m.error || '', m.partly); }
			if (m.type === 'error') { if (m.open) { tile.kept(); } else { remove(m.tile); tile.error(m.error || '', m.status); } }
		}
		// 16 bytes of header, 8 of time, a JPEG; see Protocol.
		function frame(data) {
			var via = socket, t = now(), v, tile, sequence, late;
			if (data.byteLength < 25) { return; }
			v = new DataView(data);
			tile = tiles[v.getUint16(2)];
			sequence = v.getUint32(4);
			if (v.getUint8(0) !== 1 || !tile) { return; }
			// The gateway's clock and ours differ by what the quickest picture of late says: they drift.
			late = t - (v.getUint32(16) * 4294967296 + v.getUint32(20)) / 1000;
			if (late - tile.late > t - tile.at + 1000) { quick = before = late; } // it was set back
			if (t - turned > 600e3) { before = quick; quick = Infinity; turned = t; }
			quick = Math.min(quick, late);
			tile.late = late;
			tile.at = t;
			tile.picture((inline && inlined(new Uint8Array(data, 24))) || new Blob([data.slice(24)], { type: 'image/jpeg' }), {
				size: data.byteLength - 24,
				live: !(v.getUint8(1) & 2), late: late - Math.min(quick, before),
				done: function () { if (via === socket && tiles[tile.wish.tile] === tile) { send({ type: 'ack', tile: tile.wish.tile, sequence: sequence }); } }
			});
		}
		function remove(id) {
			delete tiles[id];
			hub.count--;
		}
		// open brings a camera's pictures until close. tile: wish, state, error, picture, lost.
		hub.open = function (tile) {
			clearTimeout(idle);
			do { last = last % 65535 + 1; } while (tiles[last]);
			tile.wish.type = 'open';
			tile.wish.tile = last;
			tiles[last] = tile;
			hub.count++;
			if (!socket) { connect(); } else { send(tile.wish); }
		};
		hub.change = function (tile) { send(tile.wish); };
		hub.close = function (tile) {
			var id = tile.wish.tile;
			if (tiles[id] !== tile) { return; }
			remove(id);
			send({ type: 'close', tile: id });
			clearTimeout(idle);
			idle = setTimeout(function () { if (!hub.count) { shut(); } }, document.hidden ? 0 : 300);
		};
		// renew: nothing comes, though the gateway answers.
		hub.renew = function () { lost(''); };
		hub.shut = shut;
		return hub;
	}

	// --- Paths. Each begins an attempt a: a.node shows the pictures, a.stop ends it,
	// a.watch(t) looks after it. It tells the player a.picture(o), a.told(state, why) and
	// a.fail(why, o).

	var paths = {};

	function fill(node, o) {
		style(node, { position: 'absolute', top: '0', right: '0', bottom: '0', left: '0', margin: 'auto', display: 'block', border: '0', padding: '0', maxWidth: '100%', maxHeight: '100%' });
		return canFit && o.fit ? style(node, { width: '100%', height: '100%', objectFit: o.fit }) : node;
	}
	function layer(a, tag) {
		a.node = child(a.layer, tag, { visibility: 'hidden' });
		fill(a.node, a.options);
		if (tag !== 'video') { a.node.alt = ''; a.node.draggable = false; }
		return a.node;
	}
	function query(a, more) {
		var o = a.options, list = more || [], w = a.width();
		a.asked = w;
		if (w) { list.push('width=' + w); }
		if (o.quality) { list.push('quality=' + o.quality); }
		return list.length ? '?' + list.join('&') : '';
	}
	function cams(o) { return (o.cams.map ? o.cams : o.cams.split(',')).map(function (n) { return n.trim(); }); }
	function wall(o) { return ['cams=' + cams(o).map(enc).join(',')].concat(o.cols ? ['cols=' + o.cols] : [], o.labels ? ['labels=' + o.labels] : []); }

	// ofWall is the state of a wall whose cameras the page names: as the gateway tells it of those it names itself.
	function ofWall(o, list) {
		var all = cams(o).filter(Boolean), states = list.filter(function (s) { return all.indexOf(s.name) >= 0; }).map(function (s) { return s.state; });
		var live = all.filter(function (n) { return list.some(function (s) { return s.name === n && s.state === 'live'; }); }).length;
		return { state: live === all.length ? 'live' : live ? 'stale' : /idle|connecting/.test(states) ? 'connecting' : 'offline', partly: live > 0, last_frame_age: null };
	}

	paths.webrtc = function (a) {
		var g = a.gateway, o = a.options, video, pc, channel, cancel = nothing, session = '', told = false, grace = 0;
		var polled = 0, decoded = 0, seen = 0, bytes = 0, ice = g.ice.length;
		if (!RTC || !RTC.prototype.addTransceiver || !document.createElement('video').play) { return a.fail('missing', { sure: true, all: true, hold: 1e12 }); }
		function broken(e) { a.fail('refused', { sure: true, detail: e && e.message ? e.message : String(e) }); }
		function play() {
			var p = video.play();
			if (!p || !p.then) { return; }
			p.then(null, function (e) {
				if (a.over || e.name === 'AbortError') { return; }
				if (video.muted) { return broken(e); }
				video.muted = true; // no sound before somebody has touched the page; or, elsewhere, this picture
				a.loud = unmute;
				a.silenced();
				play();
			});
		}
		function unmute() { video.muted = false; }
		function drawn() { seen++; a.picture({}); }
		function each() {
			if (a.over) { return; }
			drawn();
			video.requestVideoFrameCallback(each);
		}
		function answered(r) {
			var all = { sure: true, all: true }, links, l;
			if (!r) { return a.fail('closed', {}); }
			heard(g);
			if (r.status !== 201) {
				// Without WebRTC the gateway says how to have it; without this camera the next path says so.
				all.all = r.status === 405 || r.status === 403 || /\[webrtc\]/.test(r.responseText);
				all.brief = r.status === 503 && !/^\d/.test(r.responseText); // so many are allowed, or the camera has no picture now
				all.detail = sentence(r);
				return a.fail('refused', all);
			}
			l = r.getResponseHeader('Location');
			if (l) { session = /^https?:|^\//.test(l) ? l.replace(/^\//, g.base.replace(/^(\w+:\/\/[^\/]*).*/, '$1/')) : g.base + 'whep/' + l; }
			links = iceServers(r.getResponseHeader('Link') || '');
			if (links.length) { g.ice = links; }
			pc.setRemoteDescription({ type: 'answer', sdp: r.responseText }).then(nothing, broken);
		}

		video = layer(a, 'video');
		video.autoplay = true;
		video.muted = !o.sound;
		video.setAttribute('playsinline', '');
		try { pc = new RTC({ iceServers: g.ice, bundlePolicy: 'max-bundle' }); } catch (e) { return broken(e); }
		channel = pc.createDataChannel('camgate');
		channel.onmessage = function (e) {
			var m = parse(e.data);
			if (!m || m.type !== 'state') { return; }
			told = true;
			heard(g);
			a.heard = now();
			a.info = m;
			a.told(m.state, m.error || '');
		};
		channel.onclose = function () { a.fail('closed', {}); };
		pc.addTransceiver('video', { direction: 'recvonly' });
		if (o.sound) { pc.addTransceiver('audio', { direction: 'recvonly' }); }
		pc.ontrack = function (e) {
			e.receiver.jitterBufferTarget = 0; // the newest picture, where the browser lets one choose
			if (!video.srcObject) { video.srcObject = new MediaStream(); }
			video.srcObject.addTrack(e.track);
			if (e.track.kind === 'video') { play(); }
		};
		pc.oniceconnectionstatechange = function () {
			var s = pc.iceConnectionState;
			grace = s === 'disconnected' ? now() : 0;
			if (s === 'connected') { a.linked = now(); }
			if (s !== 'failed') { return; }
			a.fail('closed', { detail: 'ICE', again: g.ice.length > ice }); // once more with the servers it has named
		};
		if (video.requestVideoFrameCallback) { video.requestVideoFrameCallback(each); }
		pc.createOffer().then(function (offer) { return pc.setLocalDescription(offer); }).then(function () {
			var list;
			if (a.over) { return; }
			// The gateway learns this side's addresses from its checks: no candidates need be sent.
			list = ['audio=' + (o.sound ? 1 : 0), 'height=' + Math.round(a.box().height)];
			cancel = request('POST', g.base + 'whep/' + enc(o.camera) + query(a, list), { type: 'application/sdp', body: pc.localDescription.sdp, timeout: GONE }, answered);
		}).then(null, broken);

		a.stop = function () {
			cancel();
			channel.onclose = channel.onmessage = pc.ontrack = pc.oniceconnectionstatechange = null;
			pc.close();
			// Said where it is heard: requests that wait for a connection are in the way of others.
			if (session && (leaving || now() - g.heard < QUIET)) { farewell(session); } else if (session) { g.bye.push({ session: session, at: now() }); }
		};
		a.watch = function (t) {
			var q = video.getVideoPlaybackQuality ? video.getVideoPlaybackQuality().totalVideoFrames : video.webkitDecodedFrameCount;
			if (!video.requestVideoFrameCallback && q > seen && video.videoWidth) { seen = q - 1; drawn(); }
			if (video.paused && t - polled > 900) { play(); } // by a key of the keyboard, or to save power
			if (grace && t - grace > 1500) { return a.fail('closed', { detail: 'ICE' }); }
			if (told && t - a.heard > 3000) { return a.fail('closed', {}); }
			if (t - polled < 1000) { return; }
			polled = t;
			pc.getStats().then(function (report) {
				report.forEach(function (s) {
					if (s.type !== 'inbound-rtp' || (s.kind || s.mediaType) !== 'video') { return; }
					a.count(0, bytes ? s.bytesReceived - bytes : 0);
					bytes = s.bytesReceived;
					// Drawing may rest where nobody can see it; decoding does not.
					if (decoded && s.framesDecoded > decoded && a.first && !video.paused && now() - a.shown > 1000) { a.picture({ undrawn: true }); }
					decoded = s.framesDecoded;
				});
			}, nothing);
		};
		a.free = function () { video.srcObject = null; };
		a.hush = function () {
			video.muted = true;
			if (a.sound) { a.loud = unmute; }
		};
		// A picture much smaller than its place asks for a larger stream, where there is one.
		a.resized = function (w) {
			return a.info && a.info.stream === 'sub' && (!a.asked || w > a.asked) && w > video.videoWidth * 1.3;
		};
	};
	function farewell(session) {
		var f = window.fetch, r;
		try {
			if (f) { f.call(window, session, { method: 'DELETE', keepalive: true }).then(nothing, nothing); return; }
			r = new XMLHttpRequest();
			r.open('DELETE', session, true);
			r.send();
		} catch (e) { /* it ends by itself */ }
	}
	// iceServers reads Link: <stun:host>; rel="ice-server"; username="u"; credential="p".
	function iceServers(header) {
		var list = [], each = /<((?:stun|turn)s?:[^>]*)>((?:;\s*[\w-]+="(?:[^"\\]|\\.)*"|\s)*)/g, m, one;
		function of(name) { var v = new RegExp(name + '="((?:[^"\\\\]|\\\\.)*)').exec(m[2]); return v && v[1].replace(/\\(.)/g, '$1'); }
		while ((m = each.exec(header))) {
			if (!/ice-server/.test(m[2])) { continue; }
			one = { urls: m[1] };
			if (of('username')) { one.username = of('username'); one.credential = of('credential'); }
			list.push(one);
		}
		return list;
	}

	// picture is a JPEG that an <img> shows: as a data: address where that can be, for Chromium takes twice
	// the time for a Blob of two processes. A page's Content-Security-Policy may forbid it.
	var inline = !!window.btoa;
	function inlined(bytes) {
		var s = '', i;
		try {
			for (i = 0; i < bytes.length; i += 8192) { s += String.fromCharCode.apply(null, bytes.subarray(i, i + 8192)); }
			return 'data:image/jpeg;base64,' + btoa(s);
		} catch (e) { inline = false; }
	}

	// Stills shows JPEGs one after the other, in two <img> that take turns: one that loads
	// has no picture. Of those that come meanwhile the newest is kept.
	function Stills(a) {
		var back = layer(a, 'img'), front = layer(a, 'img'), busy = 0, next = null, loading = '', shown = null;
		function load(blob, o) {
			if (busy) {
				if (next) { next.o.done(); }
				next = { blob: blob, o: o };
				return;
			}
			busy = now();
			shown = o;
			loading = typeof blob === 'string' ? '' : URLs.createObjectURL(blob);
			back.src = loading || blob;
		}
		function loaded(ok) {
			var n = next, old = front;
			if (!busy) { return; }
			busy = 0;
			if (loading) { URLs.revokeObjectURL(loading); } else if (!ok) { inline = false; }
			shown.done();
			if (ok && !a.over) {
				a.node = front = back;
				back = old;
				style(front, { visibility: '' });
				style(back, { visibility: 'hidden' });
				a.picture(shown);
			}
			next = null;
			if (n && !a.over) { load(n.blob, n.o); }
		}
		[back, front].forEach(function (img) {
			img.decoding = 'sync'; // there when it takes its turn
			img.onload = function () { loaded(true); };
			img.onerror = function () { loaded(false); };
		});
		return {
			load: load,
			watch: function (t) { if (busy && t - busy > DEAD) { loaded(false); } }, // the browser has lost it
			free: function () { drop(back); } // when the picture is off the screen
		};
	}
	function blobs() {
		try { return !!(window.DataView && URLs && URLs.createObjectURL && new Blob([new ArrayBuffer(1)]).size === 1 && new ArrayBuffer(1).slice); } catch (e) { return false; }
	}

	paths.ws = function (a) {
		var g = a.gateway, o = a.options, hub, stills, tile, open = false, asked = 0, answered = 0, came = 0;
		if (o.cams) { return a.fail('missing', { sure: true, hold: 1e12 }); }
		if (!window.WebSocket || !blobs()) { return a.fail('missing', { sure: true, all: true, hold: 1e12 }); }
		hub = hubOf(g);
		stills = Stills(a);
		function wish() {
			var w = { camera: o.camera };
			a.asked = a.width();
			w.width = a.asked || 0;
			if (o.quality) { w.quality = +o.quality; }
			if (o.fps) { w.fps = +o.fps; }
			return w;
		}
		tile = {
			wish: wish(),
			state: function (state, why, part) { open = true; a.heard = now(); a.told(state, why, part); },
			error: function (why, status) {
				if (status === 404) { return a.fail('none', { sure: true, fatal: true }); }
				a.fail('refused', { sure: true, detail: why });
			},
			// kept: another size is refused, and the old one goes on. Later there may be room.
			kept: function () { a.heard = now(); setTimeout(function () { a.asked = -1; }, 20e3); },
			lost: function (was, reason) { a.fail(was ? 'closed' : 'refused', { detail: reason, all: !was }); },
			picture: function (blob, p) { open = true; came++; a.heard = now(); a.count(0, p.size); stills.load(blob, p); }
		};
		hub.open(tile);
		a.stop = function () { hub.close(tile); };
		a.free = stills.free;
		// A picture of a thin line's may be long on its way; not what the page may not show.
		a.coming = function (t) { return came < 3 && (full(g) || t - hub.heard < (open ? TRIAL : 2000)); };
		a.watch = function (t) {
			stills.watch(t);
			// While its camera is away the gateway sends a notice a second. A slow one may be silent for
			// longer: the tile is opened again, and answered where the connection is not dead.
			// Where pictures fill the line the answer is behind them, and comes sooner by another connection; not behind a trial's.
			if (asked > a.heard) {
				if (t - Math.max(asked, hub.heard) > (answered === asked || full(g) ? TRIAL : 2000 * a.slow)) { hub.renew(); } else if (t - asked > TRIAL * a.slow) { a.fail('closed', {}); }
			} else if (open && t - a.heard > Math.max(3000, 2 * a.longest())) {
				asked = t;
				hub.change(tile);
				check(g, function (yes) { if (yes) { answered = t; } });
			}
		};
		a.resized = function () {
			var w = wish();
			w.type = 'open';
			w.tile = tile.wish.tile;
			tile.wish = w;
			hub.change(tile);
		};
	};

	paths.mjpeg = function (a) {
		var g = a.gateway, o = a.options, img = layer(a, 'img'), next = null, slot = false, cancel = nothing, polled = 0, polling = false;
		var canvas = document.createElement('canvas'), pen = canvas.getContext && canvas.getContext('2d'), print = '', looked = 0, patience = 2000, renewed = now();
		if (g.slots < 3) { return a.fail('slots', { sure: true, hold: 10e3, all: true }); }
		g.slots--;
		slot = true;
		canvas.width = 32;
		canvas.height = 18;
		function address() {
			var more = o.fps ? ['fps=' + o.fps] : [];
			if (next) { more.push('_=' + Date.now()); } // what another image still loads, browsers show again at once
			return g.base + (o.cams ? 'wall' + query(a, wall(o).concat(more)) : 'mjpeg/' + enc(o.camera) + query(a, more));
		}
		function load(into) {
			into.onload = function () {
				into.onload = null;
				if (into !== img) {
					drop(img);
					img.removeAttribute('src'); // ends its connection
					a.node = img = into;
					style(img, { visibility: '' });
					next = null;
				}
				renewed = now();
				a.picture({});
			};
			into.onerror = function () {
				if (into !== img) { drop(into); next = null; }
				a.fail(a.first ? 'closed' : 'refused', {});
			};
			into.src = address();
		}
		// renew asks for it anew; the old picture stays until the new one is there.
		function renew() {
			if (next) { return; }
			renewed = now();
			next = layer({ layer: a.layer, options: o }, 'img');
			load(next);
		}
		// look finds out whether the picture moves: a browser does not tell.
		function look(t) {
			var data, sum = '', i;
			looked = t;
			if (!pen || !a.first) { return; }
			try {
				pen.drawImage(img, 0, 0, 32, 18);
				data = pen.getImageData(0, 0, 32, 18).data;
			} catch (e) { // of another site: nobody may look
				pen = null;
				return;
			}
			for (i = 0; i < data.length; i += 4) { sum += String.fromCharCode(data[i] * 256 + data[i + 1]); }
			if (sum === print) { return; }
			print = sum;
			patience = 2000;
			a.picture({});
		}
		load(img);
		a.stop = function () {
			cancel();
			if (polling) { g.polling = false; }
			if (slot) { slot = false; give(g); }
			img.onload = img.onerror = null;
			if (next) { next.onload = next.onerror = null; next.removeAttribute('src'); drop(next); }
			// What is on the screen stays, without its connection.
			a.freeze();
		};
		a.freeze = function () {
			var still = a.draw();
			if (still && a.node === img && img.parentNode) {
				still.style.cssText = img.style.cssText;
				img.parentNode.replaceChild(still, img);
				a.node = still;
			}
			img.removeAttribute('src');
		};
		a.watch = function (t) {
			if (t - looked >= 480) { look(t); }
			// A scene may stand still as well as a connection: what is asked for anew tells.
			// (Not while the gateway is silent: then what is asked for would wait for ever.)
			if (a.first && t - Math.max(a.shown, renewed) > (pen ? patience : 10e3) && !(polling && t - polled > 500)) {
				patience = Math.min(10e3, patience * 2);
				renew();
			}
			// And while it stands still, or nobody may look, the gateway answers: whom, does not matter.
			a.late = (next && t - renewed > 1500) || (a.first && t - g.heard > 3000);
			if (next && t - renewed > DEAD) { return a.fail('frozen', {}); }
			if (polling || g.polling || t - polled < 1000) { return; }
			polled = t;
			polling = g.polling = true;
			// Pictures do not say what they are; the camera's state does.
			cancel = request('GET', g.base + 'api/cameras' + (o.cams ? '' : '/' + enc(o.camera)), { timeout: 4000 }, function (r) {
				var s = r && parse(r.responseText);
				function done() {
					polling = g.polling = false;
					polled = Math.max(polled, now() - 500); // where answers take long: after another's turn
				}
				if (a.over) { return; }
				if (!r) {
					return alive(g, function (yes) {
						if (a.over) { return; }
						done();
						if (!yes) { a.fail('closed', {}); }
					});
				}
				heard(g);
				if (r.status === 404 && s && s.error && !o.cams) { return a.fail('none', { sure: true, fatal: true }); } // the gateway's, not a proxy's that keeps this to itself
				if (o.cams && s && s.filter) { s = ofWall(o, s); }
				if (s && s.state) {
					a.period = s.fps ? 1000 / s.fps : 0;
					// A picture that came meanwhile knows better.
					if (a.shown < polled || !/^(idle|connecting)$/.test(s.state)) { a.told(s.state, s.last_error || '', s.partly); }
					if (s.state === 'live' && s.last_frame_age !== null) { a.age = s.last_frame_age * 1000; }
				}
				if (!a.over) { done(); }
			});
		};
		a.resized = renew;
	};

	paths.snapshot = function (a) {
		var g = a.gateway, o = a.options, stills = blobs() ? Stills(a) : null, img = a.node || layer(a, 'img'), timer = 0, slot = false, began = 0, cancel = nothing, xhr = !!stills;
		var every = Math.max(200, 1000 / (Math.min(o.fps || 1, 5)));
		function address() {
			var more = ['placeholder=1', '_=' + Date.now()];
			return g.base + (o.cams ? 'wall.jpg' + query(a, wall(o).concat(more)) : 'snapshot/' + enc(o.camera) + query(a, more));
		}
		function again(wait) {
			clearTimeout(timer);
			timer = setTimeout(ask, wait === undefined ? Math.max(20, began + every - now()) : wait);
		}
		function release() { if (slot) { slot = false; g.stills--; give(g); } }
		function ask() {
			take(g, go);
		}
		function go() {
			slot = true;
			if (a.over) { return release(); }
			began = now();
			if (!xhr) { return plain(); }
			cancel = request('GET', address(), { blob: true, timeout: FIRST.snapshot * a.slow }, function (r) {
				var s;
				release();
				if (a.over) { return; }
				if (!r) {
					if (absolute(g.base).indexOf(location.protocol + '//' + location.host + '/') === 0 || a.first) { return a.fail('closed', {}); }
					xhr = false; // of another site: it may be looked at, not read
					return again(0);
				}
				heard(g);
				if (r.status === 404) { return a.fail('none', { sure: true, fatal: true }); }
				if (r.status !== 200) { return a.fail('refused', { sure: true, detail: sentence(r) }); }
				a.heard = now();
				s = r.getResponseHeader('X-Camera-State') || 'live';
				// A stale camera's picture is old, a wall's is not while one of its cameras is live.
				a.told(s, '', Date.parse(r.getResponseHeader('Date')) - 1000 * r.getResponseHeader('X-Timestamp') < 900);
				a.count(0, r.response.size);
				stills.load(r.response, { live: !/stale|offline/.test(s), done: nothing });
				again();
			});
		}
		// plain has another <img> load it: the last picture stays, and what never comes can be given up.
		function plain() {
			var next = layer({ layer: a.layer, options: o }, 'img');
			next.decoding = 'sync';
			cancel = function () {
				next.onload = next.onerror = null;
				next.removeAttribute('src');
				drop(next);
			};
			next.onload = function () {
				cancel = nothing;
				release();
				drop(img);
				a.node = img = next;
				style(img, { visibility: '' });
				a.picture({});
				again();
			};
			next.onerror = function () { release(); a.fail('refused', {}); };
			next.src = address();
		}
		a.period = every;
		ask();
		a.stop = function () {
			clearTimeout(timer);
			cancel();
			release();
		};
		a.free = stills ? stills.free : nothing;
		a.watch = function (t) {
			if (stills) { stills.watch(t); }
			if (slot && t - began > FIRST.snapshot * a.slow + 1000) { a.fail('timeout', {}); }
		};
		a.resized = nothing; // the next one is
	};

	// --- The player.

	var PLAIN = { fit: 'contain', path: 'auto' };
	var COLOURS = { connecting: 'rgb(121, 184, 255)', stale: 'rgb(242, 182, 50)', offline: 'rgb(255, 123, 110)', error: 'rgb(255, 123, 110)', paused: 'rgb(155, 168, 180)' }; // as browsers write them: not set again
	var ICONS = {
		full: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5', small: 'M9 4v5H4M15 4v5h5M20 15h-5v5M9 20v-5H4',
		mute: 'M4 9h4l5-4v14l-5-4H4zM17 8v8M20 6v12', loud: 'M4 9h4l5-4v14l-5-4H4zM16 9l5 6M21 9l-5 6',
		save: 'M12 4v10M8 11l4 4 4-4M5 20h14', stats: 'M5 20v-7M12 20V5M19 20v-10'
	};

	Camgate.Player = function (element, options) {
		var player = this, o, g, words;
		var root = element, fullIn = root.requestFullscreen || root.webkitRequestFullscreen, box, layerNode, bar, said, detail, controls, buttons = {}, panel, spoken, placed, relative, block;
		var started = true, running = 0, seen = true, observer = null;
		var active = null, trial = null, screen = null; // attempts: begun, better and beside it, last shown
		var down = false, waiter = null, waiting = 0, fatal = '', why = {}, fails = {}, nextTrial = 0, retry = 0, rounds = 0, slow = 1; // times the patience: on a thin line a picture takes long
		var gaps = [], counts = [], settled = 0, sized = 0, width = 0, hover = 0, announced = '', gone = false, changing = false;

		player.element = element;
		player.state = 'connecting';
		player.path = '';
		player.reason = '';
		player.error = '';
		player.frames = 0; // pictures of the camera that were shown
		player.shownAt = null; // when, as a Date

		function t9n(key, what) {
			return words[KEYS.indexOf(key)].split('{0}').join(what);
		}
		function configure(options) {
			var k, next = {};
			for (k in PLAIN) { next[k] = PLAIN[k]; }
			for (k in options) { if (options[k] !== undefined && options[k] !== null && options[k] !== '') { next[k] = options[k]; } }
			// A number that is none would be a patience without an end.
			['fps', 'quality', 'cols'].forEach(function (k) { if (!(+next[k] > 0)) { delete next[k]; } });
			o = next;
			g = Gateway(o.base ? absolute(String(o.base).replace(/\/?$/, '/')) : here);
			words = WORDS[language(element, o.lang)].split('|');
			player.camera = String(o.camera || o.cams || '');
		}
		// allowed lists the paths that may be taken, best first.
		function allowed() {
			var list = String(o.path).split(/[\s,]+/), from = ORDER.indexOf(list[0]), able = o.cams ? ORDER.slice(2) : ORDER;
			var some = able.filter(function (p) { return list.length > 1 ? list.indexOf(p) >= 0 : ORDER.indexOf(p) >= from; });
			return some.length ? some : able; // there must be one
		}

		// --- Looks.

		function build() {
			style(root, { overflow: 'hidden', backgroundColor: '#000' });
			layerNode = fill(child(root, 'div'), {});
			place();
			panel = child(root, 'div', {
				position: 'absolute', top: '8px', left: '8px', padding: '.5em .8em', borderRadius: '4px', backgroundColor: 'rgba(0, 0, 0, .78)', color: '#fff',
				font: '12px/1.5 monospace', whiteSpace: 'pre-wrap', maxWidth: '85%', display: 'none', textAlign: 'left', pointerEvents: 'none'
			}, 'camgate-stats');
			bar = child(root, 'div', {
				position: 'absolute', right: '0', bottom: '0', left: '0', padding: '.5em .8em', borderLeft: '.3em solid', backgroundColor: 'rgba(0, 0, 0, .78)',
				color: '#fff', display: 'none', textAlign: 'left', pointerEvents: 'none', font: '16px/1.35 system-ui, Roboto, Arial, sans-serif'
			}, 'camgate-said');
			said = child(bar, 'div', { fontWeight: '600' });
			detail = child(bar, 'div', { fontSize: '.85em', opacity: '.85', wordWrap: 'break-word', maxHeight: '4.1em', overflow: 'hidden' });
			spoken = child(root, 'div', { position: 'absolute', top: '0', left: '0', width: '1px', height: '1px', overflow: 'hidden', opacity: '0' });
			spoken.setAttribute('role', 'status');
			controls = child(root, 'div', { position: 'absolute', top: '8px', right: '8px', display: 'none', opacity: '0', transition: 'opacity .15s' }, 'camgate-controls');
			button('loud', loud);
			button('save', function () { player.snapshot(); });
			button('stats', stats);
			button('full', full);
			root.setAttribute('role', 'group');
			label();
			listen('addEventListener');
		}
		// place has pictures lie in the element. Before it is in the page, and shown, nobody knows how it looks.
		function place() {
			var look, none = /^(static)?$/, shown = root.getClientRects().length; // none also within what is hidden
			if (block) { style(root, { display: root.hidden ? 'none' : 'block' }); } // ours would go before what hides it
			if (placed || (relative !== undefined && !shown)) { return; }
			if (relative) { root.style.position = ''; }
			look = window.getComputedStyle ? getComputedStyle(root) : {};
			relative = none.test(root.style.position) && none.test(look.position || '');
			if (relative) { root.style.position = 'relative'; }
			placed = shown;
			if (!placed) { return; }
			block = look.display === 'inline';
			if (block) { root.style.display = 'block'; }
			if (root.clientHeight < 2) { // a place without a height has that of a picture
				box = child(root, 'div', { paddingTop: '56.25%' });
			}
		}
		function listen(how) {
			['mousemove', 'touchstart', 'focus'].forEach(function (e) { root[how](e, reveal, true); });
			['fullscreenchange', 'webkitfullscreenchange'].forEach(function (e) { root[how](e, label); });
			root[how]('keydown', key);
		}
		function button(name, act) {
			var b = child(controls, 'button', {
				width: '40px', height: '36px', margin: '0 0 0 6px', padding: '0', border: '1px solid rgba(255, 255, 255, .35)', borderRadius: '4px',
				backgroundColor: 'rgba(0, 0, 0, .65)', color: '#fff', cursor: 'pointer', verticalAlign: 'top'
			}), svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg'), p;
			b.type = 'button';
			svg.setAttribute('viewBox', '0 0 24 24');
			svg.setAttribute('aria-hidden', 'true');
			style(svg, { width: '20px', height: '20px', fill: 'none', stroke: 'currentColor', strokeWidth: '2', strokeLinecap: 'round', strokeLinejoin: 'round', verticalAlign: 'middle' });
			p = document.createElementNS('http://www.w3.org/2000/svg', 'path');
			svg.appendChild(p);
			b.appendChild(svg);
			b.onclick = function (e) { e.preventDefault(); e.stopPropagation(); act(); label(); };
			b.icon = p;
			buttons[name] = b;
		}
		function label() {
			var silent = !o.sound, on = !!fullElement();
			function set(name, icon, words, pressed) {
				var b = buttons[name];
				attr(b.icon, 'd', ICONS[icon]);
				attr(b, 'aria-label', words);
				b.title = words;
				if (pressed !== undefined) { attr(b, 'aria-pressed', String(pressed)); }
			}
			attr(root, 'aria-label', o.label || player.camera);
			attr(controls, 'role', 'toolbar');
			set('loud', silent ? 'loud' : 'mute', t9n(silent ? 'loud' : 'mute'));
			set('save', 'save', t9n('save'));
			set('stats', 'stats', t9n('stats'), !!o.stats);
			set('full', on ? 'small' : 'full', t9n(on ? 'small' : 'full'));
			style(buttons.loud, { display: player.path === 'webrtc' && !o.muted ? '' : 'none' });
			style(buttons.full, { display: fullIn ? '' : 'none' });
			style(controls, { display: o.controls ? 'block' : 'none' });
			if (o.controls && root.tabIndex < 0) { root.tabIndex = 0; }
		}
		function fullElement() {
			var e = document.fullscreenElement || document.webkitFullscreenElement;
			return e && (e === root || e.contains(root)) ? e : null;
		}
		function full() {
			var p = fullElement() ? (document.exitFullscreen || document.webkitExitFullscreen).call(document) : fullIn && fullIn.call(root);
			if (p && p.then) { p.then(nothing, nothing); }
		}
		// Sound is asked for where it is wanted: the session with it begins beside the other.
		function loud() {
			o.sound = !o.sound;
			if (active && active.path === 'webrtc') {
				end(trial); // it was begun for what is not wanted any more
				trial = null;
				if (!o.sound) { active.hush(); } // whatever becomes of the session without
				if (o.sound && active.loud) { return active.loud(); } // it has come, and waits for a hand
				better('webrtc');
			}
		}
		function stats() { o.stats = !o.stats; update(); }
		function reveal(e) {
			hover = now();
			// A finger presses no button that cannot be seen yet.
			if (e && e.type === 'touchstart' && controls.style.opacity === '0' && controls.contains(e.target)) { e.preventDefault(); }
			if (o.controls) { style(controls, { opacity: '1' }); }
		}
		function key(e) {
			var k = e.keyCode;
			if (!o.controls || e.ctrlKey || e.metaKey || e.altKey) { return; }
			reveal();
			if (k === 70) { full(); } else if (k === 77) { if (player.path === 'webrtc' && !o.muted) { loud(); } } else if (k === 83) { player.snapshot(); } else if (k === 73) { stats(); } else { return; }
			label();
			e.preventDefault();
			e.stopPropagation();
		}

		// --- Size.

		function size() {
			var w = root.clientWidth, h = root.clientHeight, a = screen && picture(screen.node), r = a && a.w ? a.w / a.h : 0;
			if (r && o.fit !== 'fill') { w = o.fit === 'cover' ? Math.max(w, h * r) : Math.min(w, h * r); }
			return { width: w * (window.devicePixelRatio || 1), height: h * (window.devicePixelRatio || 1) };
		}
		// wanted is the width to be asked for, 0: as the camera has it.
		function wanted() {
			var w = size().width, i = 0;
			if (o.width) { return +o.width; }
			while (i < STEPS.length && STEPS[i] < w - 1) { i++; }
			return i === STEPS.length ? 0 : STEPS[i];
		}
		function picture(node) {
			return node && { w: node.videoWidth || node.naturalWidth || (node.getContext && node.width) || 0, h: node.videoHeight || node.naturalHeight || (node.getContext && node.height) || 0 };
		}

		// --- Attempts.

		function longest() { return Math.max.apply(null, [0].concat(gaps)); } // gap between pictures, of late
		function begin(path, beside) {
			var a = { path: path, gateway: g, options: o, layer: layerNode, begun: now(), first: 0, shown: 0, heard: 0, over: false, stop: nothing, free: nothing, watch: nothing, resized: nothing, coming: nothing, period: 0, slow: slow, sound: o.sound };
			a.width = wanted;
			a.silenced = function () { o.sound = false; label(); };
			a.box = size;
			a.longest = longest;
			a.draw = function () { return draw(a.node); };
			a.count = function (frames, bytes) {
				if (a === active) { counts.push([now(), frames, bytes]); }
			};
			a.told = function (state, reason, part) {
				if (a.over) { return; }
				a.state = state === 'idle' ? 'connecting' : state;
				a.away = a.away || state === 'offline';
				// Of a wall some cameras may be away: each says so in its part, the others go on.
				a.part = state === 'stale' && part;
				a.why = trim(reason);
				update();
			};
			a.picture = function (p) {
				var t = now(), at = t - (p.late || 0), live = p.live !== false || a.part;
				if (a.over) { return; }
				a.heard = t;
				heard(g);
				if (live) {
					// When a multipart picture is looked at is no pace of the camera's.
					if (a.shown && at > a.shown && a.path !== 'mjpeg') {
						gaps.push(Math.min(at - a.shown, a.away ? 10e3 : 1e12)); // or what is frozen after an hour's outage would be live for hours
						if (gaps.length > 8) { gaps.shift(); }
					}
					a.away = false;
					a.shown = at;
					player.shownAt = new Date();
					if (a === active || a === trial) { player.frames++; }
				}
				if (!a.first) { a.first = t; arrived(a); }
				a.count(live ? 1 : 0, 0);
				if (live && player.state !== 'live') { update(); }
			};
			a.fail = function (reason, how) {
				if (a.over) { return; }
				a.over = true;
				failed(a, reason, how);
			};
			if (beside) { trial = g.trial = a; } else { active = a; }
			paths[path](a);
			return a;
		}
		function trim(reason) {
			var begin = 'camera "' + o.camera + '": ';
			return reason.indexOf(begin) === 0 ? reason.slice(begin.length) : reason;
		}
		// arrived: an attempt shows its first picture, and the others are not needed.
		function arrived(a) {
			var old = screen, other = a === trial ? active : trial;
			if (a === trial) {
				end(active);
				active = a;
				trial = null;
			} else if (trial && ORDER.indexOf(trial.path) > ORDER.indexOf(a.path)) {
				end(other);
				trial = null;
			}
			counts = [];
			screen = a;
			style(a.node, { visibility: '' });
			if (old && old !== a) { forget(old); }
			if (other && other !== trial && other !== old) { forget(other); }
			delete why[a.path];
			delete g.held[a.path];
			if (a.first - a.begun < 2000) { slow = 1; }
			fatal = '';
			clearTimeout(retry);
			waiting = rounds = 0;
			down = false;
			label();
			update();
		}
		function shape() {
			var p = screen && picture(screen.node);
			if (p && p.w && box) { box.style.paddingTop = 100 * p.h / p.w + '%'; }
		}
		function forget(a) {
			drop(a.node);
			a.free();
		}
		// end stops an attempt; its picture stays if it is the one on the screen.
		function end(a) {
			if (!a) { return; }
			a.over = true;
			a.stop();
			if (a !== screen) { forget(a); }
		}
		function held(path) {
			return Math.max(g.held[path] || 0, fails[path + '.until'] || 0) > now();
		}
		// hold keeps a path from being tried for a while: for this camera, or for all of the gateway.
		function hold(path, how) {
			var t = now(), n = fails[path] = (fails[path] || 0) + 1;
			if (how.all) { n = g.fails[path] = Math.max(n, (g.fails[path] || 0) + !(g.held[path] > t)); } // several at once are one
			t += how.hold || (how.brief ? 4000 : HOLD[Math.min(n, HOLD.length) - 1]);
			if (how.all) { g.held[path] = t; }
			fails[path + '.until'] = t;
		}
		function next() {
			var list = allowed(), free = list.filter(function (p) { return !held(p) && !(trial && trial.path === p); })[0];
			if (free) { return begin(free); }
			// None is left: after a while, all over again. Where the gateway refuses them all as before,
			// after longer; but if that was a proxy's answer, the gateway is away.
			waiting = now();
			if (!fatal) { slower(); }
			clearTimeout(retry);
			retry = setTimeout(mine(anew), (fatal ? 3000 : 1500 * Math.min(13, Math.exp(0.4 * rounds))) * (0.75 + Math.random() / 2));
			if (rounds++) { check(g, mine(function (yes) { if (!yes && waiting) { away(); } })); }
			update();
		}
		function anew() {
			var list = allowed();
			waiting = 0;
			clearTimeout(retry);
			end(trial);
			trial = null;
			list.forEach(function (p) { if (fails[p + '.until'] < 1e11) { delete fails[p + '.until']; delete g.held[p]; } });
			begin(list.filter(function (p) { return !held(p); })[0] || list[list.length - 1]);
		}
		// away: the gateway does not answer.
		function away() {
			clearTimeout(retry);
			waiting = rounds = 0;
			down = true;
			waiter = mine(function () {
				down = false;
				if (!active) { next(); }
			});
			awaitGateway(g, waiter);
			update();
		}
		function slower() { slow = Math.min(8, 2 * slow); }
		// mine keeps what was begun before a halt from going on after it.
		function mine(f) {
			var run = running;
			return function (x) { if (run && run === running) { f(x); } };
		}
		function failed(a, reason, how) {
			var side = a === trial, worked = a.first && now() - a.first > 3000, path = a.path, run = running;
			a.stop();
			if (a !== screen) { forget(a); }
			if (a.first && now() - a.first > 60e3) { fails[path] = g.fails[path] = 0; } // or it would come and go all the time
			if (why[path] !== (why[path] = NAMES[path] + ': ' + REASONS[reason] + (how.detail ? ' (' + how.detail + ')' : '')) || how.brief || reason !== 'refused') { rounds = 0; }
			fatal = how.fatal ? t9n('none', player.camera) : '';
			if (side) {
				trial = null;
				hold(path, how);
				if (active && active.path === path && !active.sound) { a.silenced(); } // the sound that was asked for
				return update();
			}
			active = null;
			update();
			if (run !== running) { return; } // a page that was told has ended or changed it
			if (how.sure) {
				hold(path, how);
				// No path has a camera that does not exist; that is no path's fault.
				if (fatal) { allowed().forEach(function (p) { fails[p + '.until'] = now() + 2000; }); }
				return next();
			}
			alive(g, mine(function (yes) {
				if (active) { return; }
				if (!yes) { return away(); }
				// What has worked is begun again; WebRTC beside something that surely comes through.
				if (how.again || (worked && path !== 'webrtc')) { slower(); return begin(path); }
				hold(path, worked && !fails[path] ? { hold: 500 } : how);
				next();
			}));
		}
		// better tries a path beside the one that works.
		function better(path) {
			if (trial) { return; }
			nextTrial = now() + 3000;
			begin(path, true);
		}

		// --- Running.

		function go() {
			var want = started && seen && !document.hidden;
			if (want && !running) {
				running = ++runs;
				down = false;
				waiting = rounds = 0;
				next();
			}
			if (want && running && waiting) { // now there may be another answer
				rounds = 0;
				anew();
			} else if (!want && running) {
				running = 0;
				clearTimeout(retry);
				g.waiting = g.waiting.filter(function (f) { return f !== waiter; });
				end(trial);
				end(active);
				trial = active = null;
				down = false;
			}
			update();
		}
		// judge says what is on the screen: [state, sentence, more].
		function judge(t) {
			var a = active, since = player.shownAt ? clock(player.shownAt) : '', more = since ? t9n('since', since) : '';
			if (!running) { return started && seen === null ? ['connecting', '', ''] : ['paused', started ? '' : t9n('paused'), '']; }
			if (fatal && !(a && a.first)) { return ['error', fatal, '']; }
			if (down) { return ['error', t9n('gateway'), more]; }
			if (waiting) { return ['error', t9n('error'), player.reason]; }
			if (!a) { return ['connecting', t9n('connecting'), more]; }
			if (a.part && a.shown && t - a.shown <= patience(a)) { return ['stale', t9n('some'), a.why, true]; }
			if (a.state && a.state !== 'live') {
				if (a.state === 'connecting') { return ['connecting', t9n('connecting'), a.why || more]; }
				if (a.state === 'stale') { return ['stale', since ? t9n('stale', since) : t9n('error'), a.why]; }
				return ['offline', t9n('offline'), [more, a.why].filter(Boolean).join(' · ')];
			}
			if (!a.shown) { return ['connecting', t9n('connecting'), more]; }
			if (t - a.shown > patience(a)) {
				return ['stale', t9n('stale', since), ''];
			}
			return ['live', '', ''];
		}
		function patience(a) {
			// A multipart picture that does not move may be a scene that does not: it is asked for anew before it is called stale.
			if (a.path === 'mjpeg') { return a.late ? 0 : 1e12; }
			return Math.max(QUIET + (a.path === 'snapshot' ? 2000 : 0), 3 * longest(), 3 * a.period, o.fps ? 3000 / o.fps : 0) + newest(a);
		}
		// newest is how old the newest picture is that the gateway itself has, as far as it told, ms.
		function newest(a) { return a.info ? a.info.age * 1000 : 0; }
		function watch(t) {
			var a = active, list, i;
			if (!running) { return; }
			while (counts.length && t - counts[0][0] > 2000) { counts.shift(); }
			if (trial) {
				trial.watch(t);
				// Connected, and yet no picture: the line is full. Where nothing is shown yet, that is in the way of the other path.
				if (trial && !trial.first && (t - trial.begun > TRIAL || (trial.linked && t - trial.linked > 2000 && !(a && a.first)))) { trial.fail('timeout', { sure: true, all: true }); }
			}
			if (a) {
				a.watch(t);
				if (a !== active) { return; }
				if (!a.first && t - a.begun > (a.coming(t) ? TRIAL : FIRST[a.path]) * a.slow) {
					// It may still come, beside the next.
					list = allowed().filter(function (p) { return p !== a.path && !held(p) && ORDER.indexOf(p) > ORDER.indexOf(a.path); });
					if (a.path === 'webrtc' && list.length && !trial && !trying(g)) {
						trial = g.trial = a;
						active = null;
						why[a.path] = NAMES[a.path] + ': ' + REASONS.timeout;
						begin(list[0]);
					} else { a.fail('timeout', { all: true, sure: a.path === 'webrtc' && list.length }); }
				} else if (a.path === 'webrtc' && a.first && (a.state || 'live') === 'live' && t - a.shown > Math.max(DEAD, 4 * longest()) + newest(a)) { a.fail('frozen', {}); }
			}
			a = active;
			if (a && player.state === 'live' && !trial && !trying(g) && t > nextTrial) {
				list = allowed();
				for (i = 0; i < list.indexOf(a.path); i++) { if (!held(list[i])) { better(list[i]); break; } }
			}
			resize(t);
		}
		// resize asks for another width once the place's has settled.
		function resize(t) {
			var w = wanted(), a = active;
			if (w !== width) { width = w; settled = t; return; }
			if (!a || !a.first || w === a.asked || t - settled < 400 || t - sized < 1000) { return; }
			sized = t; // the gateway opens only so many tiles a second
			if (a.resized(w) && a.path === 'webrtc' && !trial && t > nextTrial) { better('webrtc'); }
		}
		function update() {
			var t = now(), told = judge(t), a = active, path = a && a.first ? a.path : '', list, i, changed;
			var dim = told[0] !== 'live' && !told[3], n;
			if (gone || changing) { return; }
			shape();
			reasons(path);
			changed = told[0] !== player.state || path !== player.path;
			player.state = told[0];
			player.path = path;
			player.error = told[0] === 'live' || told[0] === 'paused' ? '' : told[1] + (told[2] ? ': ' + told[2] : '');
			attr(root, 'data-state', told[0]);
			attr(root, 'data-path', path);
			attr(root, 'data-reason', player.reason);
			attr(root, 'data-frames', String(player.frames));
			// Grey and dark: where filters are unknown, dark alone.
			style(layerNode, { opacity: dim ? '0.4' : '', filter: dim ? 'grayscale(1)' : '' });
			// The first moments need no words.
			n = told[1] && !(told[0] === 'connecting' && a && t - a.begun < 400 && !player.frames);
			style(bar, { display: n ? 'block' : 'none', borderLeftColor: COLOURS[told[0]] || 'transparent' });
			if (n) {
				style(bar, { fontSize: Math.max(13, Math.min(20, Math.round(root.clientWidth / 36))) + 'px' });
				text(said, told[1]);
				text(detail, root.clientWidth < 200 ? '' : told[2]);
			}
			if (a && a.first && a.node && 'alt' in a.node) { attr(a.node, 'alt', player.camera); }
			if (o.controls && now() - hover > 3000 && !controls.contains(document.activeElement)) { style(controls, { opacity: '0' }); }
			show(t);
			if (!changed) { return; }
			label();
			list = player.camera + ': ' + (told[1] || t9n('live'));
			if (!o.quiet && told[0] !== 'paused' && told[0] !== 'connecting' && list !== announced) {
				if (announced || told[0] !== 'live') { text(spoken, list); }
				announced = list;
			}
			i = { state: told[0], camera: player.camera, path: path, reason: player.reason, error: player.error };
			fire('camgate-state', i);
		}
		// reasons says why it is no better path.
		function reasons(path) {
			var list = allowed(), n = path ? list.indexOf(path) : list.length;
			player.reason = list.slice(0, n).map(function (p) { return why[p] || ''; }).filter(Boolean).join('; ');
		}
		function fire(name, detail) {
			var e;
			try { e = new CustomEvent(name, { bubbles: true, detail: detail }); } catch (x) {
				e = document.createEvent('CustomEvent');
				e.initCustomEvent(name, true, false, detail);
			}
			root.dispatchEvent(e);
		}
		function bits(n) { return n >= 1e6 ? (n / 1e6).toFixed(1) + ' Mbit/s' : Math.round(n / 1e3) + ' kbit/s'; }
		function show(t) {
			var s, lines;
			style(panel, { display: o.stats ? 'block' : 'none' });
			if (!o.stats) { return; }
			s = player.stats();
			lines = [
				t9n('path') + ': ' + (NAMES[s.path] || '–') + (s.stream === 'sub' ? ' (sub)' : '') + (s.codec ? ' ' + s.codec : ''),
				t9n('size') + ': ' + (s.width ? s.width + ' × ' + s.height : '–'),
				t9n('rate') + ': ' + (s.fps === null ? '–' : s.fps.toFixed(1) + ' ' + t9n('fps')),
				t9n('age') + ': ' + (s.age === null ? '–' : (s.age / 1000).toFixed(2) + ' s'),
				t9n('bits') + ': ' + (s.bitrate === null ? '–' : bits(s.bitrate))
			];
			if (player.reason) { lines.push(player.reason); }
			text(panel, lines.join('\n'));
		}
		function draw(node) {
			var p = picture(node), canvas;
			if (!p || !p.w) { return null; }
			canvas = document.createElement('canvas');
			canvas.width = p.w;
			canvas.height = p.h;
			try { canvas.getContext('2d').drawImage(node, 0, 0, p.w, p.h); } catch (e) { return null; } // no memory is left for it
			return canvas;
		}

		// --- What a page may call.

		// frame is a canvas with the picture that is shown now, as large as it came; null: none.
		player.frame = function () { return screen ? draw(screen.node) : null; };
		// age of what is shown, ms; null: nothing of the camera is.
		player.age = function () {
			var a = active || screen, t = now(), own;
			if (!a || !a.shown) { return null; }
			own = t - a.shown;
			if (a.path === 'mjpeg' && player.state === 'live') { return Math.min(own, a.age || 0); }
			return a.info && player.state !== 'live' ? Math.max(own, a.info.age * 1000 + t - a.heard) : own;
		};
		player.stats = function () {
			var frames = 0, bytes = 0, p = picture(screen && screen.node) || { w: 0, h: 0 }, t = now(), a = active, span = Math.max(500, Math.min(2000, a && a.first ? t - a.first : 0));
			counts.forEach(function (c) { frames += c[1]; bytes += c[2]; });
			return {
				path: player.path, state: player.state, reason: player.reason, width: p.w, height: p.h, age: player.age(),
				fps: player.path === 'mjpeg' ? (a && a.period ? 1000 / a.period : null) : player.path ? frames * 1000 / span : null,
				bitrate: player.path && player.path !== 'mjpeg' ? bytes * 8000 / span : null,
				stream: a && a.info ? a.info.stream : '', codec: a && a.info ? a.info.codec : '', asked: a ? a.asked || 0 : 0
			};
		};
		// snapshot saves the picture that is shown as a file.
		player.snapshot = function () {
			var a = child(root, 'a', { display: 'none' });
			try { a.href = player.frame().toDataURL('image/jpeg', 0.92); } catch (e) { a.href = g.base + (o.cams ? 'wall.jpg?' + wall(o).join('&') : 'snapshot/' + enc(o.camera)); }
			a.download = player.camera.replace(/[^\w.-]+/g, '_') + '-' + new Date().toISOString().replace(/[:.]/g, '') + '.jpg';
			a.target = '_blank';
			a.onclick = function (e) { e.stopPropagation(); }; // it is no click on the player
			a.click();
			drop(a);
			return a.download;
		};
		player.fullscreen = full;
		// poster is shown, as not live, until there is a picture: a canvas, or null.
		player.poster = function (canvas) {
			if (!canvas || screen) { return; }
			screen = { node: canvas, free: nothing };
			fill(canvas, o);
			layerNode.appendChild(canvas);
			update();
		};
		player.start = function () { started = !gone; go(); };
		player.stop = function () { var was = started; started = false; go(); return was; }; // whether it was running
		// set changes options; what needs it begins anew.
		player.set = function (changes) {
			var k, all = {}, anew = false, other = false;
			for (k in o) { all[k] = o[k]; }
			for (k in changes) {
				if (all[k] === changes[k]) { continue; }
				other = other || /^(camera|cams|base)$/.test(k);
				anew = anew || /^(camera|cams|cols|labels|path|base|width|fps|quality|fit)$/.test(k);
				all[k] = changes[k];
			}
			if (anew) { restart(other, all); } else { configure(all); }
			if (o.muted && o.sound) { loud(); }
			label();
			update();
		};
		function restart(other, options) {
			var was = started;
			started = false;
			changing = true; // it is no pause
			go();
			changing = false;
			started = was;
			if (options) { configure(options); }
			if (other) { // nothing of another camera stays
				if (screen) { forget(screen); screen = null; }
				player.frames = 0;
				player.shownAt = null;
				gaps = [];
				announced = '';
			}
			fails = {};
			why = {};
			fatal = '';
			go();
		}
		player.destroy = function () {
			if (gone) { return; }
			started = false;
			go();
			gone = true; // what comes late touches nothing: another player may be in its place
			if (observer) { observer.disconnect(); }
			players.splice(players.indexOf(player), 1);
			if (screen) { forget(screen); }
			[layerNode, bar, panel, controls, spoken, box].forEach(drop);
			listen('removeEventListener');
			['state', 'path', 'reason', 'frames'].forEach(function (k) { root.removeAttribute('data-' + k); });
			if (block) { root.style.display = ''; }
			element.player = null;
		};
		// Of use to tick, and to nobody else.
		player.tick = function (t) { if (!gone) { place(); } watch(t); update(); };
		player.visible = go;
		player.woken = function () {
			if (!running) { return; }
			restart(false);
		};

		if (element.player) { element.player.destroy(); }
		configure(options || {});
		build();
		element.player = player;
		players.push(player);
		if (window.IntersectionObserver) { // what is scrolled away costs nothing
			seen = null; // until it says
			observer = new IntersectionObserver(function (entries) {
				var last = entries[entries.length - 1];
				seen = last.isIntersecting || last.intersectionRatio > 0; // Chromium 51 to 57 tell the latter alone
				if (seen) { go(); } else { setTimeout(go, 1000); } // it may come back
			}, { rootMargin: '64px' });
			observer.observe(root);
		}
		ticking();
		go();
	};
	Camgate.language = language;

	// --- One clock for all players.

	var runs = 0, timer = 0, ticked = 0, late = false, leaving = false;

	function all(f) { players.slice(0).forEach(f); }
	function kickAll() {
		all(function (p) { p.visible(); });
		for (var base in gateways) { kick(gateways[base]); }
	}
	function ticking() {
		if (timer) { return; }
		ticked = Date.now();
		timer = setInterval(function () {
			var t = Date.now(), gap = t - ticked;
			ticked = t;
			if (!players.length) { clearInterval(timer); timer = 0; return; }
			if (gap > 5000 && !document.hidden) { // the machine has slept: nothing of before is worth waiting for
				for (var base in gateways) { gateways[base].hubs.forEach(function (h) { h.shut(); }); }
				kickAll();
				return all(function (p) { p.woken(); });
			}
			late = gap > 1500 && !late;
			if (late) { return; } // this page stood still, not its cameras; it does not always
			t = now();
			all(function (p) { p.tick(t); });
		}, TICK);
	}
	document.addEventListener('visibilitychange', function () { ticked = Date.now(); kickAll(); });
	window.addEventListener('online', kickAll);
	window.addEventListener('offline', function () { all(function (p) { p.tick(now()); }); });
	window.addEventListener('pagehide', function () { leaving = true; all(function (p) { p.halt = p.stop(); }); });
	window.addEventListener('pageshow', function () { leaving = false; all(function (p) { if (p.halt) { p.halt = false; p.start(); } }); });

	// --- <camgate-player>.

	var ATTRIBUTES = ['camera', 'cams', 'cols', 'labels', 'path', 'base', 'width', 'fps', 'quality', 'fit', 'controls', 'stats', 'muted', 'quiet', 'label', 'lang'];

	function read(node) {
		var options = {};
		ATTRIBUTES.forEach(function (k) {
			var v = node.getAttribute(k);
			if (v === null) { return; }
			options[k] = /^(controls|stats|muted|quiet)$/.test(k) ? v !== 'false' : v;
		});
		return options;
	}
	function adopt(node) {
		if (!node.player && (node.getAttribute('camera') || node.getAttribute('cams'))) { new Camgate.Player(node, read(node)); }
	}
	function define() {
		var R = window.Reflect, proto;
		function Element() { return R.construct(HTMLElement, [], Element); }
		proto = Element.prototype = Object.create(HTMLElement.prototype);
		Element.observedAttributes = ATTRIBUTES;
		proto.connectedCallback = function () { adopt(this); };
		proto.disconnectedCallback = function () { // or moved
			var node = this;
			setTimeout(function () { if (node.player && !node.isConnected) { node.player.destroy(); } }, 0);
		};
		proto.attributeChangedCallback = function (name, old, value) {
			var changes = {};
			if (!this.player) { if (this.isConnected) { adopt(this); } return; } // what is not in the page has no looks yet
			if (old === value) { return; }
			if (!this.getAttribute('camera') && !this.getAttribute('cams')) { return this.player.destroy(); }
			changes[name] = read(this)[name];
			this.player.set(changes);
		};
		Object.defineProperty(proto, 'state', { get: function () { return this.player ? this.player.state : ''; } });
		window.customElements.define('camgate-player', Element);
	}
	function adoptAll() { Array.prototype.forEach.call(document.getElementsByTagName('camgate-player'), adopt); }

	if (window.customElements && window.Reflect) { define(); } else if (document.readyState === 'loading') { document.addEventListener('DOMContentLoaded', adoptAll); } else { adoptAll(); }
})();
