// What the page says, in five languages. {0}, {1} are what belongs in between. index.html
// names its own by data-t (the text), data-t-label (aria-label) and data-t-title.
(function () {
	'use strict';

	var WORDS = {
		en: {
			cameras: 'Cameras', find: 'Find cameras', found: 'Cameras on the network', again: 'Search again', close: 'Close', views: 'Views', grid: 'Grid', wall: 'Wall', kiosk: 'Kiosk',
			columns: 'Columns', auto: 'auto', all: 'All cameras', previous: 'Previous camera', next: 'Next camera', full: 'Full screen', age: 'how old the picture on the screen is',
			ptz: 'Move the camera', left: 'Left', up: 'Up', down: 'Down', right: 'Right', 'in': 'Zoom in', out: 'Zoom out', preset: 'Go to a stored position', goto_: 'Go to …',
			loading: 'Loading …', asking: 'Asking the gateway for its cameras.', away: 'The gateway does not answer', running: 'Is it running? This page tries again every second ({0}).',
			none: 'No cameras yet', noneText: 'The gateway runs, but its configuration names no camera.', unknown_: 'There is no camera “{0}” here', noWall: 'There is no wall “{0}” here', walls: 'Walls of the configuration: {0}', renamed: 'Has it another name now?',
			howFind: 'Find cameras, above, lists those on the network. Or add one to the file that camgate serve --config config.toml reads, and say reload in its console:', howDemo: 'Or try camgate demo, which brings cameras of its own.',
			live: 'live', stale: 'stale', offline: 'offline', connecting: 'connecting', idle: 'idle', lost: 'no connection', unknown: 'unknown', error: 'no picture',
			count: '{0} of {1} live', changed: '{0} cameras have another state now', alarm: 'No connection to the gateway since {0}', trying: 'Trying again.', moved: '{0}: {1} of {2}',
			arrange: 'Drag to arrange; Alt and arrow keys move it too', mjpeg: 'Live, for <img>', snapshot: 'Still picture', copy: 'Copy', copyOf: 'Copy address: {0}', copied: 'Copied', press: 'Press Ctrl+C',
			codec: 'Codec', size: 'Size', fps: 'Rate', bitrate: 'Bitrate', gop: 'Key frame every', gopText: '{0} pictures, {1} s', transport: 'Transport', viewers: 'Viewers', address: 'Camera', path: 'Path', since: '{0} since', last: 'Last error',
			unreachable: 'it cannot be reached', slow: 'it takes too long to answer', answers: 'it answers {0}',
			show: 'Show {0}', add: 'Add …', addIt: 'Add', user: 'User', password: 'Password', asks: 'Asking the camera …', searching: 'Searching for 5 seconds …', noDevice: 'No camera has answered so far. Those on another network are asked where [discovery] unicast names it.',
			noOnvif: 'tells no ONVIF address: add it to the configuration by its RTSP address', keep: 'It is served until the gateway ends. To keep it, put this into its configuration:', keepFile: 'It is served until the gateway ends. To keep it, put this into its configuration, and the password into the file:'
		},
		de: {
			cameras: 'Kameras', find: 'Kameras suchen', found: 'Kameras im Netzwerk', again: 'Erneut suchen', close: 'Schließen', views: 'Ansichten', grid: 'Raster', wall: 'Wand', kiosk: 'Kiosk',
			columns: 'Spalten', auto: 'auto', all: 'Alle Kameras', previous: 'Vorige Kamera', next: 'Nächste Kamera', full: 'Vollbild', age: 'wie alt das gezeigte Bild ist',
			ptz: 'Kamera bewegen', left: 'Nach links', up: 'Nach oben', down: 'Nach unten', right: 'Nach rechts', 'in': 'Heranzoomen', out: 'Herauszoomen', preset: 'Gespeicherte Position', goto_: 'Gehe zu …',
			loading: 'Wird geladen …', asking: 'Das Gateway wird nach seinen Kameras gefragt.', away: 'Das Gateway antwortet nicht', running: 'Läuft es? Diese Seite versucht es jede Sekunde wieder ({0}).',
			none: 'Noch keine Kameras', noneText: 'Das Gateway läuft, aber seine Konfiguration nennt keine Kamera.', unknown_: 'Hier gibt es keine Kamera „{0}“', noWall: 'Hier gibt es keine Wand „{0}“', walls: 'Wände der Konfiguration: {0}', renamed: 'Heißt sie jetzt anders?',
			howFind: '„Kameras suchen“, oben, zeigt die im Netzwerk. Oder eine in die Datei eintragen, die camgate serve --config config.toml liest, und in der Konsole reload eingeben:', howDemo: 'Oder camgate demo ausprobieren, das eigene Kameras mitbringt.',
			live: 'live', stale: 'veraltet', offline: 'nicht erreichbar', connecting: 'verbindet', idle: 'ruht', lost: 'keine Verbindung', unknown: 'unbekannt', error: 'kein Bild',
			count: '{0} von {1} live', changed: 'Bei {0} Kameras hat sich der Zustand geändert', alarm: 'Keine Verbindung zum Gateway seit {0}', trying: 'Neuer Versuch läuft.', moved: '{0}: {1} von {2}',
			arrange: 'Zum Anordnen ziehen; Alt und Pfeiltasten gehen auch', mjpeg: 'Live, für <img>', snapshot: 'Einzelbild', copy: 'Kopieren', copyOf: 'Adresse kopieren: {0}', copied: 'Kopiert', press: 'Strg+C drücken',
			codec: 'Codec', size: 'Größe', fps: 'Rate', bitrate: 'Bitrate', gop: 'Schlüsselbild alle', gopText: '{0} Bilder, {1} s', transport: 'Transport', viewers: 'Zuschauer', address: 'Kamera', path: 'Weg', since: '{0} seit', last: 'Letzter Fehler',
			unreachable: 'es ist nicht erreichbar', slow: 'es antwortet zu langsam', answers: 'es antwortet mit {0}',
			show: '{0} zeigen', add: 'Hinzufügen …', addIt: 'Hinzufügen', user: 'Benutzer', password: 'Passwort', asks: 'Die Kamera wird gefragt …', searching: 'Es wird 5 Sekunden gesucht …', noDevice: 'Bisher hat keine Kamera geantwortet. In anderen Netzwerken wird gesucht, wenn [discovery] unicast sie nennt.',
			noOnvif: 'nennt keine ONVIF-Adresse: mit ihrer RTSP-Adresse in die Konfiguration eintragen', keep: 'Sie bleibt, bis das Gateway endet. Damit sie danach noch da ist, dies in die Konfiguration eintragen:', keepFile: 'Sie bleibt, bis das Gateway endet. Damit sie danach noch da ist, dies in die Konfiguration eintragen, und das Passwort in die Datei schreiben:'
		},
		fr: {
			cameras: 'Caméras', find: 'Chercher des caméras', found: 'Caméras sur le réseau', again: 'Relancer la recherche', close: 'Fermer', views: 'Vues', grid: 'Grille', wall: 'Mur', kiosk: 'Kiosque',
			columns: 'Colonnes', auto: 'auto', all: 'Toutes les caméras', previous: 'Caméra précédente', next: 'Caméra suivante', full: 'Plein écran', age: 'âge de l’image affichée',
			ptz: 'Déplacer la caméra', left: 'Gauche', up: 'Haut', down: 'Bas', right: 'Droite', 'in': 'Zoom avant', out: 'Zoom arrière', preset: 'Position enregistrée', goto_: 'Aller à…',
			loading: 'Chargement…', asking: 'La passerelle est interrogée sur ses caméras.', away: 'La passerelle ne répond pas', running: 'Est-elle en marche ? Cette page réessaie chaque seconde ({0}).',
			none: 'Pas encore de caméra', noneText: 'La passerelle fonctionne, mais sa configuration ne nomme aucune caméra.', unknown_: 'Il n’y a pas de caméra « {0} » ici', noWall: 'Il n’y a pas de mur « {0} » ici', walls: 'Murs de la configuration : {0}', renamed: 'A-t-elle changé de nom ?',
			howFind: '« Chercher des caméras », en haut, liste celles du réseau. Ou ajoutez-en une au fichier que lit camgate serve --config config.toml, puis tapez reload dans sa console :', howDemo: 'Ou essayez camgate demo, qui apporte ses propres caméras.',
			live: 'en direct', stale: 'figée', offline: 'hors ligne', connecting: 'connexion', idle: 'au repos', lost: 'pas de connexion', unknown: 'état inconnu', error: 'pas d’image',
			count: '{0} sur {1} en direct', changed: '{0} caméras ont changé d’état', alarm: 'Pas de connexion à la passerelle depuis {0}', trying: 'Nouvelle tentative.', moved: '{0} : {1} sur {2}',
			arrange: 'Glisser pour réorganiser ; Alt et les flèches aussi', mjpeg: 'Direct, pour <img>', snapshot: 'Image fixe', copy: 'Copier', copyOf: 'Copier l’adresse : {0}', copied: 'Copié', press: 'Appuyez sur Ctrl+C',
			codec: 'Codec', size: 'Taille', fps: 'Cadence', bitrate: 'Débit', gop: 'Image clé toutes les', gopText: '{0} images, {1} s', transport: 'Transport', viewers: 'Spectateurs', address: 'Caméra', path: 'Voie', since: '{0} depuis', last: 'Dernière erreur',
			unreachable: 'elle est injoignable', slow: 'elle tarde trop à répondre', answers: 'elle répond {0}',
			show: 'Voir {0}', add: 'Ajouter…', addIt: 'Ajouter', user: 'Utilisateur', password: 'Mot de passe', asks: 'La caméra est interrogée…', searching: 'Recherche, 5 secondes…', noDevice: 'Aucune caméra n’a répondu. Celles d’un autre réseau sont cherchées si [discovery] unicast le nomme.',
			noOnvif: 'ne donne pas d’adresse ONVIF : ajoutez-la à la configuration par son adresse RTSP', keep: 'Elle reste jusqu’à l’arrêt de la passerelle. Pour la garder, mettez ceci dans la configuration :', keepFile: 'Elle reste jusqu’à l’arrêt de la passerelle. Pour la garder, mettez ceci dans la configuration, et le mot de passe dans le fichier :'
		},
		ja: {
			cameras: 'カメラ', find: 'カメラを検索', found: 'ネットワーク上のカメラ', again: '再検索', close: '閉じる', views: '表示', grid: '一覧', wall: 'ウォール', kiosk: 'キオスク',
			columns: '列数', auto: '自動', all: 'すべてのカメラ', previous: '前のカメラ', next: '次のカメラ', full: '全画面表示', age: '表示中の映像の経過時間',
			ptz: 'カメラを動かす', left: '左', up: '上', down: '下', right: '右', 'in': 'ズームイン', out: 'ズームアウト', preset: '登録位置へ移動', goto_: '移動先…',
			loading: '読み込み中…', asking: 'ゲートウェイにカメラを問い合わせています。', away: 'ゲートウェイが応答しません', running: '動作していますか？（{0}）1 秒ごとに再試行します。',
			none: 'カメラがまだありません', noneText: 'ゲートウェイは動作中ですが、設定にカメラがありません。', unknown_: 'カメラ「{0}」はありません', noWall: 'ウォール「{0}」はありません', walls: '設定にあるウォール：{0}', renamed: '名前が変わりましたか？',
			howFind: '上の「カメラを検索」でネットワーク上のカメラを表示します。または camgate serve --config config.toml が読む設定ファイルに追加し、コンソールで reload を実行します：', howDemo: 'camgate demo を使うと、模擬カメラで試せます。',
			live: 'ライブ', stale: '更新なし', offline: 'オフライン', connecting: '接続中', idle: '待機中', lost: '接続なし', unknown: '不明', error: '映像なし',
			count: '{1} 台中 {0} 台ライブ', changed: '{0} 台のカメラの状態が変わりました', alarm: '{0} からゲートウェイに接続できません', trying: '再試行しています。', moved: '{0}：{2} 中 {1} 番目',
			arrange: 'ドラッグで並べ替え（Alt＋矢印キーも可）', mjpeg: 'ライブ（<img> 用）', snapshot: '静止画', copy: 'コピー', copyOf: 'アドレスをコピー：{0}', copied: 'コピーしました', press: 'Ctrl+C を押してください',
			codec: 'コーデック', size: 'サイズ', fps: 'レート', bitrate: 'ビットレート', gop: 'キーフレーム間隔', gopText: '{0} 枚、{1} 秒', transport: '伝送方式', viewers: '視聴者数', address: 'カメラ', path: '経路', since: '「{0}」になった時刻', last: '最後のエラー',
			unreachable: '接続できません', slow: '応答が遅すぎます', answers: '応答：{0}',
			show: '{0} を表示', add: '追加…', addIt: '追加', user: 'ユーザー', password: 'パスワード', asks: 'カメラに問い合わせ中…', searching: '検索中（5 秒）…', noDevice: '応答したカメラはまだありません。別のネットワークは [discovery] unicast で指定します。',
			noOnvif: 'ONVIF アドレスがありません：RTSP アドレスで設定に追加してください', keep: 'ゲートウェイが終了するまで表示されます。その後も残すには、次を設定に追加してください：', keepFile: 'ゲートウェイが終了するまで表示されます。その後も残すには、次を設定に追加し、パスワードをファイルに書いてください：'
		},
		zh: {
			cameras: '攝影機', find: '尋找攝影機', found: '網路上的攝影機', again: '重新尋找', close: '關閉', views: '檢視', grid: '格狀', wall: '電視牆', kiosk: '展示模式',
			columns: '欄數', auto: '自動', all: '所有攝影機', previous: '上一台', next: '下一台', full: '全螢幕', age: '目前畫面距今多久',
			ptz: '移動攝影機', left: '左', up: '上', down: '下', right: '右', 'in': '拉近', out: '拉遠', preset: '移至預置點', goto_: '移至…',
			loading: '載入中…', asking: '正在向閘道器查詢攝影機。', away: '閘道器沒有回應', running: '它在執行嗎？（{0}）本頁每秒重試一次。',
			none: '還沒有攝影機', noneText: '閘道器執行中，但設定裡沒有攝影機。', unknown_: '這裡沒有攝影機「{0}」', noWall: '這裡沒有電視牆「{0}」', walls: '設定裡的電視牆：{0}', renamed: '名稱改了嗎？',
			howFind: '上方的「尋找攝影機」會列出網路上的攝影機。或將它加入 camgate serve --config config.toml 所讀的設定檔，再於主控台輸入 reload：', howDemo: '也可試用 camgate demo，它自帶模擬攝影機。',
			live: '即時', stale: '未更新', offline: '離線', connecting: '連線中', idle: '閒置', lost: '無連線', unknown: '不明', error: '沒有畫面',
			count: '{1} 台中 {0} 台即時', changed: '{0} 台攝影機狀態改變', alarm: '自 {0} 起無法連線至閘道器', trying: '正在重試。', moved: '{0}：第 {1} 個，共 {2} 個',
			arrange: '拖曳以排列，Alt 加方向鍵亦可', mjpeg: '即時（供 <img> 使用）', snapshot: '單張畫面', copy: '複製', copyOf: '複製位址：{0}', copied: '已複製', press: '請按 Ctrl+C',
			codec: '編碼', size: '尺寸', fps: '幀率', bitrate: '位元率', gop: '關鍵幀間隔', gopText: '{0} 幀，{1} 秒', transport: '傳輸', viewers: '觀看數', address: '攝影機', path: '路徑', since: '「{0}」起始時間', last: '最近錯誤',
			unreachable: '無法連線', slow: '回應太慢', answers: '回應 {0}',
			show: '顯示 {0}', add: '新增…', addIt: '新增', user: '使用者', password: '密碼', asks: '正在詢問攝影機…', searching: '尋找中（5 秒）…', noDevice: '目前沒有攝影機回應。其他網路須由 [discovery] unicast 指定。',
			noOnvif: '沒有提供 ONVIF 位址：請以其 RTSP 位址加入設定', keep: '此攝影機會保留到閘道器結束為止。若要永久保留，請將以下內容加入設定：', keepFile: '此攝影機會保留到閘道器結束為止。若要永久保留，請將以下內容加入設定，並將密碼寫入檔案：'
		}
	};

	var query = {}, lang, words;

	// The address's own words: ?kiosk&cams=a,b&cols=2. A value is left as it stands there, for lists.
	location.search.slice(1).split('&').forEach(function (pair) {
		var i = pair.indexOf('=');
		if (pair) { query[i < 0 ? pair : pair.slice(0, i)] = i < 0 ? '' : pair.slice(i + 1); }
	});
	Camgate.query = query;
	lang = Camgate.language(null, query.lang);
	words = WORDS[lang];
	document.documentElement.lang = lang === 'zh' ? 'zh-Hant' : lang;

	// word is a text in the page's language.
	Camgate.word = function (key) {
		var s = words[key] || key, i;
		for (i = 1; i < arguments.length; i++) { s = s.split('{' + (i - 1) + '}').join(arguments[i]); }
		return s;
	};
	Array.prototype.forEach.call(document.querySelectorAll('[data-t], [data-t-label], [data-t-title]'), function (e) {
		var key = e.getAttribute('data-t');
		if (key) { e.textContent = words[key]; }
		key = e.getAttribute('data-t-label');
		if (key) { e.setAttribute('aria-label', words[key]); }
		key = e.getAttribute('data-t-title');
		if (key) { e.title = words[key]; }
	});
})();
